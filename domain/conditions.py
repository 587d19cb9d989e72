"""Conditions of a rule (DESIGN 6).

Those of the session decide at planning whether sends exist; those of the participant decide when a mail is to leave,
and planning never reads what they read. To add one: a field here, and a clause in `Conditions.met` or
`Conditions.objection`.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.keys import Title
from domain.participations import Attendance

Label = Annotated[Title, Field(max_length=100, examples=["confirmed"])]
# "all" includes values created later; a list does not (F061). An empty list could never send.
Labels = Literal["all"] | Annotated[list[Label], Field(min_length=1, max_length=100)]


class Completion(StrEnum):
    """How far a participant is (F096)."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Presence(StrEnum):
    """Whom a rule writes to, by what was seen of them (F053); nothing seen is neither present nor absent."""

    ANY = "any"
    PRESENT = "present"  # at least once
    PRESENT_THROUGHOUT = "present_throughout"
    ABSENT = "absent"  # at least once
    NEVER_PRESENT = "never_present"


_SEEN: dict[Presence, Set[Attendance]] = {
    Presence.PRESENT: {Attendance.THROUGHOUT, Attendance.PARTLY},
    Presence.PRESENT_THROUGHOUT: {Attendance.THROUGHOUT},
    Presence.ABSENT: {Attendance.PARTLY, Attendance.NEVER},
    Presence.NEVER_PRESENT: {Attendance.NEVER},
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a mail is decided by when it is to leave: how things stand with a participant."""

    attendance: Attendance | None = None
    started: bool = False
    completed: bool = False
    status: str | None = None
    answered: Set[str] = frozenset()  # the questionnaires

    @property
    def completion(self) -> Completion:
        if self.completed:
            return Completion.COMPLETED
        return Completion.IN_PROGRESS if self.started else Completion.NOT_STARTED


class Conditions(BaseModel):
    """Which sessions a rule concerns, and which of their participants.

    Mode and category are the session's for scope `session`, the module's for `module` and `slot` (F062, F063).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: Labels = "all"  # F058
    modes: Labels = "all"  # F059
    categories: Labels = "all"  # F060
    attendance: Presence = Presence.ANY  # F053
    # F096
    completion: Literal["any"] | Annotated[list[Completion], Field(min_length=1, max_length=3)] = "any"
    statuses: Labels = "all"  # of the participation

    def met(self, *, stage: str | None, mode: str | None, category: str | None) -> bool:
        """Return whether a session, or a module of it, meets them; what has no value is in no list."""
        return _in(stage, self.stages) and _in(mode, self.modes) and _in(category, self.categories)

    @property
    def of_participants(self) -> bool:
        """Whether any of them is about participants, and decided when the mail is to leave."""
        return (self.attendance, self.completion, self.statuses) != (Presence.ANY, "any", "all")

    def objection(self, standing: Standing) -> Literal["attendance", "completion", "statuses"] | None:
        """Return the condition that somebody does not meet; None when they meet all."""
        if self.attendance is not Presence.ANY and standing.attendance not in _SEEN[self.attendance]:
            return "attendance"
        if self.completion != "any" and standing.completion not in self.completion:
            return "completion"
        if not _in(standing.status, self.statuses):
            return "statuses"
        return None


def _in(value: str | None, wanted: Literal["all"] | list[str]) -> bool:
    return wanted == "all" or value in wanted
