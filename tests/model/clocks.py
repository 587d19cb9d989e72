"""When things are due, counted naively: the reference's own arithmetic, which shares nothing with `domain`."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

# Months, days, hours: as they are written, and what they mean.
OFFSETS = {
    "P0D": (0, 0, 0),
    "-P1D": (0, -1, 0),
    "-P3D": (0, -3, 0),
    "-P7D": (0, -7, 0),
    "-P1M": (-1, 0, 0),
    "-PT2H": (0, 0, -2),
    "PT2H": (0, 0, 2),
    "PT36H": (0, 0, 36),
    "P1D": (0, 1, 0),
    "P7D": (0, 7, 0),
    "P1M": (1, 0, 0),
    "P1DT12H": (0, 1, 12),
}

# The public holidays of France while these tests last.
HOLIDAYS = {
    date(2026, 11, 1),
    date(2026, 11, 11),
    date(2026, 12, 25),
    date(2027, 1, 1),
    date(2027, 3, 29),
    date(2027, 5, 1),
    date(2027, 5, 6),
    date(2027, 5, 8),
    date(2027, 5, 17),
    date(2027, 7, 14),
    date(2027, 8, 15),
    date(2027, 11, 1),
    date(2027, 11, 11),
    date(2027, 12, 25),
}

_WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks show that: of two such instants the second, in a gap so much later."""
    return max(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def add(at: datetime, offset: tuple[int, int, int], clock: time | None, zone: ZoneInfo) -> datetime:
    """Return what lies so many months, days and hours from `at`, at that time of day or at its own."""
    months, days, hours = offset
    wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
    if months or days or clock is not None:
        month = wall.month - 1 + months
        year, month = wall.year + month // 12, month % 12 + 1
        day = date(year, month, min(wall.day, calendar.monthrange(year, month)[1])) + timedelta(days=days)
        at = instant(datetime.combine(day, wall.time() if clock is None else clock), zone)
    return at + timedelta(hours=hours)


def opened(window: dict[str, Any] | None, due: datetime, zone: ZoneInfo) -> datetime:
    """Return when the window next lets leave what is due."""
    if window is None:
        return due
    day = due.astimezone(zone).date()
    while True:
        if _WEEK[day.weekday()] in window["days"] and not (window["holidays"] and day in HOLIDAYS):
            opens = instant(datetime.combine(day, clock_of(window["from"])), zone)
            until, to = day, window["to"]
            if to is None:
                until, to = day + timedelta(days=1), "00:00"
            if due < instant(datetime.combine(until, clock_of(to)), zone):
                return max(due, opens)
        day += timedelta(days=1)


def clock_of(text: str) -> time:
    return time.fromisoformat(text)
