"""CSV: the header, both delimiters, and every kind of line that is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.table import COLUMNS
from tests.intake.reading import contents, rejected, sessions

DOCUMENTED = Path(__file__).parents[2] / "docs" / "import.md"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_line_is_a_session_whatever_the_delimiter(delimiter: str) -> None:
    header = ["id", "name", "starts_at", "timezone", "trainers"]
    cells = ["S-1", '"Managing, leading; both"', "2027-01-25T09:00:00+01:00", "Europe/Paris", "ada | grace"]

    (session,) = sessions(f"{delimiter.join(header)}\n{delimiter.join(cells)}\n")

    assert session.name == "Managing, leading; both"
    assert session.starts_at == datetime(2027, 1, 25, 8, tzinfo=UTC)
    assert session.trainers == ["ada", "grace"]


def test_a_blank_cell_says_nothing() -> None:
    (session,) = sessions("ID, Name ,room,participants\nS-1, Managing ,,\n")

    assert (session.name, session.room, session.participants) == ("Managing", None, None)


NO_TITLE = (
    "this is one line: leave out line breaks, tabs and other control characters, and write more than blanks"
)


def test_a_cell_may_span_lines_and_the_count_goes_on() -> None:
    read = contents('id,name\n"S-1","One\u2028line"\n"S-2","Two\nlines"\nS-3,Three\n\n,,\nS-4\n')

    assert [(row.line, row.session.id) for row in read.rows] == [(2, "S-1"), (5, "S-3")]
    assert [str(one) for one in read.rejected] == [
        f"line 3: name: {NO_TITLE}",
        "line 8: 1 cells below a header of 2: quote what holds a delimiter",
    ]


WRONG = {
    "S-1,Managing,a project": "3 cells below a header of 4: quote what holds a delimiter",
    'S-1,"Managing" a project,,': "not CSV: ',' expected after '\"'",
    "S-1,,,": "name: Field required",
    ",Managing,,": "id: Field required",
    "S-1,Managing,2027-01-25 09:00,": "starts_at: it has no timezone: say which offset",
    "S-1,Managing,25/01/2027,": "starts_at: this is no datetime",
    "S-1,Managing,2027-01-25T09:00:00Z,2027-01-24T09:00:00Z": "ends_at lies before starts_at: swap them",
    "S-1,x,,\nS-1,y,,": "id: 'S-1' stands on line 2 already",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_told_with_its_field_and_cure(line: str) -> None:
    (said,) = rejected(f"id,name,starts_at,ends_at\n{line}\n")

    assert WRONG[line] in said
    assert said.startswith(f"line {2 + line.count(chr(10))}: ")


def test_the_header_is_documented() -> None:
    assert ",".join(COLUMNS) in DOCUMENTED.read_text()
