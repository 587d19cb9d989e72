"""JSON Lines: what is read, and every kind of line that is refused."""

import json
from datetime import UTC, datetime

import pytest

from intake.rows import PersonRow
from tests.intake.reading import contents, rejected, sessions

ADA = {"id": "ada", "email": "ada@example.org", "first_name": "Ada"}


def test_a_line_says_all_that_a_put_says_and_who_takes_part() -> None:
    slot = {"id": "am", "name": "Morning", "module": "m", "starts_at": "2027-01-25T09:00:00+01:00"}
    said = {
        "id": "S-1",
        "name": "Managing\u2028a project",
        "timezone": "Europe/Paris",
        "starts_at": "2027-01-25T09:00:00+01:00",
        "stage": "confirmed",
        "modules": [{"id": "m", "name": "Basics", "category": "law"}],
        "slots": [slot | {"ends_at": "2027-01-25T12:00:00+01:00"}],
        "trainers": ["grace"],
        "participants": [ADA, "claire"],
    }

    (session,) = sessions(json.dumps(said, ensure_ascii=False))

    assert (session.id, session.name, session.stage) == ("S-1", "Managing\u2028a project", "confirmed")
    assert session.starts_at == datetime(2027, 1, 25, 8, tzinfo=UTC)
    assert [module.category for module in session.modules] == ["law"]
    assert [slot.module for slot in session.slots] == ["m"]
    assert session.trainers == ["grace"]
    assert session.participants == [PersonRow(id="ada", email="ada@example.org", first_name="Ada"), "claire"]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    read = contents('{"id": "S-1", "name": "One"}\n\n  \n{"id": "S-2", "name": "Two"}\n{"id": "S-3"}\n')

    assert [row.line for row in read.rows] == [1, 4]
    assert [str(one) for one in read.rejected] == ["line 5: name: Field required"]


WRONG = {
    '{"name": "x"}': "id: Field required",
    '{"id": "a b", "name": "x"}': "id: an id holds 1 to 64 of these: letters",
    '{"id": "a"}': "name: Field required",
    '{"id": "a", "name": ""}': "name: String should have at least 1 character",
    '{"id": "..", "name": "x"}': "id: '..' cannot be an id",
    '{"id": "a", "name": "  "}': "name: this is one line: leave out line breaks, tabs and other control characters, and write more than blanks",
    '{"id": "a", "name": 7}': "name: Input should be a valid string",
    '{"id": "a", "name": "x\\u0000"}': "name: this is one line",
    '{"id": "a", "name": "x", "begins": "2027"}': "begins: there is no such field: leave it out",
    '{"id": "a", "name": "x", "starts_at": "2027-01-25T09:00:00"}': "starts_at: it has no timezone: say which offset",
    '{"id": "a", "name": "x", "starts_at": "2027"}': 'starts_at: an instant is text such as "2027-01-25T09:00:00+01:00"',
    '{"id": "a", "name": "x", "starts_at": 7}': 'starts_at: an instant is text such as "2027-01-25T09:00:00+01:00"',
    '{"id": "a", "name": "x", "ends_at": "2027-01-25T09:00:00Z"}': "ends_at needs a starts_at before it",
    '{"id": "a", "name": "x", "starts_at": "2027-01-25T09:00:00Z", "ends_at": "2027-01-24T09:00:00Z"}': (
        "ends_at lies before starts_at: swap them, or leave ends_at out"
    ),
    '{"id": "a", "name": "x", "starts_at": "12027-01-25T09:00:00Z"}': "starts_at: this is no datetime",
    '{"id": "a", "name": "x", "timezone": "Paris"}': "timezone: 'Paris' is not a time zone: did you mean 'Europe/Paris'?",
    '{"id": "a", "name": "x", "slots": [{"id": "s", "name": "s", "module": "m", '
    '"starts_at": "2027-01-25T09:00:00Z", "ends_at": "2027-01-25T10:00:00Z"}]}': (
        "slots.0.module: There is no module 'm': list it in `modules`."
    ),
    '{"id": "a", "name": "x", "modules": [{"id": "m", "name": "m"}, {"id": "m", "name": "n"}]}': (
        "modules.1.id: 'm' stands for two modules: give each an id of its own."
    ),
    '{"id": "a", "name": "x", "trainers": "ada"}': "trainers: Input should be a valid list",
    '{"id": "a", "name": "x", "trainers": [""]}': "trainers.0: an id holds 1 to 128 characters",
    '{"id": "a", "name": "x", "trainers": [{"id": "ada", "email": "ada"}]}': (
        "trainers.0.email: This is not an address that mail can be sent to."
    ),
    '{"id": "a", "name": "x", "trainers": [{"email": "ada@example.org"}]}': "trainers.0.id: Field required",
    '["a", "x"]': 'a session is an object: {"id": …, "name": …}',
    "7": 'a session is an object: {"id": …, "name": …}',
    '{"id": "a", "name": "x"': "not JSON (Expecting ',' delimiter, column 24): write one session a line",
    '{"id": "a", "name": NaN}': "NaN is not a JSON number",
    "[" * 100_000: "not JSON that can be read: ",
    '{"id": "good", "name": "again"}': "id: 'good' stands on line 1 already",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_told_with_its_field_and_cure(line: str) -> None:
    (said,) = rejected(f'{{"id": "good", "name": "x"}}\n{line}\n')

    assert said.startswith("line 2: ")
    assert WRONG[line] in said
    assert "\n" not in said


def test_all_that_is_wrong_with_a_line_is_told_at_once() -> None:
    (said,) = rejected('{"id": "a"}\n'.replace("}", ', "room": "", "stage": 7}'))

    assert said.count("; ") == 2
    assert all(field in said for field in ("name: ", "room: ", "stage: "))


def test_one_file_says_one_thing_about_a_person() -> None:
    def line(id: str, **more: str) -> str:
        return json.dumps({"id": id, "name": id, "participants": [ADA | more, ADA | more]})

    read = contents(
        "\n".join([line("S-1"), line("S-2"), line("S-3", email="countess@example.org"), line("S-4")])
    )

    assert [row.session.id for row in read.rows] == ["S-1", "S-2", "S-4"]
    assert [str(one) for one in read.rejected] == ["line 3: 'ada' is described otherwise on line 1"]


def test_a_single_line_is_a_file_too() -> None:
    assert [session.id for session in sessions('{"id": "S-1", "name": "Alone"}')] == ["S-1"]
