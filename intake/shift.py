"""A schedule moved to other weeks: the same weekdays, at the same time of day."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.sessions import Dates, SlotBody
from domain.timing import instant_of
from domain.zones import find_zone
from intake.rows import Rejected, Row, SessionRow, explain


def weeks_to(rows: Iterable[Row], earliest: date, zone: str) -> timedelta:
    """Return the whole weeks that bring the first day of `rows` to the first same weekday on or after `earliest`.

    Days are those of each session's own zone; of those that name none, of `zone`.
    """
    days = [
        row.session.starts_at.astimezone(_zone(row.session, zone)).date()
        for row in rows
        if row.session.starts_at is not None
    ]
    if not days:
        return timedelta(0)
    first = min(days)
    return earliest - first + timedelta(days=(first.weekday() - earliest.weekday()) % 7)


def move(row: Row, by: timedelta, zone: str) -> Row | Rejected:
    """Return the row `by` so many days later on the wall of its zone, modules and slots too."""
    session, where = row.session, _zone(row.session, zone)
    try:
        said = session.model_dump(exclude_unset=True)  # what it does not say stays as it was
        moved = _moved(session, by, where) | {
            name: [place.model_dump() | _moved(place, by, where) for place in getattr(session, name)]
            for name in ("modules", "slots")
        }
        # Across a clock change an order may turn, and far away the calendar ends.
        again = SessionRow.model_validate(said | {name: moved[name] for name in said.keys() & moved.keys()})
        return replace(row, session=again)
    except ValidationError as error:
        return Rejected(row.line, f"once moved, {explain(error)}")
    except (ValueError, OverflowError) as error:
        return Rejected(row.line, f"cannot be moved: {error}")


def _moved(dated: Dates | SlotBody, by: timedelta, zone: ZoneInfo) -> dict[str, object]:
    return {"starts_at": _later(dated.starts_at, by, zone), "ends_at": _later(dated.ends_at, by, zone)}


def _later(instant: datetime | None, by: timedelta, zone: ZoneInfo) -> datetime | None:
    if instant is None:
        return None
    return instant_of(instant.astimezone(zone).replace(tzinfo=None) + by, zone)


def _zone(session: SessionRow, otherwise: str) -> ZoneInfo:
    return find_zone(session.timezone or otherwise)
