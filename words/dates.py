"""Instants as people read them: on the wall of a place, and seen from now."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time, format_timedelta, get_timezone_location

_Unit = Literal["second", "minute", "hour", "day", "month"]
_NEVER_A_LARGER_UNIT = 1e9


def day_in_words(moment: date, zone: tzinfo | None, locale: Locale) -> str:
    """Return the date on the calendar of `zone`: "Sat, 28 Nov 2026"; a date without time needs no zone."""
    return format_skeleton("yMMMEd", moment, zone, locale=locale)


def short_day_in_words(day: date, locale: Locale) -> str:
    """Return a date without weekday and year: "28 Nov"."""
    return format_skeleton("MMMd", day, locale=locale)


def time_in_words(moment: datetime, zone: tzinfo, locale: Locale) -> str:
    """Return the wall-clock time in `zone`, on 24 hours: "09:00"."""
    return format_time(moment, "HH:mm", zone, locale=locale)


def clock_in_words(clock: time) -> str:
    """Return a wall-clock time on 24 hours, with its seconds where it has any: "09:00"."""
    return clock.isoformat("seconds" if clock.second else "minutes")


def place_in_words(zone: ZoneInfo, locale: Locale) -> str:
    """Return the city a zone is named after: "Paris"."""
    return get_timezone_location(zone, locale=locale, return_city=True).rpartition("/")[2]


def distance_in_words(moment: datetime, now: datetime, zone: tzinfo, locale: Locale) -> str:
    """Return how far `moment` is from `now`: "in 3 days", "2 minutes ago".

    From a day on, days are counted on the calendar of `zone`: tomorrow evening is "in 1 day".
    """
    distance, unit = _distance(moment, now, zone)
    return format_timedelta(
        distance, granularity=unit, threshold=_NEVER_A_LARGER_UNIT, add_direction=True, locale=locale
    )


def _distance(moment: datetime, now: datetime, zone: tzinfo) -> tuple[timedelta, _Unit]:
    exact = moment - now
    size = abs(exact)
    if size < timedelta(minutes=1):
        return exact, "second"
    if size < timedelta(hours=2):
        return exact, "minute"
    days = moment.astimezone(zone).date() - now.astimezone(zone).date()
    if size < timedelta(days=1) or not days:  # 24 hours can pass within a day: clocks go back
        return exact, "hour"
    return days, "day" if size < timedelta(days=60) else "month"
