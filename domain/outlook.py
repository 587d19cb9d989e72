"""The outlook: what would become of the mails if something were written that is not written yet.

An outlook of some sessions is merged with that of others, so that any number of them is looked at page by page: it
counts everything, and keeps the first few of everything.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from heapq import nsmallest
from typing import Self, TypeVar
from uuid import UUID

from domain.sends import Reason

# So many are named of each kind, of the sessions and of the days; the others are counted. Whoever would be written to
# again is named, since that is what is asked for.
NAMED, NAMED_AGAIN, SESSIONS, DAYS = 20, 1000, 100, 400


class Kind(StrEnum):
    """What becomes of one mail."""

    APPEAR = "appear"  # it is going to leave, and was not
    AGAIN = "again"  # so, too: to somebody whom its rule has written to about the same, and has forgotten that (F105)
    MOVE = "move"  # it leaves at another time
    CHANGE = "change"  # it leaves when it would have, by another template or about others
    ANYWAY = "anyway"  # it leaves when it would have, in the place of one that its rule has forgotten
    DISAPPEAR = "disappear"  # it was going to leave, and is not
    TOO_LATE = "too_late"  # its time is past already: it does not leave by itself
    ALREADY_TOLD = "already_told"  # it has left, and what it told is the date no more
    PAST_THE_FENCE = "past_the_fence"  # it is leaving as it was: nothing calls it back


# Those that have a time at which they leave from now on.
LEAVING = frozenset({Kind.APPEAR, Kind.AGAIN, Kind.MOVE})

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one mail; of one that told a date, `was_at` and `at` are that date, before and now."""

    kind: Kind
    session: str  # the caller's id
    rule: UUID
    scope: UUID  # of the session, module or slot
    participation: UUID
    send: UUID
    at: datetime | None = None  # when it is due from now on
    was_at: datetime | None = None
    local: datetime | None = None  # naive: `at`, or else `was_at`, on the wall of `zone`
    zone: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The mails of one kind."""

    count: int = 0
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    first: tuple[Effect, ...] = ()  # by time

    @classmethod
    def of(cls, effects: Iterable[Effect]) -> Self:
        """Return it, of mails of one kind."""
        kept = list(effects)
        reasons = Counter(effect.reason for effect in kept if effect.reason is not None)
        return cls(len(kept), dict(reasons), _first(kept))

    def merge(self, other: Self) -> Self:
        """Return the two together."""
        return type(self)(
            self.count + other.count,
            _sum(self.reasons, other.reasons),
            _first((*self.first, *other.first)),
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of all mails."""

    parts: Mapping[Kind, Part] = field(default_factory=dict)
    concerned: int = 0  # sessions of which any mail is told here
    sessions: Mapping[str, Mapping[Kind, int]] = field(default_factory=dict)  # the first of them, by id
    days: Mapping[date, int] = field(default_factory=dict)  # the first on which any leaves
    first: Effect | None = None  # of all that leave
    last: Effect | None = None

    @classmethod
    def of(cls, effects: Iterable[Effect]) -> Self:
        """Return what these come to."""
        by_kind: dict[Kind, list[Effect]] = {}
        by_session: dict[str, Counter[Kind]] = {}
        for effect in effects:
            by_kind.setdefault(effect.kind, []).append(effect)
            by_session.setdefault(effect.session, Counter())[effect.kind] += 1
        leaving = [effect for kind in LEAVING for effect in by_kind.get(kind, ())]
        days = Counter(effect.local.date() for effect in leaving if effect.local is not None)
        return cls(
            {kind: Part.of(effects) for kind, effects in by_kind.items()},
            len(by_session),
            _lowest({key: dict(counts) for key, counts in by_session.items()}, SESSIONS),
            _lowest(days, DAYS),
            min(leaving, key=_place, default=None),
            max(leaving, key=_place, default=None),
        )

    def merge(self, other: Self) -> Self:
        """Return the two together; no session is in both."""
        kinds = self.parts.keys() | other.parts.keys()
        ends = [effect for one in (self, other) for effect in (one.first, one.last) if effect is not None]
        return type(self)(
            {kind: self.part(kind).merge(other.part(kind)) for kind in kinds},
            self.concerned + other.concerned,
            _lowest({**self.sessions, **other.sessions}, SESSIONS),
            _lowest(_sum(self.days, other.days), DAYS),
            min(ends, key=_place, default=None),
            max(ends, key=_place, default=None),
        )

    def part(self, kind: Kind) -> Part:
        """Return the mails of one kind."""
        return self.parts.get(kind, Part())

    def count(self, kind: Kind) -> int:
        """Return how many mails there are of one kind."""
        return self.part(kind).count

    @property
    def named(self) -> list[Effect]:
        """Everything here that is told one by one."""
        return [effect for part in self.parts.values() for effect in part.first] + [
            effect for effect in (self.first, self.last) if effect is not None
        ]


def _place(effect: Effect) -> tuple[datetime, str, UUID]:
    return effect.at or effect.was_at or _LATEST, effect.session, effect.send


def _first(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Return the first of these, which are of one kind."""
    kept = list(effects)
    most = NAMED_AGAIN if kept and kept[0].kind is Kind.AGAIN else NAMED
    return tuple(nsmallest(most, kept, key=_place))


_Key = TypeVar("_Key", str, date, Reason)
_Value = TypeVar("_Value")


def _sum(one: Mapping[_Key, int], other: Mapping[_Key, int]) -> dict[_Key, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}


def _lowest(values: Mapping[_Key, _Value], count: int) -> dict[_Key, _Value]:
    """Return the first so many, by key: a key that is among the first of two together is so of each."""
    return {key: values[key] for key in nsmallest(count, values)}
