"""How the due time of one mail comes about: counted as `domain.timetables` does, told step by step."""

from collections.abc import Iterator
from datetime import datetime

from domain.anchors import Dated, Facts
from domain.counting import Clocks, count, shut
from domain.occurrences import CORRECTION, LAST
from domain.places import Place
from domain.rules import RuleDefinition
from domain.sends import REVOCABLE, Reason
from domain.steps import Code, Step, step
from domain.subjects import Subject
from domain.timetables import Timetable, Timing, repeated
from domain.timing import Due
from domain.triggers import due

_UNDATED = Dated()


def reckon(subject: Subject) -> Iterator[Step]:
    """Yield how it comes to its due time, counted from the dates of today; none where its rule or place is gone."""
    if subject.rule is None or subject.place is None:
        return
    clocks, timing = subject.clocks, _timing(subject, subject.rule.definition, subject.place)
    if subject.occurrence.kind == CORRECTION:
        yield step(Code.CLOCKS, whose=clocks.whose, zone=clocks.zone.key)
        yield from _corrected(subject, timing)
    else:
        yield from _counted(subject, subject.rule.definition, facts_of(subject, subject.place), timing)
    if timing is not None:
        yield step(Code.DUE, local=clocks.wall(timing.due.at), at=timing.due.at, zone=clocks.zone.key)
        yield step(Code.LATEST, at=timing.latest_at, why=_why_latest(subject.rule.definition, timing))
    yield from _as_it_stands(subject, timing)


def facts_of(subject: Subject, place: Place) -> Facts:
    """Return what its anchor reads."""
    return Facts(place.session, place.module or _UNDATED, place.slot or _UNDATED, subject.dated.own)


def _corrected(subject: Subject, timing: Timing | None) -> Iterator[Step]:
    told = subject.record.anchor_at if subject.record else timing.anchor_at if timing else None
    if told is not None:
        yield step(Code.CORRECTED, anchor_at=told)


def _timing(subject: Subject, says: RuleDefinition, place: Place) -> Timing | None:
    """Return what planning says, or would say of a mail of a series that it has done with."""
    number = subject.occurrence.number
    if subject.timing is not None or number is None:
        return subject.timing
    found = Timetable(says, subject.snapshot.session, place).find(subject.dated, number)
    return None if isinstance(found, Reason) else found


def _counted(subject: Subject, says: RuleDefinition, facts: Facts, timing: Timing | None) -> Iterator[Step]:
    clocks, occurrence = subject.clocks, subject.occurrence
    yield from count(says.trigger, facts, clocks)
    try:
        instant = due(says.trigger, facts, clocks.zone)
        if instant is None:
            return
        if occurrence.kind == LAST and says.repeat is not None and timing is not None:
            local = clocks.wall(timing.due.at)
            yield step(Code.LAST_STEP, every=str(says.repeat.every), local=local)
        elif says.repeat is not None and (occurrence.number or 1) > 1:
            number = occurrence.number or 1
            instant = repeated(instant, says.repeat.every, number - 1, clocks.zone)
            yield step(
                Code.REPEATED, number=number, every=str(says.repeat.every), local=clocks.wall(instant.at)
            )
        yield from _moved(says, instant, timing, clocks)
    except (OverflowError, ValueError):
        yield step(Code.OUTSIDE_CALENDAR)


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
