from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from words.dates import day_in_words, distance_in_words, place_in_words, time_in_words

PARIS = ZoneInfo("Europe/Paris")
ENGLISH, FRENCH = Locale("en", "GB"), Locale("fr", "FR")
NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)  # 12:00 in Paris


def test_an_instant_is_told_on_the_calendar_and_clock_of_its_zone() -> None:
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)

    assert day_in_words(late, PARIS, ENGLISH) == "Sat, 28 Nov 2026"
    assert day_in_words(late, PARIS, FRENCH) == "sam. 28 nov. 2026"
    assert time_in_words(late, PARIS, ENGLISH) == "00:30"


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("Europe/Paris", "Paris"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_told_by_its_city(zone: str, place: str) -> None:
    assert place_in_words(ZoneInfo(zone), ENGLISH) == place


@pytest.mark.parametrize(
    ("away", "english", "french"),
    [
        (timedelta(seconds=42), "in 42 seconds", "dans 42 secondes"),
        (timedelta(minutes=-3), "3 minutes ago", "il y a 3 minutes"),
        (timedelta(minutes=90), "in 90 minutes", "dans 90 minutes"),
        (timedelta(hours=23), "in 23 hours", "dans 23 heures"),
        (timedelta(hours=35), "in 1 day", "dans 1 jour"),  # 23:00 tomorrow
        (timedelta(days=6, hours=13), "in 7 days", "dans 7 jours"),  # 01:00 on the seventh morning
        (timedelta(days=7), "in 7 days", "dans 7 jours"),  # never "1 week", which could be 10 days
        (timedelta(days=-59), "59 days ago", "il y a 59 jours"),
        (timedelta(days=180), "in 6 months", "dans 6 mois"),
    ],
)
def test_a_distance_is_told_in_the_unit_people_count_in(away: timedelta, english: str, french: str) -> None:
    assert distance_in_words(NOON + away, NOON, PARIS, ENGLISH) == english
    assert distance_in_words(NOON + away, NOON, PARIS, FRENCH) == french


def test_a_day_of_25_hours_never_makes_it_0_days() -> None:
    midnight = datetime(2026, 10, 25, 0, 0, tzinfo=PARIS)
    last_hour = midnight.astimezone(UTC) + timedelta(hours=24, minutes=30)  # 23:30 on the same day

    assert distance_in_words(last_hour, midnight, PARIS, ENGLISH) == "in 24 hours"
