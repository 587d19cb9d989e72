"""When is it due?"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.timing import Due, Offset, due_at, due_on, instant_of
from domain.zones import find_zone, zone_data_version, zone_names

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"
KATHMANDU, APIA, SAO_PAULO = "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo"


def compute(zone: str, anchor: str, offset: str, at: str | None = None) -> Due:
    wall = None if at is None else time.fromisoformat(at)
    return due_at(datetime.fromisoformat(anchor), Offset.parse(offset), wall, find_zone(zone))


def shown(due: Due) -> str:
    """What a clock on the wall shows when the mail leaves, with its UTC offset."""
    return due.at.astimezone(find_zone(due.zone)).isoformat(timespec="minutes")


# Every expected instant carries its UTC offset, so a row that crosses a clock change shows it.
@pytest.mark.parametrize(
    ("zone", "anchor", "offset", "at", "expected"),
    [
        # F009: x days, x >= 0, before or after.
        (PARIS, "2026-11-12T09:00+01:00", "-P7D", None, "2026-11-05T09:00+01:00"),
        (PARIS, "2026-11-12T09:00+01:00", "P7D", None, "2026-11-19T09:00+01:00"),
        (PARIS, "2026-11-12T09:00+01:00", "P0D", None, "2026-11-12T09:00+01:00"),
        # L05: weeks, months, and a time of day.
        (PARIS, "2026-11-12T09:00+01:00", "-P2W", "08:30", "2026-10-29T08:30+01:00"),
        (PARIS, "2026-11-12T09:00+01:00", "P1M", "18:00", "2026-12-12T18:00+01:00"),
        (PARIS, "2026-11-12T14:00+01:00", "P0D", "09:00", "2026-11-12T09:00+01:00"),
        # F052: a mail at 8:55 for a session at 9:00.
        (PARIS, "2026-11-12T09:00+01:00", "-PT5M", None, "2026-11-12T08:55+01:00"),
        (PARIS, "2026-11-12T09:00+01:00", "-PT36H", None, "2026-11-10T21:00+01:00"),
        # F018: A starts on 7 January, B on the 14th; the same rule, one week apart.
        (PARIS, "2027-01-07T09:00+01:00", "-P3D", None, "2027-01-04T09:00+01:00"),
        (PARIS, "2027-01-14T09:00+01:00", "-P3D", None, "2027-01-11T09:00+01:00"),
        # The day is counted where the session is: 23:30Z on the 11th is the 12th in Paris, the 11th in New York.
        (PARIS, "2026-11-11T23:30+00:00", "-P1D", "09:00", "2026-11-11T09:00+01:00"),
        (NEW_YORK, "2026-11-11T23:30+00:00", "-P1D", "09:00", "2026-11-10T09:00-05:00"),
        # The anchor's own offset does not matter, its instant does: 12:00-03:00 is 16:00 in Paris.
        (PARIS, "2026-11-12T12:00-03:00", "P1D", None, "2026-11-13T16:00+01:00"),
        # 23:15 in Kathmandu is 17:30Z; a day later likewise, whatever the quarter of an hour.
        (KATHMANDU, "2026-11-12T17:30+00:00", "P1D", None, "2026-11-13T23:15+05:45"),
        (KATHMANDU, "2026-11-12T18:30+00:00", "P0D", "09:00", "2026-11-13T09:00+05:45"),  # 00:15 on the 13th
    ],
)
def test_an_offset_moves_the_anchor(
    zone: str, anchor: str, offset: str, at: str | None, expected: str
) -> None:
    assert shown(compute(zone, anchor, offset, at)) == expected


@pytest.mark.parametrize(
    ("zone", "anchor", "offset", "at", "expected"),
    [
        # Paris springs forward on 29 March 2026 (02:00 -> 03:00) and falls back on 25 October (03:00 -> 02:00).
        # A day across it keeps 09:00 and lasts 23 or 25 hours; 24 hours keep their length.
        (PARIS, "2026-03-30T09:00+02:00", "-P2D", None, "2026-03-28T09:00+01:00"),
        (PARIS, "2026-03-30T09:00+02:00", "-PT48H", None, "2026-03-28T08:00+01:00"),
        (PARIS, "2026-10-26T09:00+01:00", "-P2D", None, "2026-10-24T09:00+02:00"),
        (PARIS, "2026-10-26T09:00+01:00", "-PT48H", None, "2026-10-24T10:00+02:00"),
        # New York: 8 March (02:00 -> 03:00) and 1 November (02:00 -> 01:00).
        (NEW_YORK, "2026-03-15T18:00-04:00", "-P1W", None, "2026-03-08T18:00-04:00"),
        (NEW_YORK, "2026-03-15T18:00-04:00", "-P8D", None, "2026-03-07T18:00-05:00"),
        (NEW_YORK, "2026-10-12T18:00-04:00", "P1M", None, "2026-11-12T18:00-05:00"),
        # Lord Howe moves by half an hour: 5 April (02:00 -> 01:30) and 4 October (02:00 -> 02:30).
        (LORD_HOWE, "2026-04-04T09:00+11:00", "P1D", None, "2026-04-05T09:00+10:30"),
        (LORD_HOWE, "2026-10-03T09:00+10:30", "P1D", None, "2026-10-04T09:00+11:00"),
    ],
)
def test_days_keep_the_wall_clock_across_a_clock_change_and_hours_their_length(
    zone: str, anchor: str, offset: str, at: str | None, expected: str
) -> None:
    assert shown(compute(zone, anchor, offset, at)) == expected


@pytest.mark.parametrize(
    ("zone", "anchor", "offset", "at", "local", "expected"),
    [
        (PARIS, "2026-03-28T09:00+01:00", "P1D", "02:30", "2026-03-29T02:30", "2026-03-29T03:30+02:00"),
        (PARIS, "2026-03-28T09:00+01:00", "P1D", "02:00", "2026-03-29T02:00", "2026-03-29T03:00+02:00"),
        (PARIS, "2026-04-05T02:30+02:00", "-P7D", None, "2026-03-29T02:30", "2026-03-29T03:30+02:00"),
        (NEW_YORK, "2026-02-08T02:15-05:00", "P1M", None, "2026-03-08T02:15", "2026-03-08T03:15-04:00"),
        (LORD_HOWE, "2026-10-03T02:10+10:30", "P1D", None, "2026-10-04T02:10", "2026-10-04T02:40+11:00"),
        # São Paulo had no midnight on 4 November 2018: 00:00 -> 01:00.
        (SAO_PAULO, "2018-11-05T09:00-02:00", "-P1D", "00:00", "2018-11-04T00:00", "2018-11-04T01:00-02:00"),
        # Samoa had no 30 December 2011 at all: it went from -10 to +14, a gap of 24 hours.
        (APIA, "2011-12-29T09:00-10:00", "P1D", None, "2011-12-30T09:00", "2011-12-31T09:00+14:00"),
        (APIA, "2012-01-01T09:00+14:00", "-P2D", "23:30", "2011-12-30T23:30", "2011-12-31T23:30+14:00"),
        # The hours come last: 02:30 -> 03:30, and two hours on.
        (PARIS, "2026-03-28T09:00+01:00", "P1DT2H", "02:30", "2026-03-29T05:30", "2026-03-29T05:30+02:00"),
    ],
)
def test_a_wall_time_that_does_not_exist_moves_forward_by_the_gap(
    zone: str, anchor: str, offset: str, at: str | None, local: str, expected: str
) -> None:
    due = compute(zone, anchor, offset, at)
    assert shown(due) == expected
    assert due.local == datetime.fromisoformat(local)  # what was meant


@pytest.mark.parametrize(
    ("zone", "anchor", "offset", "at", "expected"),
    [
        (PARIS, "2026-10-24T09:00+02:00", "P1D", "02:30", "2026-10-25T02:30+01:00"),
        (PARIS, "2026-11-25T02:30+01:00", "-P1M", None, "2026-10-25T02:30+01:00"),
        (NEW_YORK, "2026-10-31T01:30-04:00", "P1D", None, "2026-11-01T01:30-05:00"),
        (LORD_HOWE, "2026-04-04T01:45+11:00", "P1D", None, "2026-04-05T01:45+10:30"),
        # São Paulo had two last hours on 16 February 2019: midnight -> 23:00.
        (SAO_PAULO, "2019-02-17T09:00-03:00", "-P1D", "23:30", "2019-02-16T23:30-03:00"),
    ],
)
def test_a_wall_time_that_occurs_twice_is_the_second(
    zone: str, anchor: str, offset: str, at: str | None, expected: str
) -> None:
    assert shown(compute(zone, anchor, offset, at)) == expected


def test_no_offset_from_the_first_of_two_equal_hours_is_the_anchor_itself() -> None:
    first = "2026-10-25T02:30+02:00"
    for nothing in ("P0D", "PT0S", "-P0D"):
        assert shown(compute(PARIS, first, nothing)) == first
    assert shown(compute(PARIS, first, "PT30M")) == "2026-10-25T02:00+01:00"  # 00:30Z + 30 min = 01:00Z
    assert shown(compute(PARIS, first, "P0D", "02:30")) == "2026-10-25T02:30+01:00"  # the wall was asked


@pytest.mark.parametrize(
    ("anchor", "offset", "expected"),
    [
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2028-01-31", "P1M", "2028-02-29"),
        ("2000-01-31", "P1M", "2000-02-29"),  # divisible by 400: a leap year
        ("2100-01-31", "P1M", "2100-02-28"),  # divisible by 100: none
        ("2026-03-31", "-P1M", "2026-02-28"),
        ("2026-05-31", "P1M", "2026-06-30"),
        ("2028-02-29", "P1Y", "2029-02-28"),
        ("2028-02-29", "P4Y", "2032-02-29"),
        ("2026-01-31", "P2M", "2026-03-31"),  # one clamp, of the sum: not two months one by one
        ("2026-11-30", "P3M", "2027-02-28"),
        ("2026-01-15", "-P1M", "2025-12-15"),
        ("2026-12-31", "P12M", "2027-12-31"),
        # Months first, then days: 31 January -> 28 February -> 2 March; 31 March -> 28 February -> 26 February.
        ("2026-01-31", "P1M2D", "2026-03-02"),
        ("2026-03-31", "-P1M2D", "2026-02-26"),
    ],
)
def test_months_stop_at_the_last_day_of_the_month(anchor: str, offset: str, expected: str) -> None:
    assert compute("UTC", f"{anchor}T12:00Z", offset).at.date() == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("offset", "at", "expected"),
    [
        # From 2026-01-31T12:00: -> 28 February 12:00 -> 1 March 12:00 -> 14:00; or 09:00 on that day, then 11:00.
        ("P1M1DT2H", None, "2026-03-01T14:00+00:00"),
        ("P1M1DT2H", "09:00", "2026-03-01T11:00+00:00"),
        ("-P1DT30M", "09:00", "2026-01-30T08:30+00:00"),
    ],
)
def test_a_mixed_offset_counts_months_then_days_then_the_time_then_hours(
    offset: str, at: str | None, expected: str
) -> None:
    assert shown(compute("UTC", "2026-01-31T12:00Z", offset, at)) == expected


def test_a_due_time_says_how_it_was_meant() -> None:
    due = compute(PARIS, "2026-11-12T09:00+01:00", "-P7D", "08:00")
    assert due == Due(
        at=datetime(2026, 11, 5, 7, tzinfo=UTC),
        local=datetime.fromisoformat("2026-11-05T08:00"),
        zone=PARIS,
        zone_data=zone_data_version(),
    )


def test_a_day_and_a_time_make_a_due_time() -> None:
    due = due_on(date(2026, 12, 24), time(9), find_zone(NEW_YORK))
    assert (shown(due), due.local.isoformat()) == ("2026-12-24T09:00-05:00", "2026-12-24T09:00:00")


def test_a_naive_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="give an aware datetime"):
        compute(PARIS, "2026-11-12T09:00", "P1D")


def test_an_aware_time_of_day_is_refused() -> None:
    with pytest.raises(ValueError, match="give a naive one"):
        compute(PARIS, "2026-11-12T09:00Z", "P1D", "09:00+01:00")


@pytest.mark.parametrize(
    ("anchor", "offset", "at"),
    [
        ("9999-12-31T12:00Z", "P1D", None),
        ("9999-12-31T12:00Z", "P1M", None),
        ("0001-01-01T12:00Z", "-P10Y", None),
        ("9999-12-31T12:00Z", "PT20H", None),
        ("9999-12-31T22:00Z", "P0D", None),  # 03:45 in Kathmandu, of a year 10000
        ("0001-01-01T00:00Z", "P0D", "00:00"),  # 18:15Z of a year 0
        ("0001-01-01T00:00+14:00", "P0D", None),
    ],
)
def test_leaving_the_calendar_is_refused(anchor: str, offset: str, at: str | None) -> None:
    with pytest.raises(ValueError, match="leaves the years 1 to 9999"):
        compute(KATHMANDU, anchor, offset, at)


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("-P7D", Offset(days=-7), "-P7D"),
        ("P1M", Offset(months=1), "P1M"),
        ("P1Y", Offset(months=12), "P12M"),
        ("P1Y2M", Offset(months=14), "P14M"),
        ("P2W", Offset(days=14), "P14D"),
        ("P1W1D", Offset(days=8), "P8D"),
        ("PT2H", Offset(exact=timedelta(hours=2)), "PT2H"),
        ("PT36H", Offset(exact=timedelta(hours=36)), "PT36H"),  # not P1DT12H: a day may last 23 hours
        ("-PT90M", Offset(exact=timedelta(minutes=-90)), "-PT1H30M"),
        ("PT45S", Offset(exact=timedelta(seconds=45)), "PT45S"),
        ("P1M2D", Offset(months=1, days=2), "P1M2D"),
        ("P1DT2H", Offset(days=1, exact=timedelta(hours=2)), "P1DT2H"),
        ("-P1M1DT1M", Offset(-1, -1, timedelta(minutes=-1)), "-P1M1DT1M"),
        ("+P7D", Offset(days=7), "P7D"),
        ("P007D", Offset(days=7), "P7D"),
        ("PT0S", Offset(), "P0D"),
        ("-P0D", Offset(), "P0D"),
        ("P10Y", Offset(months=120), "P120M"),
        ("-PT87840H", Offset(exact=timedelta(days=-3660)), "-PT87840H"),
    ],
)
def test_an_offset_is_read_from_iso_8601_and_has_one_spelling(
    text: str, expected: Offset, canonical: str
) -> None:
    assert Offset.parse(text) == expected
    assert str(expected) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "-P", "P1DT", "7", "7D", "-7D", "P7", "PD", "1 day", "p7d", "P7D ", " P7D", "P7D\n"),
        *(
            "P1.5D",
            "PT0.5H",
            "PT1,5H",
            "P-7D",
            "--P7D",
            "P1D1M",
            "P1H",
            "PT1D",
            "PT1H1H",
            "P٧D",
            "P1000000000D",
        ),
    ],
)
def test_what_is_no_whole_iso_8601_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write an ISO 8601 duration in whole numbers, such as -P7D"):
        Offset.parse(text)


@pytest.mark.parametrize(
    "text", ["P121M", "P11Y", "-P3661D", "P523W", "PT87840H1S", "-PT87840H1S", "P999999999Y"]
)
def test_more_than_ten_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most ten years"):
        Offset.parse(text)


def test_an_offset_goes_one_way_in_whole_seconds() -> None:
    with pytest.raises(ValueError, match="goes one way"):
        Offset(months=1, days=-1)
    with pytest.raises(ValueError, match="goes one way"):
        Offset(days=1, exact=timedelta(hours=-1))
    with pytest.raises(ValueError, match="whole seconds"):
        Offset(exact=timedelta(milliseconds=1500))


def test_any_model_may_have_an_offset_as_a_field() -> None:
    field = TypeAdapter(Offset)
    assert field.validate_python("-P7D") == field.validate_python(Offset(days=-7)) == Offset(days=-7)
    assert field.dump_python(Offset(days=-7), mode="json") == "-P7D"
    assert field.json_schema()["type"] == field.json_schema(mode="serialization")["type"] == "string"
    for wrong in (7, None, timedelta(days=7), {"days": 7}):
        with pytest.raises(ValidationError, match="an offset is text"):
            field.validate_python(wrong)


# Properties, over every zone there is.

zones = st.sampled_from(sorted(zone_names())).map(find_zone)
walls = st.datetimes(datetime.fromisoformat("1960-01-01"), datetime.fromisoformat("2100-01-01"))
instants = walls.map(lambda wall: wall.replace(tzinfo=UTC))
seconds = st.integers(0, 3660 * 86_400).map(lambda n: timedelta(seconds=n))
ways = st.sampled_from([-1, 1])
days = st.integers(-400, 400)
times = st.none() | st.times()


@st.composite
def offsets(draw: st.DrawFn) -> Offset:
    way = draw(ways)
    return Offset(way * draw(st.integers(0, 120)), way * draw(st.integers(0, 3660)), way * draw(seconds))


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def gap_at(local: datetime, zone: ZoneInfo) -> timedelta:
    """How much clocks skip there, by PEP 495: nothing where `local` exists."""
    before, after = (local.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return max(after - before, timedelta())


@given(instants, days, zones)
def test_days_keep_the_wall_clock_wherever_it_exists(anchor: datetime, n: int, zone: ZoneInfo) -> None:
    assume(n != 0)
    due = due_at(anchor, Offset(days=n), None, zone)
    assert due.local == wall(anchor, zone) + timedelta(days=n)
    assert wall(due.at, zone) == due.local + gap_at(due.local, zone)


@given(instants, offsets(), times, zones)
def test_a_mail_leaves_when_clocks_show_what_was_meant_or_the_gap_later(
    anchor: datetime, offset: Offset, at: time | None, zone: ZoneInfo
) -> None:
    due = due_at(anchor, offset, at, zone)
    assert wall(due.at, zone) == due.local + gap_at(due.local, zone)
    assert gap_at(wall(due.at, zone), zone) == timedelta()


@given(instants, days, days, times, zones)
def test_an_anchor_moved_by_local_days_moves_the_mail_by_as_many(
    anchor: datetime, offset: int, n: int, at: time | None, zone: ZoneInfo
) -> None:
    assume(offset != 0 or at is not None)
    local = wall(anchor, zone) + timedelta(days=n)
    assume(not gap_at(local, zone))
    before, after = (
        due_at(start, Offset(days=offset), at, zone) for start in (anchor, instant_of(local, zone))
    )
    assert after.local == before.local + timedelta(days=n)


@given(instants, ways, seconds, zones)
def test_hours_and_minutes_are_exact(anchor: datetime, way: int, length: timedelta, zone: ZoneInfo) -> None:
    due = due_at(anchor.astimezone(zone), Offset(exact=way * length), None, zone)
    assert due.at - anchor == way * length
    assert due.local == wall(due.at, zone)


@given(instants, zones)
def test_the_instant_of_what_a_wall_shows_is_the_last_one_that_shows_it(
    instant: datetime, zone: ZoneInfo
) -> None:
    last = instant_of(wall(instant, zone), zone)
    assert last >= instant
    assert wall(last, zone) == wall(instant, zone)


@given(instants, offsets(), times, zones, st.integers(-14, 14))
def test_a_due_time_is_utc_and_depends_on_the_instant_of_the_anchor_only(
    anchor: datetime, offset: Offset, at: time | None, zone: ZoneInfo, hours: int
) -> None:
    due = due_at(anchor, offset, at, zone)
    assert due.at.tzinfo is UTC
    assert due.local.tzinfo is None
    assert due_at(anchor.astimezone(timezone(timedelta(hours=hours))), offset, at, zone) == due


@given(offsets())
def test_an_offset_reads_back_what_it_writes(offset: Offset) -> None:
    assert Offset.parse(str(offset)) == offset


@given(st.datetimes(timezones=st.just(UTC)), offsets(), times, zones)
def test_any_anchor_gives_a_due_time_or_a_sentence(
    anchor: datetime, offset: Offset, at: time | None, zone: ZoneInfo
) -> None:
    try:
        due_at(anchor, offset, at, zone)
    except ValueError as refusal:
        assert "leaves the years 1 to 9999" in str(refusal)  # noqa: PT017  # most anchors are fine
