"""Effects: what becomes of each mail of one session when it is planned as it stands in a snapshot."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.anchors import Facts
from domain.changes import Change, Considered, WantedSend
from domain.considering import consider
from domain.forgotten import Forgotten
from domain.identity import send_id
from domain.outlook import LEAVING, Effect, Kind
from domain.planning import plan
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import ExistingSend, Snapshot
from domain.timetables import Timing
from domain.told_dates import wrong_dates
from domain.zones import find_zone

# Why nothing leaves by itself although it is wanted: it would have had to leave before.
_LATE = frozenset({Reason.DUE_IN_PAST, Reason.TOO_LATE, Reason.OLD_FACT})


def effects_of_rule(session: str, snapshot: Snapshot, late: Set[UUID] = frozenset()) -> Iterator[Effect]:
    """Yield what becomes of the mails of a rule in a session, by its caller's id.

    `late` are the sends that come too late by the rule as it stands (`late_sends`): no other form makes them so.
    """
    effects = _Effects(session, snapshot, plan(snapshot))
    yield from effects.of_changes()
    yield from effects.of_late(late=late)
    yield from effects.of_the_fence()


def late_sends(snapshot: Snapshot) -> Set[UUID]:
    """Return what comes too late, whether there is a row of it or not."""
    return {_id(found) for found in consider(snapshot, wanted_only=True) if found.reason in _LATE}


@dataclass(frozen=True, slots=True)
class News:
    """What was written that nobody had planned yet: what comes too late for it comes so now, and not long since."""

    participations: Set[UUID]
    since: datetime  # of facts: those written down from then on


def effects_of_facts(session: str, snapshot: Snapshot, news: News) -> Iterator[Effect]:
    """Yield what becomes of the mails of a session, by its caller's id, whose facts are other ones."""
    effects = _Effects(session, snapshot, plan(snapshot))
    yield from effects.of_changes()
    yield from effects.of_late(news)
    yield from effects.of_the_fence()


class WrongDate(NamedTuple):
    """A mail that told a date which is not the date any more of somebody whom it is about."""

    participation: UUID
    effect: Effect


def wrong_of_facts(session: str, snapshot: Snapshot) -> list[WrongDate]:
    """Return the mails of a session, by its caller's id, that told a date which is not the date, whatever made it so."""
    return [*_Effects(session, snapshot, ()).of_wrong()]


def effects_of_told(wrong: Iterable[WrongDate], was_true: Set[tuple[UUID, UUID]]) -> Iterator[Effect]:
    """Yield those of which it was true before, of some at least whom they are about (`domain.told_dates.true_dates`)."""
    told = set[UUID]()
    for participation, effect in wrong:
        if effect.send not in told and (effect.send, participation) in was_true:
            told.add(effect.send)
            yield effect


def effects_of_changes(session: str, snapshot: Snapshot, changes: Iterable[Change]) -> Iterator[Effect]:
    """Yield what these changes alone come to."""
    return _Effects(session, snapshot, changes).of_changes()


@dataclass(frozen=True, slots=True)
class _Mail:
    """Which mail is spoken of."""

    id: UUID
    rule: UUID
    scope: UUID
    participation: UUID

    @classmethod
    def of(cls, send: ExistingSend) -> "_Mail":
        return cls(send.id, send.rule, send.scope, send.participation)

    @classmethod
    def wanted(cls, id: UUID, found: Considered | WantedSend) -> "_Mail":
        return cls(id, found.rule.id, found.place.id, found.participation.id)


class _Effects:
    """The effects of one plan of one session."""

    def __init__(self, session: str, snapshot: Snapshot, changes: Iterable[Change]) -> None:
        self._session, self._snapshot = session, snapshot
        self._zone = find_zone(snapshot.session.zone)
        self._changes = {change.id: change for change in changes}

    def of_changes(self) -> Iterator[Effect]:
        forgotten = Forgotten(self._snapshot, self._changes.values())
        kinds = {id: _kind(change, self._snapshot.now) for id, change in self._changes.items()}
        asked = {id: forgotten.asked(self._changes[id]) for id, kind in kinds.items() if kind is Kind.APPEAR}
        gone = {anew.instead_of for anew in asked.values()}
        for change in self._changes.values():
            kind, was, waited = kinds[change.id], change.existing, _waited(change.existing)
            if kind is None:
                continue
            if anew := asked.get(change.id):
                kind, waited = anew.kind, anew.was_at
            if change.wanted is not None:
                mail = _Mail.wanted(change.id, change.wanted)
                at = change.timing or (was.due_at if was else None)
                yield self._effect(kind, mail, at, waited, change.reason)
            elif was is not None and change.id not in gone:
                yield self._effect(kind, _Mail.of(was), None, was.due_at, change.reason)

    def of_late(self, news: News | None = None, late: Set[UUID] = frozenset()) -> Iterator[Effect]:
        """Yield what never was, or was withdrawn, since its time had come before anybody asked for it (again).

        Without `news` that is all there is, but for those that were `late` before.
        """
        rows = {send.id for send in self._snapshot.sends if send.status is not Status.REMOVED}
        known = rows | self._changes.keys() | late
        for found in consider(self._snapshot, wanted_only=True):
            if found.reason in _LATE and (news is None or _is_news(found, news)):
                send = _id(found)
                if send not in known:
                    mail = _Mail.wanted(send, found)
                    yield self._effect(Kind.TOO_LATE, mail, found.timing, None, found.reason)

    def of_the_fence(self) -> Iterator[Effect]:
        """Yield the mails that leave at this moment, and would be moved or removed."""
        leaving = [send for send in self._snapshot.sends if send.status is Status.HANDING_OVER]
        if not leaving:
            return
        wanted = {
            found.wanted.id: found.wanted.timing
            for found in consider(self._snapshot, wanted_only=True)
            if found.wanted is not None
        }
        for send in leaving:
            timing = wanted.get(send.id)
            if timing is None or timing.due.at != send.due_at:
                yield self._effect(Kind.PAST_THE_FENCE, _Mail.of(send), timing, send.due_at)

    def of_wrong(self) -> Iterator[WrongDate]:
        """Yield the mails that told somebody a date which is not the date any more."""
        for wrong in wrong_dates(self._snapshot):
            effect = self._effect(Kind.ALREADY_TOLD, _Mail.of(wrong.send), wrong.now, wrong.told)
            yield WrongDate(wrong.participation, effect)

    def _effect(
        self,
        kind: Kind,
        mail: _Mail,
        at: Timing | datetime | None,
        was_at: datetime | None,
        reason: Reason | None = None,
    ) -> Effect:
        zone = self._zone.key
        instant: datetime | None
        local: datetime | None
        if isinstance(at, Timing):
            instant, local, zone = at.due.at, at.due.local, at.due.zone
        else:
            instant, local = at, _wall(at or was_at, self._zone)
        now = self._snapshot.now
        if kind in LEAVING and instant is not None and instant < now:
            instant, local = now, _wall(now, find_zone(zone))  # it leaves at once
        who = mail.participation
        return Effect(
            kind, self._session, mail.rule, mail.scope, who, mail.id, instant, was_at, local, zone, reason
        )


def _kind(change: Change, now: datetime) -> Kind | None:
    """Return what becomes of a mail; None where its row alone changes."""
    was = change.existing
    if change.status is Status.MISSED:
        return Kind.TOO_LATE
    if change.status is not Status.SCHEDULED:
        return Kind.DISAPPEAR
    if was is None or was.status not in REVOCABLE:
        return Kind.APPEAR
    if change.timing is not None and max(change.timing.due.at, now) != max(was.due_at, now):
        return Kind.MOVE
    return None if change.wanted is None or _writes_the_same(change.wanted, was) else Kind.CHANGE


def _writes_the_same(wanted: WantedSend, was: ExistingSend) -> bool:
    covers = None if was.covers is None else tuple(was.covers)
    same = wanted.participation.id, wanted.covers, wanted.template
    return same == (was.participation, covers, was.template)


def _waited(send: ExistingSend | None) -> datetime | None:
    return send.due_at if send is not None and send.status in REVOCABLE else None


def _is_news(found: Considered, news: News) -> bool:
    if found.participation.id in news.participations:
        return True
    anchor, own = found.rule.definition.trigger.anchor, found.participation.own
    fact = Facts(found.place.session, own=own).fact(anchor) if anchor.is_fact else None
    return fact is not None and fact.recorded_at >= news.since


def _id(found: Considered) -> UUID:
    if found.wanted is not None:
        return found.wanted.id
    return send_id(found.rule.id, found.place.id, found.participation.recipient)


def _wall(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else at.astimezone(zone).replace(tzinfo=None)
