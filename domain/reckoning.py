"""How the due time of one mail comes about: counted as `domain.timetables` does, told step by step."""

from collections.abc import Iterator
from datetime import date, datetime, time

from domain.anchors import Dated, Facts, Own
from domain.counting import Clocks, count, shut
from domain.occurrences import CORRECTION, LAST
from domain.participations import Participation
from domain.places import Place
from domain.rules import Repeat, RuleDefinition
from domain.sends import REVOCABLE, Reason, Status
from domain.steps import Code, Step, step
from domain.subjects import Subject
from domain.timetables import Timetable, Timing, repeated
from domain.timing import Due
from domain.triggers import DateTrigger, due

_UNDATED = Dated()
_TO_COME = REVOCABLE | {Status.HANDING_OVER}
_CALLED_BACK = frozenset({Status.REMOVED, Status.CANCELLED})


def reckon(subject: Subject) -> Iterator[Step]:
    """Yield how it comes to its due time, counted from the dates of today.

    None where its rule or place is gone, or everybody whose dates it went by.
    """
    if subject.rule is None or subject.place is None or subject.dated is None or subject.is_no_mail:
        return
    says, clocks = subject.rule.definition, subject.clocks
    if _is_of_old_series(subject, says):
        yield step(Code.ONCE_REPEATED, number=subject.occurrence.number)
        return
    timing = _timing(subject, says, subject.place, subject.dated)
    if subject.occurrence.kind == CORRECTION:
        yield step(Code.CLOCKS, whose=clocks.whose, zone=clocks.zone.key)
        yield from _corrected(subject, timing)
    else:
        yield from _counted(subject, says, facts_of(subject, subject.place), timing)
    if timing is not None:
        at, tense = timing.due.at, _tense(subject, timing)
        yield step(Code.DUE, local=clocks.wall(at), at=at, zone=clocks.zone.key, tense=tense)
        yield step(Code.LATEST, at=timing.latest_at, why=_why_latest(says, timing), tense=tense)
    yield from _as_it_stands(subject, timing)


def facts_of(subject: Subject, place: Place) -> Facts:
    """Return what its anchor reads."""
    own = subject.dated.own if subject.dated is not None else Own()
    return Facts(place.session, place.module or _UNDATED, place.slot or _UNDATED, own)


def _is_of_old_series(subject: Subject, says: RuleDefinition) -> bool:
    """Return whether a row is of a series that its rule does not write any more."""
    occurrence = subject.occurrence
    if occurrence.kind == LAST:
        return says.repeat is None or says.repeat.then is None
    return says.repeat is None and (occurrence.number or 1) > 1


def _tense(subject: Subject, timing: Timing) -> str | None:
    """Return "past" of what is over, "conditional" of what never was so; None: it is so."""
    record = subject.record
    if record is None:
        return None if subject.reason is None else "conditional"
    if record.status in _TO_COME:
        return None
    never = record.status in _CALLED_BACK or _differ(record.due_at, timing.due.at)
    return "conditional" if never else "past"


def _corrected(subject: Subject, timing: Timing | None) -> Iterator[Step]:
    told = subject.record.anchor_at if subject.record else timing.anchor_at if timing else None
    if told is not None:
        yield step(Code.CORRECTED, anchor_at=told)


def _timing(subject: Subject, says: RuleDefinition, place: Place, dated: Participation) -> Timing | None:
    """Return what planning says, or would say of a mail of a series that it has done with."""
    number = subject.occurrence.number
    if subject.timing is not None or number is None:
        return subject.timing
    found = Timetable(says, subject.snapshot.session, place).find(dated, number)
    return None if isinstance(found, Reason) else found


def _counted(subject: Subject, says: RuleDefinition, facts: Facts, timing: Timing | None) -> Iterator[Step]:
    clocks, occurrence = subject.clocks, subject.occurrence
    clocks_step, *counted = count(says.trigger, facts, clocks)
    yield clocks_step
    yield from _said_here(subject, says.trigger)
    yield from counted
    try:
        instant = due(says.trigger, facts, clocks.zone)
        if instant is None:
            return
        if occurrence.kind == LAST and says.repeat is not None:
            yield _last(subject, says.repeat, timing)
            return
        if says.repeat is not None and (occurrence.number or 1) > 1:
            number = occurrence.number or 1
            instant = repeated(instant, says.repeat.every, number - 1, clocks.zone)
            yield step(
                Code.REPEATED, number=number, every=str(says.repeat.every), local=clocks.wall(instant.at)
            )
        yield from _moved(says, instant, timing, clocks)
    except (OverflowError, ValueError):
        yield step(Code.OUTSIDE_CALENDAR)


def _last(subject: Subject, repeat: Repeat, timing: Timing | None) -> Step:
    """Return when a series ends: planning has it, or the row alone where the series ended without it."""
    leaves_at = timing.due.at if timing is not None else subject.record.due_at if subject.record else None
    local = None if leaves_at is None else subject.clocks.wall(leaves_at)
    return step(Code.LAST_STEP, every=str(repeat.every), local=local)


def _said_here(subject: Subject, says: DateTrigger) -> Iterator[Step]:
    """Yield what the session says of its times in the rule's place."""
    usual = subject.here.trigger if subject.here is not None else says
    if (usual.offset, usual.at) != (says.offset, says.at):
        yield step(
            Code.TIMES_HERE,
            anchor=says.anchor,
            date=_iso(says.date),
            offset=str(says.offset),
            at=_iso(says.at),
            usual_offset=str(usual.offset),
            usual_at=_iso(usual.at),
        )


def _iso(one: date | time | None) -> str | None:
    return None if one is None else one.isoformat()


def _moved(says: RuleDefinition, instant: Due, timing: Timing | None, clocks: Clocks) -> Iterator[Step]:
    """Yield what comes between the time that was counted and the one at which it leaves."""
    joined_at = timing.since if timing is not None and not says.trigger.anchor.is_fact else None
    if timing is not None and joined_at is not None:
        yield step(Code.CAUGHT_UP, enrolled_at=joined_at, local=clocks.wall(timing.due.at))
    elif says.window is not None:
        yield from shut(says.window, instant, clocks)


def _why_latest(says: RuleDefinition, timing: Timing) -> str:
    if timing.latest_at == timing.anchor_at:
        return "anchor"
    return "a_day" if says.deliver_within is None else "deliver_within"


def _as_it_stands(subject: Subject, timing: Timing | None) -> Iterator[Step]:
    """Yield where the row has another time than today's dates give."""
    record = subject.record
    if record is None:
        return
    if record.due_override_at is not None:
        yield step(Code.BY_HAND, at=record.due_override_at)
    elif timing is not None and _differ(record.due_at, timing.due.at) and record.status not in REVOCABLE:
        yield step(Code.ONCE_PLANNED, was_at=record.due_at, at=timing.due.at)


def _differ(one: datetime, other: datetime) -> bool:
    return one.replace(microsecond=0) != other.replace(microsecond=0)
