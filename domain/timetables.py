"""Timetables: when the mails of one rule about one place are due, and until when they may leave."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.anchors import Dated, Facts, anchor_at
from domain.participations import Participation
from domain.places import Place
from domain.rules import Audience, RuleDefinition
from domain.sends import Reason
from domain.snapshots import SessionFacts
from domain.timing import Due, Offset, due_at
from domain.triggers import due
from domain.windows import Window, next_open
from domain.zones import find_zone

# How long a mail stays worth sending when it is due at or after its anchor, and the rule says nothing.
STALE_AFTER = timedelta(days=1)

_UNDATED = Dated()


@dataclass(frozen=True, slots=True)
class Timing:
    """When a send is due, and until when it may still leave."""

    due: Due
    latest_at: datetime
    anchor_at: datetime | None = (
        None  # the date that it tells; None: a fact's, or one that the rule itself names
    )
    # When what it counts from was written down here: nobody could have asked for it before, so it is not late then.
    since: datetime | None = None


def latest_at(
    anchor: datetime,
    due_at: datetime,
    deliver_within: timedelta | None,
    leaves_at: datetime | None = None,
    *,
    is_fact: bool = False,
) -> datetime:
    """Return the instant after which a mail would be worse than none (F077, L10).

    By default a mail that is due before its anchor may leave until the anchor, any other for a day. However long it
    may be, no mail leaves after the date that it announces; a fact is none. `leaves_at` is where a window has moved it to.
    """
    ahead, leaves_at = due_at < anchor, leaves_at or due_at
    if deliver_within is None:
        return anchor if ahead else leaves_at + STALE_AFTER
    latest = leaves_at + deliver_within
    return min(latest, anchor) if ahead and not is_fact else latest


def repeated(first: Due, every: Offset, times: int, zone: ZoneInfo) -> Due:
    """Return when a mail is due that follows `first` after so many steps, each counted from there: months do not drift.

    Raises ValueError beyond ten years, where every series ends.
    """
    away = Offset(every.months * times, every.days * times, every.exact * times)
    at = first.local.time() if away.months or away.days else None
    return due_at(first.at, away, at, zone)


class Timetable:
    """When one rule's mails about one place are due: counted once for each date that they count from, and each zone."""

    def __init__(self, says: RuleDefinition, session: SessionFacts, place: Place) -> None:
        self._says, self._session, self._place = says, session, place
        self._anchor = says.trigger.anchor
        self._facts = Facts(place.session, place.module or _UNDATED, place.slot or _UNDATED)
        self._common = None if self._anchor.is_own else anchor_at(self._anchor, self._facts)
        self._known: dict[tuple[datetime | None, str, int], Timing | Reason] = {}

    def find(self, one: Participation, number: int = 1) -> Timing | Reason:
        """Return when somebody's mail is due, the first or a later one of a series; or why there is no such time."""
        facts, anchor = self._facts, self._common
        if self._anchor.is_own:
            facts = Facts(self._place.session, own=one.own)
            anchor = anchor_at(self._anchor, facts)
        if anchor is None and self._says.trigger.date is None:
            return self._no_date(facts)
        key = anchor, self._zone(one), number
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._count(facts, *key)
        return found

    def told(self, one: Participation) -> datetime | None:
        """Return the date that a mail of today tells somebody; None of a fact, and of a date that the rule names."""
        if self._anchor.is_own and not self._anchor.is_fact:
            return anchor_at(self._anchor, Facts(self._place.session, own=one.own))
        return self._common

    def catch_up(self, one: Participation, missed: Timing) -> Timing:
        """Return when somebody's mail is due who came after it was: at once, if it may still leave; else when it was (L04)."""
        enrolled = one.own.enrolled
        if enrolled is None or enrolled.is_old or enrolled.recorded_at <= missed.due.at:
            return missed
        came_at = enrolled.recorded_at
        try:
            leaves = self.at_once(one, came_at)
        except (OverflowError, ValueError):
            return missed
        ahead_of = missed.anchor_at
        if ahead_of is None or missed.due.at >= ahead_of:
            latest = leaves.at + (self._says.deliver_within or STALE_AFTER)
        else:
            latest = missed.latest_at
        return Timing(leaves, latest, missed.anchor_at, came_at) if leaves.at < latest else missed

    def at_once(self, one: Participation, at: datetime) -> Due:
        """Return when a mail to somebody leaves that is asked for at this instant: as soon as the window is open."""
        zone = find_zone(self._zone(one))
        return _opened(self._says.window, due_at(at, Offset(), None, zone), zone)

    def _no_date(self, facts: Facts) -> Reason:
        fact = facts.fact(self._anchor) if self._anchor.is_fact else None
        return Reason.OLD_FACT if fact is not None and fact.is_old else Reason.NO_ANCHOR_DATE

    def _zone(self, one: Participation) -> str:
        """Return whose clocks the mail goes by: of a company's it is not those of the people that it is about."""
        if self._says.zone == "session":
            return self._session.zone
        own = None if self._says.audience is Audience.COMPANIES else one.zone
        return own or self._session.organization_zone or self._session.zone

    def _count(self, facts: Facts, anchor: datetime | None, zone: str, number: int) -> Timing | Reason:
        clocks = find_zone(zone)
        try:
            instant = due(self._says.trigger, facts, clocks)
            if instant is None:
                return Reason.NO_ANCHOR_DATE
            if number > 1 and self._says.repeat is not None:
                instant = repeated(instant, self._says.repeat.every, number - 1, clocks)
            leaves = _opened(self._says.window, instant, clocks)
            latest = latest_at(
                anchor or instant.at,
                instant.at,
                self._says.deliver_within,
                leaves.at,
                is_fact=self._anchor.is_fact,
            )
        except (OverflowError, ValueError):
            # Outside the calendar: a session whose "not known yet" is written as the year 9999 must not stop the
            # roll-out of a rule over all others.
            return Reason.NO_ANCHOR_DATE
        if latest <= leaves.at:
            return Reason.TOO_LATE  # the window opens when it would be worse than none
        told, since = (None, anchor) if self._anchor.is_fact else (anchor, None)
        return Timing(leaves, latest, told, since)


def _opened(window: Window | None, instant: Due, zone: ZoneInfo) -> Due:
    return instant if window is None else next_open(window, instant, zone)
