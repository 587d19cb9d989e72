"""Time zones, read from the `tzdata` package and never from the system's files, so that every worker agrees."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Annotated
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # two constants and data files
from pydantic import AfterValidator, Field


@cache
def zone_names() -> frozenset[str]:
    """Return every IANA name we know, old spellings included."""
    names = files(tzdata).joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}  # what a machine says before anybody has set its zone


@cache  # bounded by `zone_names`: an unknown name raises and is not kept
def find_zone(name: str) -> ZoneInfo:
    """Return the zone called `name`, exactly as the IANA spells it: "Europe/Paris".

    The same name gives the same object. It cannot be pickled, since it was read
    from a file of our choice: let the name travel.

    Raises ValueError, with a near name if there is one.
    """
    if name not in zone_names():  # also what keeps "../../etc/passwd" away from the file system
        raise ValueError(f"{name[:64]!r} is not a time zone: {_advice(name)}")
    with files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def zone_data_version() -> str:
    """Return the release of the IANA database in use: "2026f"."""
    version: str = tzdata.IANA_VERSION
    return version


def _advice(name: str) -> str:
    near = get_close_matches(name[:64].lower().replace(" ", "_"), _spellings(), n=1, cutoff=0.8)
    if near:
        return f"did you mean {_spellings()[near[0]]!r}?"
    return "give an IANA name such as 'Europe/Paris'"


@cache
def _spellings() -> dict[str, str]:
    """Return what people write, in lower case, with the name they mean: "paris", "europe/paris".

    Etc/GMT+2 is two hours *behind* UTC, so it is nothing to suggest to somebody who wrote "GMT+2".
    """
    places = sorted(name for name in zone_names() if "/" in name and not name.startswith("Etc/"))
    cities = {place.rpartition("/")[2].lower(): place for place in places}
    return cities | {place.lower(): place for place in places} | {"utc": "UTC"}


def _known(name: str) -> str:
    find_zone(name)
    return name


ZoneName = Annotated[str, AfterValidator(_known), Field(examples=["Europe/Paris"])]
"""A field that holds the name of a zone that exists."""
