"""When a mail is due: an instant, moved by an offset, in a zone."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from domain.zones import zone_data_version

_N = "([0-9]{1,9})"
_ISO_8601 = rf"([+-]?)P(?=.)(?:{_N}Y)?(?:{_N}M)?(?:{_N}W)?(?:{_N}D)?(?:T(?=.)(?:{_N}H)?(?:{_N}M)?(?:{_N}S)?)?"

# Ten years in each unit: farther than any session is planned, near enough to catch a wrong unit.
_MOST_MONTHS = 120
_MOST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Offset:
    """A way from one instant to another: some steps on the calendar, then some exact time.

    On the wire it is an ISO 8601 duration with its sign in front: "-P7D", "P1M", "PT2H".
    """

    months: int = 0
    days: int = 0  # of the calendar, not of 24 hours
    exact: timedelta = timedelta()  # in whole seconds

    def __post_init__(self) -> None:
        if self.exact % timedelta(seconds=1):
            raise ValueError(f"an offset counts whole seconds, not {self.exact}")
        if len({part > 0 for part in self._parts() if part}) > 1:
            raise ValueError("an offset goes one way: its parts are all positive or all negative")
        days = max(timedelta(days=abs(self.days)), abs(self.exact))
        if abs(self.months) > _MOST_MONTHS or days > timedelta(days=_MOST_DAYS):
            raise ValueError(f"the offset {self} is too long: at most ten years (P120M, P3660D or PT87840H)")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the offset that `text` says in ISO 8601: years, months, weeks, days, hours, minutes, seconds.

        Raises ValueError on anything else, on fractions, and above ten years.
        """
        match = re.fullmatch(_ISO_8601, text)
        if match is None:
            raise ValueError(
                f"{text[:40]!r} is not an offset: write an ISO 8601 duration in whole numbers, "
                "such as -P7D (7 days before), P1M, PT2H or P1DT30M"
            )
        sign, *numbers = match.groups()
        years, months, weeks, days, hours, minutes, seconds = (int(f"{sign}{n or 0}") for n in numbers)
        exact = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return cls(12 * years + months, 7 * weeks + days, exact)

    def __str__(self) -> str:
        """Return the one spelling of this offset: no years, no weeks, hours that may pass 24, "P0D" for none."""
        months, days, seconds = (abs(part) for part in self._parts())
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        day = "".join(f"{n}{unit}" for n, unit in ((months, "M"), (days, "D")) if n)
        clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        sign = "-" if min(self._parts()) < 0 else ""
        return f"{sign}P{day}{clock and 'T'}{clock}" if day or clock else "P0D"

    @property
    def is_exact(self) -> bool:
        """Whether it counts exact time alone: no days on the calendar, whose time of day could be said."""
        return bool(self.exact) and not (self.months or self.days)

    @property
    def is_before(self) -> bool:
        """Whether it goes back."""
        return min(self._parts()) < 0

    @property
    def at_least(self) -> timedelta:
        """How far it goes at the least: months and days may be short, and end at another time of day."""
        days = 28 * abs(self.months) + abs(self.days)
        return timedelta(days=max(days - 1, 0)) + abs(self.exact)

    def _parts(self) -> tuple[int, int, int]:
        return self.months, self.days, self.exact // timedelta(seconds=1)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let any model have a field of this type: text in, text out."""
        return core_schema.no_info_plain_validator_function(
            _offset,
            serialization=core_schema.to_string_ser_schema(),
            json_schema_input_schema=core_schema.str_schema(pattern=f"^{_ISO_8601}$"),
        )


@dataclass(frozen=True, slots=True)
class Due:
    """When a send should leave, and how that was meant."""

    at: datetime  # aware, UTC
    # The naive time on the wall of `zone` that was meant. It differs from what clocks show at `at` only where
    # they skip it. Where hours or minutes were counted, it is what clocks show.
    local: datetime
    zone: str
    zone_data: str  # the release of the zone database this was computed with


def due_at(anchor_at: datetime, offset: Offset, at: time | None, zone: ZoneInfo) -> Due:
    """Return when a send is due that is `offset` away from `anchor_at`.

    Months are counted first and clamp to the last day of the month, then days; both
    keep the time on the wall of `zone`, or take `at`. Then come hours and minutes,
    exactly. An offset with neither months, days nor `at` does not look at the wall at
    all: no offset from an anchor in the first of two equal hours is that anchor.

    `anchor_at` is aware, `at` naive, `zone` comes from `find_zone`.

    Raises ValueError if they are not, or if the years 1 to 9999 are left.
    """
    if anchor_at.utcoffset() is None:
        raise ValueError(f"the anchor {anchor_at} has no UTC offset: give an aware datetime")
    try:
        instant = anchor_at.astimezone(UTC)
        local = _wall(instant, zone)
        if offset.months or offset.days or at is not None:
            day = _add_months(local.date(), offset.months) + timedelta(days=offset.days)
            local = datetime.combine(day, local.time() if at is None else at)
            instant = instant_of(local, zone)
        if offset.exact:
            instant += offset.exact
            local = _wall(instant, zone)
    except OverflowError as error:
        raise ValueError(f"{offset} from {anchor_at.isoformat()} leaves the years 1 to 9999") from error
    return Due(instant, local, zone.key, zone_data_version())


def due_on(day: date, at: time, zone: ZoneInfo) -> Due:
    """Return when a send is due that leaves on `day` at `at` on the wall of `zone`.

    Raises ValueError if `at` is not naive, or the instant leaves the years 1 to 9999.
    """
    local = datetime.combine(day, at)
    return Due(instant_of(local, zone), local, zone.key, zone_data_version())


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the wall of `zone` shows `local`.

    A wall time that occurs twice is the second one; one that does not exist moves
    forward by the gap. `local` is naive.

    Raises ValueError if it is not, or if the instant leaves the years 1 to 9999.
    """
    if local.tzinfo is not None:
        raise ValueError(f"the wall time {local.isoformat()} has a zone of its own: give a naive one")
    try:
        # Where clocks change, a wall time has two readings, with the offset before and the one after (PEP 495).
        # The later is the second of two, and in a gap the one that moved forward.
        return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError as error:
        raise ValueError(f"{local} in {zone.key} leaves the years 1 to 9999") from error


def local_of(instant: datetime, meant: datetime, zone: ZoneInfo) -> datetime:
    """Return what was `meant` on the wall of `zone`, where that still is `instant`; else what clocks show then."""
    return meant if instant_of(meant, zone) == instant else _wall(instant, zone)


def first_instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return `instant_of`, but of a wall time that occurs twice the first one."""
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{local} in {zone.key} leaves the years 1 to 9999") from error


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(f"year {year}")
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _offset(value: object) -> Offset:
    if isinstance(value, Offset):
        return value
    if isinstance(value, str):
        return Offset.parse(value)
    raise ValueError("an offset is text: write an ISO 8601 duration such as -P7D")
