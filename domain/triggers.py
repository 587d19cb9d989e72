"""Triggers: what makes a rule's mails due, as a caller writes it."""

import re
from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from domain.anchors import Anchor, Facts, anchor_at
from domain.timing import Due, Offset, due_at, due_on

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"


def _wall_time(value: object) -> time:
    """Read "09:00" ourselves: pydantic takes the number 9 for nine seconds past midnight, in UTC."""
    if isinstance(value, str) and re.fullmatch(_CLOCK, value):
        return time.fromisoformat(value)
    if isinstance(value, time) and value.tzinfo is None and not value.microsecond:
        return value
    raise ValueError(
        'a time of day is text such as "09:00" or "09:00:30", without a zone: the session has one'
    )


def _clock(value: time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


def _date_or_instant(value: object) -> date:
    """Read a date or an instant ourselves: pydantic takes the number 20261224 for an instant of 1970."""
    read = _read_iso(value) if isinstance(value, str) else value
    if not isinstance(read, date):  # a datetime is a date, too
        raise ValueError('write a calendar date, "2026-12-24", or an instant, "2026-12-24T09:00:00+01:00"')
    if isinstance(read, datetime) and read.utcoffset() is None:
        raise ValueError(
            f"{read.isoformat()} could be any instant: add its UTC offset, as in {read.isoformat()}Z, "
            f'or write the date "{read:%Y-%m-%d}" and the time in `at`'
        )
    if not 1 < read.year < 9999:  # a day's room for the zones east and west of UTC
        raise ValueError(f"the year {read.year} is outside the calendar: write one from 2 to 9998")
    return read


def _read_iso(text: str) -> date | None:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _iso(value: date) -> str:
    return value.isoformat()


WallTime = Annotated[
    time,
    PlainValidator(_wall_time),
    PlainSerializer(_clock, when_used="json-unless-none"),
    # Not the format "time", which wants a UTC offset (RFC 3339, 5.6).
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK}$", "examples": ["09:00"]}),
]

DateOrInstant = Annotated[
    date | datetime,
    PlainValidator(_date_or_instant),
    PlainSerializer(_iso, when_used="json-unless-none"),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]


class DateTrigger(BaseModel):
    """A mail is due around a date of the session, or on a date of its own.

    `{"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}`
    `{"type": "date", "anchor": "date", "date": "2026-12-24", "at": "09:00"}`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["date"]
    anchor: Anchor
    # None at all: at the anchor itself. (Of a dataclass pydantic would show the fields as the default.)
    offset: Annotated[Offset, Field(json_schema_extra={"default": "P0D"})] = Offset()
    at: WallTime | None = None  # None: the anchor's own time of day
    date: DateOrInstant | None = None  # with the anchor "date" only

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        objection = self._object_to_date() if self.anchor is Anchor.DATE else self._object_to_offset()
        if objection:
            raise ValueError(objection)
        return self

    def _object_to_offset(self) -> str | None:
        if self.date is not None:
            return f'`date` goes with the anchor "date" only: drop it, or the anchor "{self.anchor}"'
        if self.at is not None and self.offset.is_exact:
            return (
                f"`at` sets the time of a day, but the offset {self.offset} counts exact time from the anchor: "
                "drop `at`, or count in days, weeks or months (P0D for the same day)"
            )
        return None

    def _object_to_date(self) -> str | None:
        if self.date is None:
            return '`date` is missing: the anchor "date" needs one, such as "2026-12-24"'
        if self.offset != Offset():
            return f"`offset` {self.offset} has nothing to count from: drop it, and write the day you mean in `date`"
        if isinstance(self.date, datetime) and self.at is not None:
            return (
                "`at` is one time too many: `date` is an instant already, so drop `at`, or the time in `date`"
            )
        if not isinstance(self.date, datetime) and self.at is None:
            return f'`at` is missing: say when on {self.date} the mail leaves, such as "09:00"'
        return None


def due(trigger: DateTrigger, facts: Facts, zone: ZoneInfo) -> Due | None:
    """Return when a send of `trigger` is due, or None while its anchor has no date.

    `zone` is the session's, or the recipient's where the rule says so.

    Raises ValueError if a date of the facts is naive, or the years 1 to 9999 are left.
    """
    match trigger.date, trigger.at:
        case datetime() as instant, _:
            return due_at(instant, Offset(), None, zone)
        case date() as day, time() as at:
            return due_on(day, at, zone)
    anchor = anchor_at(trigger.anchor, facts)
    return None if anchor is None else due_at(anchor, trigger.offset, trigger.at, zone)
