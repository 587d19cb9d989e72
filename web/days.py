"""The chart of sends per day: which days it shows, and how high their bars are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.sends import FINAL, Status

WEEKS = 6
DAYS = 7 * WEEKS
HEIGHT = 48  # of the highest bar, in the units of the drawing
_LEAST = 3  # what one mail is drawn as beside thousands, so that it is seen


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many sends are due on one day, by status; a status without any is left out."""

    day: date
    counts: Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a day's bar; `y` counts from the top."""

    kind: str  # "to-come", "sent" or "not-sent"
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day as it is drawn."""

    day: date
    bars: Sequence[Bar]

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)

    def count(self, kind: str) -> int:
        return sum(bar.count for bar in self.bars if bar.kind == kind)


def first_day(today: date, looked_at: date | None) -> date:
    """Return the Monday that the chart begins with.

    That is last week's, unless the days looked at would then lie outside: it is the week before theirs then.
    """
    usual = _monday(today) - timedelta(weeks=1)
    if looked_at is None or usual <= looked_at < usual + timedelta(days=DAYS):
        return usual
    return _monday(looked_at) - timedelta(weeks=1)


def draw(first: date, counted: Sequence[DayCount]) -> list[Day]:
    """Return every day from `first` on, with its bars in scale to the fullest day."""
    by_day = {one.day: _kinds(one.counts) for one in counted}
    most = max((sum(kinds.values()) for kinds in by_day.values()), default=0)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [Day(day, _bars(by_day.get(day, {}), most)) for day in days]


def _kinds(counts: Mapping[Status, int]) -> dict[str, int]:
    kinds = {"sent": 0, "not-sent": 0, "to-come": 0}
    for status, count in counts.items():
        kinds["sent" if status is Status.SENT else "not-sent" if status in FINAL else "to-come"] += count
    return {kind: count for kind, count in kinds.items() if count}


def _bars(kinds: Mapping[str, int], most: int) -> list[Bar]:
    bars, y = [], float(HEIGHT)
    for kind, count in kinds.items():
        height = max(_LEAST, round((HEIGHT - 2 * _LEAST) * count / most, 1))
        y = round(y - height, 1)
        bars.append(Bar(kind, count, y, height))
    return bars


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
