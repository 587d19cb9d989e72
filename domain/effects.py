"""Effects: what becomes of each mail of one session when it is planned as it stands in a snapshot."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.anchors import Facts
from domain.changes import Change, Considered, WantedSend
from domain.considering import consider
from domain.corrections import same_date
from domain.identity import send_id
from domain.outlook import Effect, Kind
from domain.places import places
from domain.planning import plan
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import ExistingSend, Snapshot
from domain.timetables import Timetable, Timing
from domain.zones import find_zone

# Why nothing leaves by itself although it is wanted: it would have had to leave before.
_LATE = frozenset({Reason.DUE_IN_PAST, Reason.TOO_LATE, Reason.OLD_FACT})

# What it told has reached somebody, or may have.
_ARRIVED = frozenset({Status.SENT, Status.IN_DOUBT})


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
    yield from effects.of_told()


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
        self._people = {one.id: one for one in (*snapshot.participations, *snapshot.colleagues)}
        self._changes = {change.id: change for change in changes}

    def of_changes(self) -> Iterator[Effect]:
        for change in self._changes.values():
            kind, was = _kind(change), change.existing
            if change.wanted is not None:
                mail = _Mail.wanted(change.id, change.wanted)
                at = change.timing or (was.due_at if was else None)
                yield self._effect(kind, mail, at, _waited(was), change.reason)
            elif was is not None:
                yield self._effect(kind, _Mail.of(was), None, was.due_at, change.reason)

    def of_late(self, news: News | None = None, late: Set[UUID] = frozenset()) -> Iterator[Effect]:
        """Yield what never was, since its time had come before anybody asked for it.

        Without `news` that is all there is, but for those that were `late` before.
        """
        known = {send.id for send in self._snapshot.sends} | self._changes.keys() | late
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

    def of_told(self) -> Iterator[Effect]:
        """Yield the last mail of each that told somebody a date which is not the date any more."""
        tables = self._timetables()
        for send in self._last_told():
            table, told = tables.get((send.rule, send.scope)), send.anchor_at
            who = self._people.get(send.participation)
            if table is None or told is None or who is None or who.removed:
                continue
            about = [self._people[one] for one in send.covers or () if one in self._people] or [who]
            others = [at for one in about if not _same(told, at := table.told(one))]
            if others:
                yield self._effect(Kind.ALREADY_TOLD, _Mail.of(send), others[0], told)

    def _last_told(self) -> Iterable[ExistingSend]:
        told: dict[tuple[UUID, UUID, UUID, tuple[UUID, ...]], ExistingSend] = {}
        for send in self._snapshot.sends:
            if send.status in _ARRIVED and send.anchor_at is not None:
                key = send.rule, send.scope, send.participation, tuple(send.covers or ())
                if key not in told or _left(send) > _left(told[key]):
                    told[key] = send
        return told.values()

    def _timetables(self) -> Mapping[tuple[UUID, UUID], Timetable]:
        session = self._snapshot.session
        if session.deleted:
            return {}
        return {
            (rule.id, place.id): Timetable(rule.definition, session, place)
            for rule in self._snapshot.rules
            for place in places(session)
        }

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
        who = mail.participation
        return Effect(
            kind, self._session, mail.rule, mail.scope, who, mail.id, instant, was_at, local, zone, reason
        )


def _kind(change: Change) -> Kind:
    if change.status is Status.MISSED:
        return Kind.TOO_LATE
    if change.status is not Status.SCHEDULED:
        return Kind.DISAPPEAR
    if change.existing is None or change.existing.status not in REVOCABLE:
        return Kind.APPEAR
    moved = change.timing is not None and change.timing.due.at != change.existing.due_at
    return Kind.MOVE if moved else Kind.CHANGE


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


def _same(told: datetime, at: datetime | None) -> bool:
    return at is not None and same_date(told, at)


def _left(send: ExistingSend) -> tuple[datetime, UUID]:
    return send.handed_at or send.due_at, send.id


def _wall(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else at.astimezone(zone).replace(tzinfo=None)
