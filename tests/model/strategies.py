"""What sessions, rules and parts may be, drawn by hypothesis: few names and few dates, so that things meet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model.clocks import OFFSETS
from tests.model.focuses import Focus
from tests.model.house import COMPANIES, PEOPLE
from tests.model.world import BEGIN, OWN_ANCHORS, RESENT, World

DAY, HOUR = timedelta(days=1), timedelta(hours=1)

SESSIONS = ("s1", "s2")
RULES = ("r1", "r2", "r3")
STAGES, MODES, CATEGORIES, CENTERS = (
    ("draft", "firm"),
    ("online", "onsite"),
    ("law", "art"),
    ("north", "south"),
)
ZONES = ("Europe/Paris", "America/New_York", "UTC")

IN_DAYS = ("P0D", "-P1D", "-P3D", "-P7D", "-P1M", "P1D", "P7D", "P1M")


@st.composite
def mostly(draw: st.DrawFn, usual: Any, other: st.SearchStrategy[Any]) -> Any:
    """Say the usual three times out of four."""
    return draw(other) if draw(st.integers(0, 3)) == 3 else usual


@st.composite
def mostly_something(draw: st.DrawFn, strategy: st.SearchStrategy[Any]) -> Any:
    """Leave something out one time out of four."""
    return None if draw(st.integers(0, 3)) == 3 else draw(strategy)


def instants(first: int = -2, last: int = 60) -> st.SearchStrategy[datetime]:
    """Instants around which things happen; the night in which Paris puts its clocks back is among them."""
    hours = st.sampled_from([0.5, 1.5, 7, 8, 12, 22])
    return st.builds(lambda days, hour: _midnight + days * DAY + hour * HOUR, st.integers(first, last), hours)


_midnight = BEGIN.replace(hour=0)

# The dates that several people have of their own.
_SHARED = [BEGIN + 36 * DAY, BEGIN + 40 * DAY]


# What a session is.


@st.composite
def sessions(draw: st.DrawFn, focus: Focus) -> dict[str, Any]:
    starts_at = draw(mostly(BEGIN + 40 * DAY, st.one_of(st.none(), instants())))
    lasts = draw(st.sampled_from([None, 8 * HOUR, 2 * DAY]))
    conditions = focus.conditions
    return {
        "zone": draw(mostly("Europe/Paris", st.sampled_from(ZONES))),
        "starts_at": starts_at,
        "ends_at": starts_at + lasts if starts_at and lasts else None,
        "stage": draw(mostly("firm", st.sampled_from([None, *STAGES]))) if conditions else None,
        "mode": draw(st.sampled_from([None, *MODES])) if conditions else None,
        "category": draw(st.sampled_from([None, *CATEGORIES])) if conditions else None,
        "center": draw(st.sampled_from([None, *CENTERS])) if conditions else None,
        "modules": draw(_modules(focus)) if focus.places else {},
        "slots": draw(_slots()) if focus.places else {},
    }


@st.composite
def _modules(draw: st.DrawFn, focus: Focus) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"m1": {"starts_at": None, "ends_at": None}}
    if draw(st.booleans()):
        starts_at = draw(instants())
        found["m2"] = {"starts_at": starts_at, "ends_at": draw(st.sampled_from([None, starts_at + DAY]))}
    for module in found.values():
        module["mode"] = draw(st.sampled_from([None, *MODES])) if focus.conditions else None
        module["category"] = draw(st.sampled_from([None, *CATEGORIES])) if focus.conditions else None
    return found


@st.composite
def _slots(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    found = {}
    for key in draw(st.sampled_from([("a", "b"), ("a", "b", "c"), ("a",), ()])):
        starts_at = draw(instants())
        found[key] = {
            "module": draw(st.sampled_from([None, "m1", "m1"])),
            "starts_at": starts_at,
            "ends_at": starts_at + HOUR,
            "synchronous": draw(mostly(True, st.booleans())),
        }
    return found


# What a rule says.


@st.composite
def rules(draw: st.DrawFn, focus: Focus) -> dict[str, Any]:
    scope = draw(st.sampled_from(focus.scopes))
    audience = draw(st.sampled_from(focus.audiences))
    anchor = draw(st.sampled_from(_anchors(focus, scope, audience)))
    return {
        "audience": audience,
        "scope": scope,
        "trigger": draw(triggers(anchor)),
        "conditions": draw(_conditions()) if focus.conditions else _ANY,
        "centers": draw(mostly("all", _some(CENTERS))) if focus.conditions else "all",
        "existing_sessions": draw(mostly(True, st.just(False))) if focus.editions else True,
        "allow_resend": draw(mostly(None, st.booleans())),
        "late": draw(mostly(None, st.sampled_from([DAY, 3 * DAY]))),
        "catch_up": draw(st.booleans()) if focus.facts else False,
        "deliver_within": draw(mostly(None, st.sampled_from([HOUR, 2 * DAY]))),
        "zone": draw(st.sampled_from(["session", "recipient"])) if focus.windows else "session",
        "window": draw(st.one_of(st.none(), _windows())) if focus.windows else None,
        "repeat": draw(_repeats()) if focus.series else None,
        "correction": draw(_corrections(anchor)) if focus.corrections else None,
    }


_ANY = {"stages": "all", "modes": "all", "categories": "all"}


def _anchors(focus: Focus, scope: str, audience: str) -> list[str]:
    slots = ("first_synchronous_slot.start", "last_synchronous_slot.end")
    known = [anchor for anchor in focus.anchors if anchor not in OWN_ANCHORS or scope == "session"]
    if audience == "trainers":
        known = [anchor for anchor in known if anchor not in OWN_ANCHORS or anchor in slots]
    if scope != "slot":
        known = [anchor for anchor in known if not anchor.startswith("slot")]
    if scope == "session":
        known = [anchor for anchor in known if not anchor.startswith("module")]
    return known


@st.composite
def triggers(draw: st.DrawFn, anchor: str) -> dict[str, Any]:
    if anchor == "date":
        at = draw(instants())
        if draw(st.booleans()):
            return {"anchor": anchor, "offset": "P0D", "at": None, "date": at}
        return {"anchor": anchor, "offset": "P0D", "at": "09:00", "date": at.date()}
    offset = draw(st.sampled_from(sorted(OFFSETS)))
    clock = draw(st.sampled_from([None, "09:00", "02:30"])) if offset in IN_DAYS else None
    return {"anchor": anchor, "offset": offset, "at": clock, "date": None}


def _some(names: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True)


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "stages": mostly("all", _some(STAGES)),
            "modes": mostly("all", _some(MODES)),
            "categories": mostly("all", _some(CATEGORIES)),
        }
    )


def _windows() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "days": st.sampled_from([["mon", "tue", "wed", "thu", "fri"], ["sat", "sun"], ["wed"]]),
            "from": st.sampled_from(["00:00", "08:00", "10:30"]),
            "to": st.sampled_from([None, "12:00", "19:00"]),
            "holidays": st.sampled_from([None, "FR"]),
        }
    )


@st.composite
def _repeats(draw: st.DrawFn) -> dict[str, Any] | None:
    if draw(st.integers(0, 5)) == 0:
        return None
    then = st.fixed_dictionaries({"to": st.just("manager"), "template": st.sampled_from([None, *RESENT])})
    return {
        "every": draw(st.sampled_from(["P7D", "P1D", "P1M", "PT36H"])),
        "until": draw(st.sampled_from([None, "completed"])),
        "at_most": draw(st.integers(1, 3)),
        "then": draw(st.one_of(st.none(), then)),
    }


def _corrections(anchor: str) -> st.SearchStrategy[str | None]:
    moves = anchor not in ("date", "enrolled", "started", "completed")
    return mostly("again", st.sampled_from([None, "once"])) if moves else st.none()


# What somebody's part is.


def people(focus: Focus) -> list[tuple[str, str]]:
    people = [("participant", who) for who in PEOPLE]
    return people + ([("trainer", "tom")] if "trainers" in focus.audiences else [])


@st.composite
def said(
    draw: st.DrawFn, world: World, focus: Focus, session: str, role: str, *, first: bool = False
) -> dict[str, Any]:
    """What is said of somebody's part; `first`: when the story begins, where many have much in common."""
    found: dict[str, Any] = {}
    slots = sorted(world.sessions[session].said["slots"])
    comes_to_some: bool = draw(st.booleans())
    if focus.places and slots and comes_to_some:
        found["slots"] = draw(mostly_something(_some(slots).map(frozenset)))
    if role == "trainer":
        return found
    asked: bool = first or draw(st.booleans())
    if focus.companies and asked:
        found["company"] = draw(mostly("acme", st.sampled_from([*COMPANIES, None])))
    if focus.facts:
        found |= draw(_own_dates(first=first))
        found |= draw(_facts(world.now))
    if draw(st.integers(0, 3)) == 0:
        found["attendance"] = draw(st.sampled_from([None, "throughout", "partly", "never"]))
        found["status"] = draw(st.sampled_from([None, "validated"]))
    return found


@st.composite
def _own_dates(draw: st.DrawFn, *, first: bool) -> dict[str, Any]:
    names = st.lists(st.sampled_from(["starts_at", "deadline_at", "ends_at"]), max_size=3, unique=True)
    found: dict[str, Any] = dict.fromkeys(("starts_at", "deadline_at"), _SHARED[0]) if first else {}
    for name in draw(names):
        found[name] = draw(mostly_something(st.one_of(st.sampled_from(_SHARED), instants())))
    return found


@st.composite
def _facts(draw: st.DrawFn, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("enrolled_at", "started_at", "completed_at"):
        if draw(st.integers(0, 3)) == 0:
            ago = draw(mostly_something(st.sampled_from([timedelta(0), HOUR, DAY, 2 * DAY])))
            found[name] = None if ago is None else now - ago
    return found
