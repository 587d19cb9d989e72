"""How a due time comes about, step by step: what `domain.triggers.due` and `domain.windows.next_open` do, told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from domain.anchors import Anchor, Facts, anchor_at
from domain.steps import Code, Step, step
from domain.timing import Due, Offset, due_at
from domain.triggers import DateTrigger, due
from domain.windows import Window, next_open


@dataclass(frozen=True, slots=True)
class Clocks:
    """From whose clocks a rule's times are read."""

    zone: ZoneInfo
    whose: str  # "session", "recipient" or "organization"

    def wall(self, instant: datetime) -> datetime:
        """Return what these clocks show, naive."""
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def shows_twice(self, local: datetime) -> bool:
        """Return whether these clocks show a wall time a second time, an hour later as a rule."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return first < second and self.wall(first) == local


def count(trigger: DateTrigger, facts: Facts, clocks: Clocks) -> Iterator[Step]:
    """Yield how the trigger's instant comes about, as far as its dates are known."""
    yield step(Code.CLOCKS, whose=clocks.whose, zone=clocks.zone.key)
    match trigger.date, trigger.at:
        case datetime() as instant, _:
            yield step(Code.ON_DATE, local=clocks.wall(instant))
        case date() as day, time() as at:
            meant = datetime.combine(day, at)
            yield step(Code.ON_DATE, local=meant)
            yield from _where_clocks_change(meant, due(trigger, facts, clocks.zone), clocks)
        case _:
            yield from _count_from_anchor(trigger, facts, clocks)


def shut(window: Window, was: Due, clocks: Clocks) -> Iterator[Step]:
    """Yield how a window moves a due time, if it does."""
    moved = next_open(window, was, clocks.zone)
    if moved.at != was.at:
        meant = clocks.wall(was.at)
        yield step(
            Code.WINDOW_CLOSED,
            why=_why_closed(window, meant.date()),
            meant=meant,
            local=clocks.wall(moved.at),
        )


def _why_closed(window: Window, day: date) -> str:
    if window.opens_on(day):
        return "hours"
    on_any_day = window.model_copy(update={"holidays": None})
    return "holiday" if on_any_day.opens_on(day) else "day"


def _count_from_anchor(trigger: DateTrigger, facts: Facts, clocks: Clocks) -> Iterator[Step]:
    anchor = trigger.anchor
    fact = facts.fact(anchor) if anchor.is_fact else None
    if fact is not None and fact.is_old:
        yield step(Code.OLD_FACT, anchor=anchor, at=fact.at, recorded_at=fact.recorded_at)
        return
    instant = anchor_at(anchor, facts)
    if instant is None:
        yield step(Code.NO_ANCHOR, anchor=anchor)
    elif fact is not None:
        yield step(Code.HAPPENED, anchor=anchor, at=fact.at, recorded_at=fact.recorded_at)
        yield from _walk(instant, trigger, clocks)
    else:
        local = clocks.wall(instant)
        yield step(
            Code.ANCHOR, anchor=anchor, local=local, at=instant.astimezone(UTC), whose=_whose(anchor, facts)
        )
        yield from _walk(instant, trigger, clocks)


def _whose(anchor: Anchor, facts: Facts) -> str | None:
    """Return whether somebody's own date is meant, or their session's for want of one; None where that is plain."""
    match anchor:
        case Anchor.PARTICIPATION_START:
            return "own" if facts.own.dates.starts_at else "session"
        case Anchor.PARTICIPATION_END:
            return "own" if facts.own.dates.ends_at else "session"
    return None


def _walk(anchor: datetime, trigger: DateTrigger, clocks: Clocks) -> Iterator[Step]:
    """Yield the way from the anchor: months and days, the time of day, and then hours and minutes."""
    days, exact = Offset(trigger.offset.months, trigger.offset.days), Offset(exact=trigger.offset.exact)
    if days != Offset():
        yield step(Code.OFFSET, offset=str(days), local=due_at(anchor, days, None, clocks.zone).local)
    on_wall = due_at(anchor, days, trigger.at, clocks.zone)
    if trigger.at is not None:
        yield step(Code.TIME_OF_DAY, at=trigger.at.isoformat(), local=on_wall.local)
    if days != Offset() or trigger.at is not None:
        yield from _where_clocks_change(on_wall.local, on_wall, clocks, anchor)
    if exact != Offset():
        found = due_at(anchor, trigger.offset, trigger.at, clocks.zone)
        yield step(Code.OFFSET, offset=str(exact), local=found.local)


def _where_clocks_change(
    meant: datetime, found: Due | None, clocks: Clocks, anchor: datetime | None = None
) -> Iterator[Step]:
    """Yield what clocks that change make of a wall time that was meant."""
    assert found is not None  # noqa: S101 - its anchor was there
    shown = clocks.wall(found.at)
    if shown != meant:
        yield step(Code.CLOCKS_SKIP, meant=meant, local=shown)
    elif clocks.shows_twice(meant):
        yield step(Code.CLOCKS_TWICE, local=meant)
    elif anchor is not None and _ahead(anchor, clocks) != _ahead(found.at, clocks):
        yield step(Code.CLOCKS_CHANGE, local=meant)


def _ahead(instant: datetime, clocks: Clocks) -> object:
    return instant.astimezone(clocks.zone).utcoffset()
