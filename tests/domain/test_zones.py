"""Which zones are there, and whose clock data do we believe?"""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest
import tzdata  # type: ignore[import-untyped]
from pydantic import TypeAdapter, ValidationError

from domain.zones import ZoneName, find_zone, zone_data_version, zone_names

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)


def forget_zones() -> None:
    find_zone.cache_clear()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.fixture
def lying_system(tmp_path: Path) -> Iterator[None]:
    """A system whose file for Paris holds the clock of Tokyo."""
    (tmp_path / "Europe").mkdir()
    tokyo = files(tzdata).joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    (tmp_path / "Europe" / "Paris").write_bytes(tokyo)
    zoneinfo.reset_tzpath(to=[tmp_path])
    forget_zones()
    yield
    zoneinfo.reset_tzpath()
    forget_zones()


@pytest.mark.usefixtures("lying_system")
def test_the_zone_files_of_the_system_are_not_read() -> None:
    assert SUMMER.astimezone(zoneinfo.ZoneInfo("Europe/Paris")).hour == 21  # the lie: 12 + 9
    assert SUMMER.astimezone(find_zone("Europe/Paris")).hour == 14  # 12 + 2


def test_every_zone_of_the_package_can_be_read_and_knows_its_name() -> None:
    assert len(zone_names()) > 500
    for name in zone_names():
        zone = find_zone(name)
        assert zone.key == name
        assert zone.utcoffset(SUMMER.replace(tzinfo=zone)) is not None


def test_the_same_name_gives_the_same_zone() -> None:
    assert find_zone("Europe/Paris") is find_zone("Europe/Paris")


def test_an_old_spelling_is_still_a_zone() -> None:
    assert SUMMER.astimezone(find_zone("Asia/Katmandu")).utcoffset() == timedelta(hours=5, minutes=45)


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd",
        "/etc/localtime",
        "Europe/../Europe/Paris",
        "Europe",  # a folder
        "tzdata.zi",  # a file that is there and is no zone
        "__init__.py",
        "Europe/Paris\0",
        "Europe/Paris ",
        "EUROPE/PARIS",
        "",
        ".",
        "Factory",  # not set yet
        "+02:00",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_zone_is_refused_briefly(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone") as refused:
        find_zone(name)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("europe/paris", "Europe/Paris"),
        ("Europe/Pariss", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("New York", "America/New_York"),
        ("Australia/LordHowe", "Australia/Lord_Howe"),
        ("utc", "UTC"),
    ],
)
def test_a_near_miss_is_told_the_name_it_missed(wrong: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        find_zone(wrong)


@pytest.mark.parametrize("wrong", ["GMT+2", "UTC+2", "CEST", "nowhere"])
def test_what_resembles_no_place_is_told_what_a_name_looks_like(wrong: str) -> None:
    # Least of all "Etc/GMT+2" for "GMT+2": it is two hours behind UTC, not ahead.
    with pytest.raises(ValueError, match="give an IANA name such as 'Europe/Paris'"):
        find_zone(wrong)


def test_the_version_is_that_of_the_installed_package() -> None:
    release = zone_data_version()  # "2026f" for the package 2026.6
    assert f"{release[:4]}.{'_abcdefghijklmnopqrstuvwxyz'.index(release[4])}" == version("tzdata")


def test_a_field_holds_the_name_of_a_zone_that_exists() -> None:
    field = TypeAdapter(ZoneName)
    assert field.validate_python("Europe/Paris") == "Europe/Paris"
    assert field.json_schema() == {"type": "string", "examples": ["Europe/Paris"]}
    with pytest.raises(ValidationError, match="did you mean 'Europe/Paris'"):
        field.validate_python("Paris")
