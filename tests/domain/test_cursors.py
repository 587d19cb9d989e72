import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cursors import read_cursor, write_cursor

ID = UUID("0c2cf422-0b1c-5d4e-8a5d-2c4ef581a5f9")
NOON = datetime(2027, 1, 18, 12, tzinfo=UTC)

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


def packed(value: object) -> str:
    """Return a text that is well formed on the outside."""
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


@given(WORDS, st.integers(-(2**63) + 1, 2**63 - 1), st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_what_was_written_is_read(word: str, number: int, at: datetime, id: UUID) -> None:
    cursor = write_cursor(word, number, at, id)

    assert read_cursor(cursor, str, int, datetime, UUID) == (word, number, at, id)
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_an_instant_comes_back_in_utc() -> None:
    paris = NOON.astimezone(timezone(timedelta(hours=1)))

    assert write_cursor(paris) == write_cursor(NOON)


FOREIGN = [
    "",
    "=",
    "é",
    "\0",
    "not base64!",
    "a" * 100_000,
    packed([NOON.isoformat()]),  # one value short
    packed([NOON.isoformat(), str(ID), "more"]),
    packed({"due_at": NOON.isoformat(), "id": str(ID)}),
    packed([str(ID), NOON.isoformat()]),  # of a list in another order
    packed([NOON.replace(tzinfo=None).isoformat(), str(ID)]),
    packed(["2027-01-18T13:00:00+01:00", str(ID)]),
    packed(["0001-01-01T00:00:00+14:00", str(ID)]),  # before the calendar begins
    packed(["2027-01-18", str(ID)]),
    packed([NOON.isoformat(), str(ID).upper()]),
    packed([NOON.isoformat(), 7]),
    packed([None, None]),
    packed(["[" * 900]),
    urlsafe_b64encode(b"[" * 2000).decode().rstrip("="),
    urlsafe_b64encode(b"\xff\xfe").decode(),
    write_cursor(NOON, ID) + "=",
    f" {write_cursor(NOON, ID)}",
    write_cursor(NOON, ID)[:-1],
    urlsafe_b64encode(json.dumps([NOON.isoformat(), str(ID)]).encode()).decode(),  # with blanks
]


@pytest.mark.parametrize("cursor", FOREIGN)
def test_what_was_not_written_here_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor of this list"):
        read_cursor(cursor, datetime, UUID)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 1, True, None, ["a"]])
def test_what_the_database_could_not_compare_with_is_no_text(value: object) -> None:
    with pytest.raises(ValueError, match="not a cursor of this list"):
        read_cursor(packed([value]), str)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.0, True, "1", None])
def test_what_the_database_could_not_compare_with_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="not a cursor of this list"):
        read_cursor(packed([value]), int)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(cursor: str) -> None:
    try:
        values = read_cursor(cursor, str, UUID)
    except ValueError:
        return
    assert write_cursor(*values) == cursor
