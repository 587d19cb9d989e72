"""A schedule moved to other weeks keeps its weekdays and its times of day, whatever the clocks do."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from intake.contents import Contents
from tests.intake.reading import contents

PRAGUE = ZoneInfo("Europe/Prague")

# A Monday, a Wednesday and a Friday in summer, and a day that is not known yet.
SUMMER = """id,name,timezone,starts_at,ends_at
mon,Monday,Europe/Prague,2023-07-17T09:30:00+02:00,2023-07-17T11:00:00+02:00
wed,Wednesday,Europe/Prague,2023-07-19T00:30:00+02:00,2023-07-20T00:15:00+02:00
fri,Friday,Asia/Tokyo,2023-07-22T01:00:00+09:00,
later,Later,,,
"""


def wall(read: Contents) -> list[str]:
    return [
        f"{row.session.starts_at.astimezone(ZoneInfo(row.session.timezone or 'UTC')):%a %Y-%m-%d %H:%M %z}"
        for row in read.rows
        if row.session.starts_at
    ]


@pytest.mark.parametrize(
    ("earliest", "first"),
    [
        (date(2027, 1, 11), "Mon 2027-01-11"),  # itself a Monday
        (date(2027, 1, 12), "Mon 2027-01-18"),
        (date(2027, 1, 17), "Mon 2027-01-18"),
        (date(2020, 1, 1), "Mon 2020-01-06"),  # backwards, too
        (date(2023, 7, 17), "Mon 2023-07-17"),
    ],
)
def test_the_first_day_falls_on_the_first_same_weekday_on_or_after_the_date(
    earliest: date, first: str
) -> None:
    read = contents(SUMMER, earliest=earliest)

    assert wall(read)[0].startswith(first)
    assert read.moved.days % 7 == 0
    assert read.moved.seconds == 0


def test_weekdays_and_times_of_day_stay_across_clock_changes() -> None:
    assert wall(contents(SUMMER, earliest=date(2027, 1, 11))) == [
        "Mon 2027-01-11 09:30 +0100",  # in summer it was +0200
        "Wed 2027-01-13 00:30 +0100",
        "Sat 2027-01-16 01:00 +0900",
    ]


def test_a_length_counts_on_the_wall_and_an_unknown_day_stays_unknown() -> None:
    read = contents(SUMMER, earliest=date(2027, 1, 11))

    assert read.rows[1].session.ends_at == datetime(2027, 1, 14, 0, 15, tzinfo=PRAGUE)
    assert read.rows[3].session.starts_at is None


def test_modules_and_slots_move_with_their_session() -> None:
    line = (
        '{"id": "S-1", "name": "x", "starts_at": "2026-07-06T09:00:00+02:00", '
        '"modules": [{"id": "m", "name": "m", "starts_at": "2026-07-07T09:00:00+02:00"}, {"id": "n", "name": "n"}], '
        '"slots": [{"id": "s", "name": "s", "starts_at": "2026-07-08T09:00:00+02:00", '
        '"ends_at": "2026-07-08T12:00:00+02:00"}]}'
    )

    (row,) = contents(line, earliest=date(2026, 11, 1)).rows  # Paris has gone back an hour by then

    assert row.session.starts_at == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert [module.starts_at for module in row.session.modules] == [
        datetime(2026, 11, 3, 8, tzinfo=UTC),
        None,
    ]
    assert row.session.slots[0].ends_at == datetime(2026, 11, 4, 11, tzinfo=UTC)


def test_what_a_row_does_not_name_is_not_named_once_moved() -> None:
    still = contents(SUMMER).rows[0].session.model_fields_set

    assert contents(SUMMER, earliest=date(2027, 1, 11)).rows[0].session.model_fields_set == still
    assert "modules" not in still


def test_a_time_that_clocks_skip_moves_forward_and_one_that_occurs_twice_is_the_second() -> None:
    night = "id,name,timezone,starts_at\nS,Night,Europe/Prague,2026-07-12T02:30:00+02:00\n"  # a Sunday

    (spring,) = contents(night, earliest=date(2027, 3, 28)).rows
    (autumn,) = contents(night, earliest=date(2026, 10, 25)).rows

    assert spring.session.starts_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert autumn.session.starts_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_order_that_the_clocks_turn_is_refused_with_its_line() -> None:
    # From the first 02:40 to the second 02:20 of the night in which clocks go back: forty minutes, then none.
    text = "id,name,timezone,starts_at,ends_at\nS,Night,Europe/Prague,2026-10-25T02:40:00+02:00,2026-10-25T02:20:00+01:00\n"

    read = contents(text, earliest=date(2026, 11, 1))

    assert [str(one) for one in read.rejected] == [
        "line 2: once moved, ends_at lies before starts_at: swap them, or leave ends_at out"
    ]
    assert read.rows == []


def test_a_date_beyond_the_calendar_is_refused_with_the_line() -> None:
    far = contents(SUMMER, earliest=date(9998, 1, 1))
    beyond = contents(SUMMER, earliest=date(9999, 12, 31))

    assert [one.line for one in far.rejected] == [2, 3, 4]
    assert all("a year from 1900 to 9000" in one.why for one in far.rejected)
    assert [one.line for one in beyond.rejected] == [2, 3, 4]
