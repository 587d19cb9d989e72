"""Anchors: the dates a rule can count from.

To add one: a member here, a line in `_VALUES`, and, if it reads something new, a field of `Facts`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Anchor(StrEnum):
    """What a date trigger counts from (DESIGN 6)."""

    SESSION_START = "session.start"
    SESSION_END = "session.end"
    MODULE_START = "module.start"
    MODULE_END = "module.end"
    SLOT_START = "slot.start"
    SLOT_END = "slot.end"
    PARTICIPATION_START = "participation.start"  # own dates, else the session's (F010, F018)
    PARTICIPATION_END = "participation.end"
    PARTICIPATION_DEADLINE = "participation.deadline"
    FIRST_SYNCHRONOUS_SLOT = "first_synchronous_slot.start"  # of those they come to (F050, F051)
    LAST_SYNCHRONOUS_SLOT = "last_synchronous_slot.end"
    ENROLLED = "enrolled"
    STARTED = "started"
    COMPLETED = "completed"
    DATE = "date"  # absolute

    @property
    def is_own(self) -> bool:
        """Whether it can differ from one participant of a session to the next."""
        return self in _OWN

    @property
    def is_fact(self) -> bool:
        """Whether it is something that happens, rather than a date that is known before."""
        return self in _FACTS


_FACTS = frozenset({Anchor.ENROLLED, Anchor.STARTED, Anchor.COMPLETED})
_OWN = _FACTS | {
    Anchor.PARTICIPATION_START,
    Anchor.PARTICIPATION_END,
    Anchor.PARTICIPATION_DEADLINE,
    Anchor.FIRST_SYNCHRONOUS_SLOT,
    Anchor.LAST_SYNCHRONOUS_SLOT,
}

# A fact that was older than this when it was first written down here is no news: a backfill.
NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dated:
    """The dates of a session, a module or a slot: aware, None where not known yet."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def over_at(self) -> datetime | None:
        """When it ends; what has no end is over when it starts."""
        return self.ends_at or self.starts_at


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, and when that was first written down here."""

    at: datetime
    recorded_at: datetime

    @property
    def is_old(self) -> bool:
        """Whether it was no news any more when it was written down: nobody gets a mail because of it."""
        return self.recorded_at - self.at > NEWS


@dataclass(frozen=True, slots=True)
class Own:
    """The dates of one participant."""

    dates: Dated = Dated()  # their own; what is None is the session's
    deadline_at: datetime | None = None
    synchronous: Dated = Dated()  # from their first synchronous slot to their last
    enrolled: Fact | None = None
    started: Fact | None = None
    completed: Fact | None = None


_UNDATED = Dated()


@dataclass(frozen=True, slots=True)
class Facts:
    """What anchors read."""

    session: Dated
    module: Dated = _UNDATED
    slot: Dated = _UNDATED
    own: Own = field(default_factory=Own)

    def fact(self, anchor: Anchor) -> Fact | None:
        """Return the fact that an anchor stands for, old or not; None while it has not happened."""
        return _HAPPENED[anchor](self.own)


_HAPPENED: dict[Anchor, Callable[[Own], Fact | None]] = {
    Anchor.ENROLLED: lambda own: own.enrolled,
    Anchor.STARTED: lambda own: own.started,
    Anchor.COMPLETED: lambda own: own.completed,
}


def _recorded(fact: Fact | None) -> datetime | None:
    """The reference is when it was written down: nobody could have known before (DESIGN 6, Past and late)."""
    return None if fact is None or fact.is_old else fact.recorded_at


_VALUES: dict[Anchor, Callable[[Facts], datetime | None]] = {
    Anchor.SESSION_START: lambda facts: facts.session.starts_at,
    Anchor.SESSION_END: lambda facts: facts.session.over_at,
    Anchor.MODULE_START: lambda facts: facts.module.starts_at,
    Anchor.MODULE_END: lambda facts: facts.module.over_at,
    Anchor.SLOT_START: lambda facts: facts.slot.starts_at,
    Anchor.SLOT_END: lambda facts: facts.slot.over_at,
    Anchor.PARTICIPATION_START: lambda facts: facts.own.dates.starts_at or facts.session.starts_at,
    Anchor.PARTICIPATION_END: lambda facts: facts.own.dates.ends_at or facts.session.over_at,
    Anchor.PARTICIPATION_DEADLINE: lambda facts: facts.own.deadline_at,
    Anchor.FIRST_SYNCHRONOUS_SLOT: lambda facts: facts.own.synchronous.starts_at,
    Anchor.LAST_SYNCHRONOUS_SLOT: lambda facts: facts.own.synchronous.ends_at,
    Anchor.ENROLLED: lambda facts: _recorded(facts.own.enrolled),
    Anchor.STARTED: lambda facts: _recorded(facts.own.started),
    Anchor.COMPLETED: lambda facts: _recorded(facts.own.completed),
    Anchor.DATE: lambda facts: None,  # the trigger's own `date`: see `domain.triggers.due`
}


def anchor_at(anchor: Anchor, facts: Facts) -> datetime | None:
    """Return the instant of `anchor`, or None while nobody has given that date."""
    return _VALUES[anchor](facts)
