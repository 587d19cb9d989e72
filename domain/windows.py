"""Windows: when mails of a rule may leave (DESIGN 6)."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.calendars import Country, is_holiday
from domain.timing import Due, first_instant_of, instant_of
from domain.triggers import WallTime
from domain.zones import zone_data_version

_DAY = timedelta(days=1)

# No country has a year of holidays; a window that has not opened by then never does.
_FARTHEST = 400


class Weekday(StrEnum):
    """A day of the week, in the order of `date.weekday`."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


_WEEK = list(Weekday)


class Window(BaseModel):
    """Days and hours in which a mail may leave; a due time outside moves forward to the next open moment.

    `{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00", "holidays": "FR"}`
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = _WEEK
    opens_at: WallTime = Field(default=time(0), alias="from")  # included
    closes_at: WallTime | None = Field(default=None, alias="to")  # excluded; None: the end of the day
    holidays: Country | None = Field(
        default=None,
        examples=["FR"],
        description="a country, or a part of one such as FR-57: nothing leaves on its public holidays",
    )

    @field_validator("days")
    @classmethod
    def _once_each(cls, days: list[Weekday]) -> list[Weekday]:
        if len(set(days)) < len(days):
            raise ValueError("a day is named twice: name each day once")
        return days

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.closes_at is not None and self.closes_at <= self.opens_at:
            raise ValueError("`to` does not lie after `from`: this window is never open, swap them")
        if not any(map(self.opens_on, _days_from(date(2026, 1, 1)))):
            raise ValueError(
                f"these `days` are all public holidays of {self.holidays}: this window is never open, add a day"
            )
        return self

    def opens_on(self, day: date) -> bool:
        """Return whether mails may leave on this day at all."""
        return _WEEK[day.weekday()] in self.days and not (self.holidays and is_holiday(day, self.holidays))


def next_open(window: Window, due: Due, zone: ZoneInfo) -> Due:
    """Return when a mail leaves that is due at `due`: then, where the window is open, else when it next opens.

    A window opens and closes once a day, as the clocks of `zone` show it. Of two due times, the earlier stays so.

    Raises ValueError if it does not open within a year, or the years 1 to 9999 are left.
    """
    try:
        for day in _days_from(due.at.astimezone(zone).date()):
            if not window.opens_on(day):
                continue
            opens, closes = _hours(window, day, zone)
            if opens <= due.at < closes:
                return due
            if due.at < opens < closes:
                return Due(opens, datetime.combine(day, window.opens_at), zone.key, zone_data_version())
    except OverflowError as error:
        raise ValueError(f"the window after {due.at.isoformat()} leaves the years 1 to 9999") from error
    raise ValueError(f"the window after {due.at.isoformat()} does not open within {_FARTHEST} days")


def _hours(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants between which the window is open on one of its days; they are equal where it is not at all.

    A day begins and ends with its first instant and the next day's. Within it clocks that change are read as everywhere
    (`instant_of`), but for a closing time that occurs twice: that is the first one after the window opens.
    """
    midnight = first_instant_of(datetime.combine(day + _DAY, time(0)), zone)
    opening = datetime.combine(day, window.opens_at)
    opens = instant_of(opening, zone) if window.opens_at > time(0) else first_instant_of(opening, zone)
    if window.closes_at is None:
        return min(opens, midnight), midnight
    closing = datetime.combine(day, window.closes_at)
    first = first_instant_of(closing, zone)
    return min(opens, midnight), min(first if first > opens else instant_of(closing, zone), midnight)


def _days_from(day: date) -> Iterator[date]:
    return (day + n * _DAY for n in range(_FARTHEST))
