"""When may a mail leave?"""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.timing import Due, Offset, due_at
from domain.windows import Weekday, Window, next_open
from domain.zones import find_zone, zone_data_version

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"
CAIRO, HAVANA, APIA, AZORES = "Africa/Cairo", "America/Havana", "Pacific/Apia", "Atlantic/Azores"

OFFICE: dict[str, Any] = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00"}
FRENCH = {**OFFICE, "holidays": "FR"}


def due(zone: str, at: str) -> Due:
    return due_at(datetime.fromisoformat(at), Offset(), None, find_zone(zone))


def leaves(window: dict[str, Any], zone: str, at: str) -> str:
    """What a clock on the wall shows when a mail due at `at` leaves, with its UTC offset."""
    moved = next_open(Window(**window), due(zone, at), find_zone(zone))
    return moved.at.astimezone(find_zone(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        # `from` is included, `to` is not. 12 November 2026 is a Thursday.
        (OFFICE, "2026-11-12T08:00+01:00", "2026-11-12T08:00+01:00"),
        (OFFICE, "2026-11-12T07:59:59+01:00", "2026-11-12T08:00+01:00"),
        (OFFICE, "2026-11-12T12:34+01:00", "2026-11-12T12:34+01:00"),
        (OFFICE, "2026-11-12T18:59+01:00", "2026-11-12T18:59+01:00"),
        (OFFICE, "2026-11-12T19:00+01:00", "2026-11-13T08:00+01:00"),
        # Over a week-end, and over a clock change on it.
        (OFFICE, "2026-11-13T19:00+01:00", "2026-11-16T08:00+01:00"),
        (OFFICE, "2026-11-15T12:00+01:00", "2026-11-16T08:00+01:00"),
        (OFFICE, "2026-10-24T12:00+02:00", "2026-10-26T08:00+01:00"),
        (OFFICE, "2026-03-28T12:00+01:00", "2026-03-30T08:00+02:00"),
        # The day is that of the session's clocks: 23:30Z on Sunday is Monday in Paris.
        ({"days": ["mon"]}, "2026-11-15T23:30+00:00", "2026-11-16T00:30+01:00"),
        ({"days": ["sun"]}, "2026-11-15T23:30+00:00", "2026-11-22T00:00+01:00"),
        # Nothing said: always open. Hours alone: every day. Days alone: all day long.
        ({}, "2026-11-15T03:00+01:00", "2026-11-15T03:00+01:00"),
        ({"from": "09:30"}, "2026-11-15T03:00+01:00", "2026-11-15T09:30+01:00"),
        ({"to": "09:30"}, "2026-11-15T23:00+01:00", "2026-11-16T00:00+01:00"),
        ({"days": ["sat"]}, "2026-11-14T23:59+01:00", "2026-11-14T23:59+01:00"),
        ({"days": ["sat"]}, "2026-11-15T00:00+01:00", "2026-11-21T00:00+01:00"),
        # 11 November and Christmas are holidays in France; Easter Monday and Whit Monday move; 1 May is a Friday.
        (FRENCH, "2026-11-11T10:00+01:00", "2026-11-12T08:00+01:00"),
        (FRENCH, "2026-12-24T20:00+01:00", "2026-12-28T08:00+01:00"),
        (FRENCH, "2026-04-06T10:00+02:00", "2026-04-07T08:00+02:00"),
        (FRENCH, "2027-05-17T10:00+02:00", "2027-05-18T08:00+02:00"),
        (FRENCH, "2026-05-01T10:00+02:00", "2026-05-04T08:00+02:00"),
        # Good Friday and St Stephen's Day are holidays of the Moselle, not of the rest of France.
        (FRENCH, "2026-04-03T10:00+02:00", "2026-04-03T10:00+02:00"),
        ({**FRENCH, "holidays": "FR-57"}, "2026-04-03T10:00+02:00", "2026-04-07T08:00+02:00"),
        ({**FRENCH, "holidays": "US"}, "2026-11-11T10:00+01:00", "2026-11-12T08:00+01:00"),
        ({**FRENCH, "holidays": "DE"}, "2026-11-11T10:00+01:00", "2026-11-11T10:00+01:00"),
    ],
)
def test_a_mail_waits_for_the_next_open_moment(window: dict[str, Any], at: str, expected: str) -> None:
    assert leaves(window, PARIS, at) == expected


@pytest.mark.parametrize(
    ("zone", "window", "at", "expected"),
    [
        # In Paris 02:30 does not exist on 29 March 2026 and moves to 03:30; on 25 October it is the second of two.
        (PARIS, {"from": "02:30"}, "2026-03-29T01:00+01:00", "2026-03-29T03:30+02:00"),
        (PARIS, {"from": "02:30"}, "2026-03-29T03:10+02:00", "2026-03-29T03:30+02:00"),
        (PARIS, {"from": "02:30"}, "2026-10-25T01:00+02:00", "2026-10-25T02:30+01:00"),
        (PARIS, {"from": "02:30"}, "2026-10-25T02:40+02:00", "2026-10-25T02:30+01:00"),
        # A window that closes within the hour that comes twice closes the first time, and stays closed.
        (PARIS, {"from": "01:00", "to": "02:30"}, "2026-10-25T02:29+02:00", "2026-10-25T02:29+02:00"),
        (PARIS, {"from": "01:00", "to": "02:30"}, "2026-10-25T02:30+02:00", "2026-10-26T01:00+01:00"),
        (PARIS, {"from": "01:00", "to": "02:30"}, "2026-10-25T02:10+01:00", "2026-10-26T01:00+01:00"),
        # One that opens and closes within it does so the second time; in the hour that is left out, an hour later.
        (PARIS, {"from": "02:10", "to": "02:30"}, "2026-10-25T02:20+02:00", "2026-10-25T02:10+01:00"),
        (PARIS, {"from": "02:10", "to": "02:30"}, "2026-10-25T02:20+01:00", "2026-10-25T02:20+01:00"),
        (PARIS, {"from": "02:10", "to": "02:30"}, "2026-03-29T01:00+01:00", "2026-03-29T03:10+02:00"),
        # It is left out where it would open after it has closed.
        (PARIS, {"from": "02:30", "to": "03:15"}, "2026-03-29T01:00+01:00", "2026-03-30T02:30+02:00"),
        (NEW_YORK, {"from": "01:30"}, "2026-11-01T00:00-04:00", "2026-11-01T01:30-05:00"),
        (LORD_HOWE, {"from": "02:15"}, "2026-10-04T01:00+10:30", "2026-10-04T02:45+11:00"),
        # A day begins at its first instant: on 24 April 2026 in Cairo at 01:00, on 2 November 2025 in Havana at the first of two midnights.
        (CAIRO, {"days": ["fri"]}, "2026-04-23T12:00+02:00", "2026-04-24T01:00+03:00"),
        (CAIRO, {"days": ["thu"]}, "2026-04-23T23:59+02:00", "2026-04-23T23:59+02:00"),
        (CAIRO, {"days": ["thu"]}, "2026-04-24T01:00+03:00", "2026-04-30T00:00+03:00"),
        (HAVANA, {"days": ["sun"]}, "2025-11-01T12:00-04:00", "2025-11-02T00:00-04:00"),
        (HAVANA, {"days": ["sat"]}, "2025-11-02T00:30-04:00", "2025-11-08T00:00-05:00"),
        # 30 December 2011 was left out in Samoa, and with it that Friday.
        (APIA, {"days": ["fri"]}, "2011-12-29T12:00-10:00", "2012-01-06T00:00+14:00"),
        (APIA, {"days": ["sat"]}, "2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00"),
    ],
)
def test_clocks_that_change_open_a_window_once(
    zone: str, window: dict[str, Any], at: str, expected: str
) -> None:
    assert leaves(window, zone, at) == expected


def test_what_is_open_stays_as_it_was_meant_and_what_moves_says_what_is_meant() -> None:
    open_then = due_at(
        datetime.fromisoformat("2026-03-28T02:30+01:00"), Offset(days=1), None, find_zone(PARIS)
    )
    assert open_then.local == datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - the clocks skip it
    assert next_open(Window(), open_then, find_zone(PARIS)) is open_then

    moved = next_open(
        Window.model_validate({"from": "04:30"}),
        due(LORD_HOWE, "2026-10-04T01:00+10:30"),
        find_zone(LORD_HOWE),
    )
    assert moved == Due(
        datetime.fromisoformat("2026-10-04T04:30+11:00").astimezone(UTC),
        datetime(2026, 10, 4, 4, 30),  # noqa: DTZ001
        LORD_HOWE,
        zone_data_version(),
    )


@pytest.mark.parametrize("at", ["9999-12-31T20:00+00:00", "9999-12-30T01:00+00:00"])
def test_a_window_outside_the_calendar_is_an_error(at: str) -> None:
    with pytest.raises(ValueError, match="leaves the years"):
        next_open(Window(days=[Weekday.WEDNESDAY], holidays=None), due("UTC", at), find_zone("UTC"))


@pytest.mark.parametrize(
    ("window", "cure"),
    [
        ({"days": []}, "at least 1 item"),
        ({"days": ["mon", "mon"]}, "name each day once"),
        ({"days": ["monday"]}, "'mon'"),
        ({"from": "19:00", "to": "08:00"}, "swap them"),
        ({"from": "08:00", "to": "08:00"}, "never open"),
        ({"from": "8h"}, "09:00"),
        ({"from": "00:00", "to": "00:00"}, "never open"),
        ({"to": "00:00"}, "never open"),
        ({"holidays": "France"}, '"FR"'),
        ({"holidays": "fr"}, '"FR"'),
        ({"holidays": "NYSE"}, '"FR"'),
        ({"holidays": "registry"}, '"FR"'),
        ({"holidays": ""}, '"FR"'),
        ({"holidays": "FR-99"}, "57"),
        ({"holidays": "FR-"}, "or 'FR'"),
        ({"holidays": "FR-Zone A"}, "one of 57, 6AE, 971"),
        ({"hours": "08:00"}, "Extra inputs"),
    ],
)
def test_a_window_that_says_nothing_or_never_opens_is_refused_with_its_cure(
    window: dict[str, Any], cure: str
) -> None:
    with pytest.raises(ValidationError, match=cure):
        Window.model_validate(window)


def test_a_window_reads_and_writes_as_in_a_rule() -> None:
    written = Window.model_validate(FRENCH).model_dump(mode="json", by_alias=True)

    assert written == FRENCH
    assert Window.model_validate(written) == Window.model_validate(FRENCH)


def test_nobody_pays_for_holidays_who_has_none() -> None:
    """Workflows may not import the library, and it takes a tenth of a second to others."""
    said = "Window.model_validate({'days': ['mon']}).opens_on(date(2026, 1, 1))"
    code = f"import sys; from datetime import date; from domain.windows import Window; {said}; print('holidays' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Properties, over windows and due times of all kinds.

ZONES = [PARIS, NEW_YORK, LORD_HOWE, CAIRO, HAVANA, APIA, AZORES, "America/Scoresbysund", "UTC"]
# Near midnight and near the hours at which clocks change, more than elsewhere.
TIMES = st.one_of(
    st.times(max_value=time(4)), st.times(min_value=time(21)), st.sampled_from([time(8), time(19)])
).map(lambda at: at.replace(microsecond=0))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first, last = sorted((draw(TIMES), draw(TIMES)))
    days = draw(st.lists(st.sampled_from(Weekday), min_size=1, unique=True))
    closes_at = draw(st.sampled_from([None, last])) if last > first else None
    country = draw(st.sampled_from([None, None, "FR", "US", "FR-57"]))
    return Window(days=days, opens_at=first, closes_at=closes_at, holidays=country)


def instants(zone: str) -> st.SearchStrategy[datetime]:
    """Return instants of some fifteen months, half of them within a day of a clock change."""
    start, hour = datetime(2025, 10, 1, tzinfo=UTC), timedelta(hours=1)
    hours = [start + n * hour for n in range(460 * 24)]
    offsets = [at.astimezone(find_zone(zone)).utcoffset() for at in hours]
    changes = [at for at, before, after in zip(hours, offsets, offsets[1:], strict=False) if before != after]
    minutes = st.integers(-26 * 60, 26 * 60).map(lambda n: timedelta(minutes=n))
    near = st.builds(lambda at, by: at + by, st.sampled_from(changes), minutes) if changes else st.nothing()
    anywhere = st.integers(0, 460 * 24 * 60).map(lambda n: start + timedelta(minutes=n))
    return near | anywhere


INSTANTS = {zone: instants(zone) for zone in ZONES}


@given(windows(), st.sampled_from(ZONES), st.data())
def test_a_mail_leaves_as_soon_as_it_may_and_no_sooner(
    window: Window, zone: str, data: st.DataObject
) -> None:
    clocks = find_zone(zone)
    one, other = sorted(data.draw(INSTANTS[zone]) for _ in range(2))
    meant = due_at(one, Offset(), None, clocks)

    moved = next_open(window, meant, clocks)

    assert moved.at >= one  # never earlier
    assert next_open(window, moved, clocks) == moved  # it is open then
    then = next_open(window, due_at(other, Offset(), None, clocks), clocks)
    assert moved.at <= then.at  # the earlier stays so
    shown = moved.at.astimezone(clocks)
    assert window.opens_on(shown.date())
    day_before = (moved.at - timedelta(days=1)).astimezone(clocks)
    if shown.utcoffset() == day_before.utcoffset():  # no clock has changed
        assert window.opens_at <= shown.time()
        assert window.closes_at is None or shown.time() < window.closes_at
    if moved.at > one:  # nothing was open before
        assert shown.time() == window.opens_at or not _plain(moved, clocks)
        between = one + (moved.at - one) * data.draw(st.floats(0, 0.999))
        assert next_open(window, due_at(between, Offset(), None, clocks), clocks) == moved


def _plain(moved: Due, clocks: Any) -> bool:
    return moved.at.astimezone(clocks).replace(tzinfo=None) == moved.local


@given(st.sampled_from(ZONES), st.data())
def test_a_window_that_excludes_nothing_moves_nothing(zone: str, data: st.DataObject) -> None:
    meant = due_at(data.draw(INSTANTS[zone]), Offset(), None, find_zone(zone))

    assert next_open(Window(), meant, find_zone(zone)) is meant


@pytest.mark.parametrize("country", ["SE", "NO"])
def test_sundays_are_no_holidays_merely_for_being_sundays(country: str) -> None:
    assert Window(days=[Weekday.SUNDAY], holidays=country).opens_on(date(2026, 7, 12))
