"""What a file brings: its sessions, checked, and the rows that were rejected."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from intake.crowd import with_guests
from intake.files import FileError, read_text
from intake.forms import read_records
from intake.rows import PersonRow, Record, Rejected, Row, check
from intake.shift import move, weeks_to
from mail.people import PersonBody

# One transaction holds the facts of each, and PostgreSQL's table of locks has room for some thousands.
MOST_SESSIONS = 5000

# They are in memory several times over.
MOST_PARTS = 200_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """What becomes of the rows of a file before they are written."""

    zone: str  # the organization's, for sessions that name none
    guests: int = 0  # people made up for each session
    earliest: date | None = None  # the schedule moves to the first same weekday on or after it


@dataclass(slots=True)
class Contents:
    """The rows of a file that may be written, and those that may not."""

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    moved: timedelta = timedelta(0)

    @property
    def people(self) -> dict[str, PersonBody]:
        """Everybody whom the rows describe."""
        return {one.id: one for row in self.rows for one in row.described()}

    def reject(self, rejected: Iterable[Rejected]) -> None:
        """Take rows out."""
        out = {one.line: one for one in rejected}
        self.rows = [row for row in self.rows if row.line not in out]
        self.rejected = sorted([*self.rejected, *out.values()], key=lambda one: one.line)


def read_contents(path: Path, wishes: Wishes, advance: Callable[[], object] = lambda: None) -> Contents:
    """Read and check a file; `advance` is called after each row.

    Raises FileError where nothing of it can be imported.
    """
    contents, seen = Contents(), _Seen()
    for record in read_records(read_text(path)):
        row = seen.check(record)
        if isinstance(row, Row):
            contents.rows.append(with_guests(row, wishes.guests))
        else:
            contents.rejected.append(row)
        advance()
    if not contents.rows and not contents.rejected:
        raise FileError(f"{path} names no session: write one a line below the header.")
    if len(contents.rows) > MOST_SESSIONS:
        raise FileError(f"{path} has more than {MOST_SESSIONS} sessions: import it in parts.")
    if sum(1 for row in contents.rows for _ in row.takes_part()) > MOST_PARTS:
        raise FileError(
            f"{path} has more than {MOST_PARTS} people in sessions: invent fewer, or import it in parts."
        )
    if wishes.earliest is not None:
        _shift(contents, wishes.earliest, wishes.zone)
    return contents


def _shift(contents: Contents, earliest: date, zone: str) -> None:
    contents.moved = weeks_to(contents.rows, earliest, zone)
    moved = [move(row, contents.moved, zone) for row in contents.rows]
    contents.rows = [row for row in moved if isinstance(row, Row)]
    contents.reject(row for row in moved if isinstance(row, Rejected))


class _Seen:
    """What earlier rows said: one file says one thing about a session, and about a person."""

    def __init__(self) -> None:
        self._sessions: dict[str, int] = {}
        self._people: dict[str, tuple[int, PersonRow]] = {}

    def check(self, record: Record | Rejected) -> Row | Rejected:
        row = check(record) if isinstance(record, Record) else record
        if isinstance(row, Rejected):
            return row
        id = row.session.id
        if id in self._sessions:
            return Rejected(row.line, f"id: {id!r} stands on line {self._sessions[id]} already")
        for one in row.described():
            line, said = self._people.get(one.id, (row.line, one))
            if said != one:
                return Rejected(row.line, f"{one.id!r} is described otherwise on line {line}")
        self._sessions[id] = row.line
        self._people |= {one.id: (row.line, one) for one in row.described() if one.id not in self._people}
        return row
