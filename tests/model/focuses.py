"""What each of the tests is about: the rest is seldom said, so that its examples are rich in this."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.world import OWN_ANCHORS


@dataclass(frozen=True)
class Focus:
    """What one of the tests is about."""

    name: str
    audiences: Sequence[str] = ("participants",)
    scopes: Sequence[str] = ("session",)
    anchors: Sequence[str] = ("session.start", "session.end", "date")
    places: bool = False
    facts: bool = False
    companies: bool = False
    windows: bool = False
    overrides: bool = False
    editions: bool = False
    conditions: bool = False
    series: bool = False
    corrections: bool = False


PLACES = ("session.start", "session.end", "module.start", "module.end", "slot.start", "slot.end", "date")
OWN = tuple(sorted(OWN_ANCHORS))
SLOTS = ("first_synchronous_slot.start", "last_synchronous_slot.end")
EVERYBODY = ("participants", "trainers", "companies")
FOCUSES = [
    Focus("sessions", windows=True, conditions=True),
    Focus("places", EVERYBODY, ("session", "module", "slot"), PLACES, places=True, companies=True),
    Focus("conditions", scopes=("session", "module", "slot"), anchors=PLACES, places=True, conditions=True),
    Focus("rules", overrides=True, editions=True),
    Focus(
        "people",
        ("participants", "trainers"),
        anchors=(*OWN, "session.start"),
        places=True,
        facts=True,
        windows=True,
    ),
    Focus(
        "companies", ("companies",), anchors=(*OWN, "session.start"), facts=True, companies=True, places=True
    ),
    Focus(
        "series",
        ("participants", "trainers"),
        anchors=("session.end", "participation.start", "date", *SLOTS),
        facts=True,
        places=True,
        series=True,
    ),
    Focus(
        "company-series", ("companies",), anchors=OWN, facts=True, companies=True, series=True, windows=True
    ),
    Focus(
        "corrections",
        EVERYBODY,
        anchors=("session.start", "participation.start", *SLOTS),
        facts=True,
        places=True,
        companies=True,
        corrections=True,
    ),
]
