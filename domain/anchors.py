"""Anchors: the dates a rule can count from.

To add one: a member here, a line in `_VALUES`, and, if it reads something new, a field of `Facts`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Anchor(StrEnum):
    """What a date trigger counts from (DESIGN 6)."""

    SESSION_START = "session.start"
    SESSION_END = "session.end"
    MODULE_START = "module.start"
    MODULE_END = "module.end"
    SLOT_START = "slot.start"
    SLOT_END = "slot.end"
    DATE = "date"  # absolute


@dataclass(frozen=True, slots=True)
class Dated:
    """The dates of a session, a module or a slot: aware, None where not known yet."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def over_at(self) -> datetime | None:
        """When it ends; what has no end is over when it starts."""
        return self.ends_at or self.starts_at


_UNDATED = Dated()


@dataclass(frozen=True, slots=True)
class Facts:
    """What anchors read."""

    session: Dated
    module: Dated
    slot: Dated


_VALUES: dict[Anchor, Callable[[Facts], datetime | None]] = {
    Anchor.SESSION_START: lambda facts: facts.session.starts_at,
    Anchor.SESSION_END: lambda facts: facts.session.over_at,
    Anchor.MODULE_START: lambda facts: facts.module.starts_at,
    Anchor.MODULE_END: lambda facts: facts.module.over_at,
    Anchor.SLOT_START: lambda facts: facts.slot.starts_at,
    Anchor.SLOT_END: lambda facts: facts.slot.over_at,
    Anchor.DATE: lambda facts: None,  # the trigger's own `date`: see `domain.triggers.due`
}


def anchor_at(
    anchor: Anchor, *, session: Dated, module: Dated | None = None, slot: Dated | None = None
) -> datetime | None:
    """Return the instant of `anchor`, or None while nobody has given that date."""
    return _VALUES[anchor](Facts(session, module or _UNDATED, slot or _UNDATED))
