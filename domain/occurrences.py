"""Occurrences: which of a rule's mails to one recipient, about one session, module or slot, a send is (DESIGN 5)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

# The one mail to somebody else with which a series may end.
LAST = "last"
CORRECTION = "correction"
_BY_HAND = f"{CORRECTION}:by-hand"

_WRITTEN = re.compile(r"(?:m([0-9]+):)?(?:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?::|$))?(.*)")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One of the mails of a rule that may write several; its text is a part of the send's identity.

    "1" is the only one of most rules. The mails of a series count on from there, and may end with "last"; "correction:"
    goes on with the date that is told, after "by-hand:" where somebody has asked for it. Before these stand "m2:" from the rule's second memory on, and the smallest
    participation of those that a company's mail is about, where it has several: alone, it is the first of its series.
    """

    step: str = "1"
    group: UUID | None = None
    memory: int = 1

    def __str__(self) -> str:
        memory = f"m{self.memory}:" if self.memory > 1 else ""
        if self.group is None:
            return f"{memory}{self.step}"
        return f"{memory}{self.group}" if self.step == "1" else f"{memory}{self.group}:{self.step}"

    @classmethod
    def parse(cls, text: str) -> "Occurrence":
        """Return the occurrence that a row names."""
        return _parse(text)

    @property
    def number(self) -> int | None:
        """Its place in a series; None of what has none."""
        return int(self.step) if self.step.isdigit() else None

    @property
    def kind(self) -> str:
        """`LAST`, `CORRECTION`, or the number."""
        return self.step.partition(":")[0]

    @property
    def by_hand(self) -> bool:
        """Whether it is a correction that the rule does not make by itself: somebody has asked for it."""
        return self.step.startswith(_BY_HAND)


def correction_step(anchor_at: datetime, again: int = 1, *, by_hand: bool = False) -> str:
    """Return the step of a mail that tells a new date; `again` tells one from those that have told the same before."""
    told = f"{_BY_HAND if by_hand else CORRECTION}:{anchor_at.astimezone(UTC).replace(microsecond=0).isoformat()}"
    return told if again == 1 else f"{told}:{again}"


@lru_cache(maxsize=4096)
def _parse(text: str) -> Occurrence:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:64]!r} is no occurrence")
    memory, group, step = match.groups()
    return Occurrence(step or "1", UUID(group) if group else None, int(memory or 1))
