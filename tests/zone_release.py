"""A later release of the zone database, in which Paris keeps winter time all year round."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from unittest.mock import patch

import tzdata  # type: ignore[import-untyped]

from domain import zones

LATER = "2099a"


@contextmanager
def paris_without_summer_time() -> Iterator[None]:
    """Read zones from that release while the block runs."""
    zones.zone_names()
    with patch.object(zones, "files", lambda _: _Later()), patch.object(tzdata, "IANA_VERSION", LATER):
        zones.find_zone.cache_clear()
        yield
    zones.find_zone.cache_clear()


class _Later:
    def joinpath(self, *path: str) -> Traversable:
        if path == ("zoneinfo", "Europe", "Paris"):
            path = ("zoneinfo", "Africa", "Algiers")  # an hour ahead, always
        return files(tzdata).joinpath(*path)
