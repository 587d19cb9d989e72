"""Why a mail is where it is: what the rules make of one recipient, step by step, also where they made no send.

Pure, and made of planning's own parts: what `domain.planning.consider` says of somebody decides, and is told here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from domain.deciding import decide
from domain.histories import tell
from domain.occurrences import CORRECTION, Occurrence
from domain.participations import Participation, Role
from domain.places import Place
from domain.planning import Considered, consider, places
from domain.reckoning import reckon
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import RuleFacts, Snapshot
from domain.steps import Code, Step, step
from domain.subjects import Covering, Here, Record, Subject, ends_series

# What was called back is about nobody.
_TO_NOBODY = frozenset({Status.REMOVED, Status.MISSED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom explanations are asked: of all in the snapshot, or of what concerns one participant among them."""

    snapshot: Snapshot
    records: Sequence[Record]  # of everybody in it
    about: UUID | None = None  # a participation
    here: Mapping[UUID, Here] = field(default_factory=dict)  # what the session says of rules

    def concerns(self, covers: Collection[UUID] | None) -> bool:
        """Return whether a mail about these participations, None: all, is asked for."""
        return self.about is None or covers is None or self.about in covers


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one rule makes of one recipient, about a session or a module or slot of it."""

    rule: UUID
    scope: UUID
    participation: UUID
    zone: str  # on whose clocks it is told
    due_at: datetime | None
    record: Record | None  # None: there is no such send
    verdict: Step
    why: Sequence[Step]  # what decided, or is going to
    counting: Sequence[Step]  # how its due time comes about, counted from the dates of today
    history: Sequence[Step]
    covers: Sequence[UUID] | None = None  # of a company's: the participations it is about; None: all


_Key = tuple[UUID, UUID, UUID]  # rule, scope, participation


def explain(asked: Asked) -> list[Explanation]:
    """Return what each rule makes of each of them; what has a due time comes first, by it."""
    known = _Known(asked)
    unused = {record.id: record for record in asked.records if asked.concerns(record.covers)}
    subjects, nothing = list[Subject](), defaultdict[_Key, list[Considered]](list)
    for found in consider(asked.snapshot):
        if found.wanted is None:
            nothing[found.rule.id, found.place.id, found.participation.id].append(found)
        elif asked.concerns(found.wanted.covers):
            subjects.append(known.subject(found, unused.pop(found.wanted.id, None)))
    for record in unused.values():
        reasons = nothing.get(_key(record), [])
        subjects.append(known.subject(next(iter(reasons), None), record))
    have_rows = {_key(record) for record in asked.records}
    for key, reasons in nothing.items():
        subjects += [known.subject(one, None) for one in reasons if key not in have_rows or ends_series(one)]
    return sorted(map(_explain, subjects), key=_order)


def _corrects(record: Record) -> bool:
    return Occurrence.parse(record.occurrence).kind == CORRECTION


def _key(record: Record) -> _Key:
    return record.rule, record.scope, record.participation


def _took_up(gone: Record, record: Record) -> tuple[bool, float]:
    """Order the mails about somebody by what took them up: of those after one was withdrawn the first, else the last."""
    had = record.ended_at is not None and gone.ended_at is not None and record.ended_at < gone.ended_at
    due_at = record.due_at.timestamp()
    return had, -due_at if had else due_at


class _Known:
    """What is in a snapshot, by id."""

    def __init__(self, asked: Asked) -> None:
        self._asked, snapshot = asked, asked.snapshot
        self._rules: Mapping[UUID, RuleFacts] = {rule.id: rule for rule in snapshot.rules}
        self._places: Mapping[UUID, Place] = {place.id: place for place in places(snapshot.session)}
        everybody = (*snapshot.participations, *snapshot.colleagues)
        self._people: Mapping[UUID, Participation] = {one.id: one for one in everybody}

    def subject(self, found: Considered | None, record: Record | None) -> Subject:
        """Return one mail, or none, with all that belongs to it."""
        snapshot = self._asked.snapshot
        if found is not None:
            mail = found.wanted or record
            dated = self._dated(found.participation, mail.covers if mail else None)
            here, covering = self._asked.here.get(found.rule.id), list(self._covering(record))
            return Subject(
                snapshot, found.rule, found.place, found.participation, dated, found, record, here, covering
            )
        assert record is not None  # noqa: S101 - one of the two
        one = self._people[record.participation]
        rule, place = self._rules.get(record.rule), self._places.get(record.scope)
        here, covering = self._asked.here.get(record.rule), list(self._covering(record))
        dated = self._dated(one, record.covers)
        return Subject(snapshot, rule, place, one, dated, None, record, here, covering)

    def _dated(self, one: Participation, covers: Sequence[UUID] | None) -> Participation | None:
        """Return whose dates a mail goes by: of those it is about, whoever is asked for, else the first."""
        if not covers:
            return one
        among = [self._people[id] for id in covers if id in self._people]
        asked_for = [member for member in among if member.id == self._asked.about]
        return next(iter([*asked_for, *among]), None)

    def _covering(self, gone: Record | None) -> Iterator[Covering]:
        """Yield the mails to the same company that are about those whom one was about that another took up."""
        if gone is None or gone.reason is not Reason.COVERED_ALREADY or not gone.covers:
            return
        left = set(gone.covers)
        others = [one for one in self._asked.records if one.covers and _key(one) == _key(gone)]
        for record in sorted(others, key=partial(_took_up, gone)):
            among = [id for id in record.covers or () if id in left]
            if among and record.status not in _TO_NOBODY and not _corrects(record):
                left.difference_update(among)
                yield Covering(among, record)


def _explain(subject: Subject) -> Explanation:
    rule, place, record = subject.rule, subject.place, subject.record
    timing = subject.timing
    return Explanation(
        rule=record.rule if record else _id(rule),
        scope=record.scope if record else _id(place),
        participation=subject.participation.id,
        zone=subject.clocks.zone.key,
        due_at=record.due_at if record else timing.due.at if timing else None,
        record=record,
        verdict=_verdict(subject),
        why=list(decide(subject)),
        counting=list(reckon(subject)),
        history=list(tell(record.trace, _of(subject.participation))) if record else [],
        covers=subject.covers,
    )


def _of(recipient: Participation) -> str | None:
    return recipient.role if recipient.role is Role.COMPANY else None


def _verdict(subject: Subject) -> Step:
    record = subject.record
    if record is not None:
        waits = record.status in REVOCABLE
        return step(
            Code.STANDS,
            status=record.status,
            at=None if waits else record.ended_at,
            leaves_at=record.due_at if waits else None,
            retry_at=record.next_attempt_at if record.status is Status.SCHEDULED else None,
        )
    if subject.is_no_mail:
        return step(Code.NO_FURTHER)
    return step(Code.NEVER_CREATED if subject.reason is not None else Code.NOT_PLANNED_YET)


def _id(one: RuleFacts | Place | None) -> UUID:
    assert one is not None  # noqa: S101 - planning has considered it
    return one.id


def _order(one: Explanation) -> tuple[bool, str, UUID, UUID]:
    return one.due_at is None, one.due_at.isoformat() if one.due_at else "", one.rule, one.scope
