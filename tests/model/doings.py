"""What people do, drawn by hypothesis from the world as it is."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model import changes
from tests.model.focuses import Focus
from tests.model.house import PEOPLE
from tests.model.strategies import (
    DAY,
    IN_DAYS,
    RULES,
    SESSIONS,
    ZONES,
    mostly,
    people,
    rules,
    said,
    sessions,
    triggers,
)
from tests.model.world import RESENT, World


@st.composite
def any_change(draw: st.DrawFn, world: World, focus: Focus) -> changes.Change:
    """Something that somebody may say of the world as it is."""
    here = [key for key, session in world.sessions.items() if not session.deleted]
    known = [rule.key for rule in world.rules.values() if not rule.deleted and rule.session is None]
    kinds = ["session", "rule"]
    kinds += ["session", "session", "part", "part", "part", "part", "delete session"] if here else []
    kinds += ["rule", "rule", "switch", "switch", "delete rule", "contact again"] if known else []
    kinds += (
        ["override", "override", "override", "own rule", "own rule"]
        if here and known and focus.overrides
        else []
    )
    kinds += ["person"] if focus.windows else []
    return draw(_CHANGES[draw(st.sampled_from(kinds))](world, focus, here, known))


@st.composite
def independent_changes(draw: st.DrawFn, world: World, focus: Focus) -> list[changes.Change]:
    """Some changes, none of which says anything of what another is about."""
    found: list[changes.Change] = []
    for change in draw(st.lists(any_change(world, focus), min_size=2, max_size=3)):
        if all(_independent(change, other) and _independent(other, change) for other in found):
            found.append(change)
    return found


def _independent(one: changes.Change, other: changes.Change) -> bool:
    """Whether the second can be said before and after the first."""
    gone = isinstance(one, changes.DeleteSession) and getattr(other, "session", None) == one.key
    return one.about != other.about and not gone


@st.composite
def _session(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    key = draw(st.sampled_from([SESSIONS[0], *SESSIONS]))
    if key in world.sessions and draw(st.integers(0, 2)):
        by = draw(st.sampled_from([-20, -7, -3, -1, 1, 3, 7, 20])) * DAY
        return changes.PutSession(key, _moved(world.sessions[key].said, by))
    return changes.PutSession(key, draw(sessions(focus)))


def _moved(said: Any, by: timedelta) -> Any:
    """Return what is said, with all dates so much later."""
    if isinstance(said, dict):
        return {key: _moved(value, by) for key, value in said.items()}
    return said + by if isinstance(said, datetime) else said


@st.composite
def _delete_session(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    return changes.DeleteSession(draw(st.sampled_from(here)))


@st.composite
def _part(draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]) -> changes.Change:
    session = draw(st.sampled_from(here))
    role, who = draw(st.sampled_from(people(focus)))
    part = world.parts.get((session, role, who))
    if part is not None and part.present and draw(st.integers(0, 3)) == 0:
        return changes.Leave(session, role, who)
    return changes.Enrol(session, role, who, draw(said(world, focus, session, role)))


@st.composite
def _person(draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]) -> changes.Change:
    return changes.PutPerson(draw(st.sampled_from(PEOPLE)), draw(st.sampled_from([None, *ZONES])))


@st.composite
def _rule(draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]) -> changes.Change:
    template = draw(st.sampled_from(sorted(RESENT)))
    apply = draw(st.booleans()) if focus.editions else False
    key = draw(st.sampled_from(RULES))
    stands = world.find_rule(key)
    if stands is not None and draw(st.booleans()):
        says = {**stands.says, "trigger": draw(triggers(stands.says["trigger"]["anchor"]))}
        return changes.PutRule(key, says, stands.template, apply)
    return changes.PutRule(key, draw(rules(focus)), template, apply)


@st.composite
def _switch(draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]) -> changes.Change:
    return changes.SwitchRule(draw(st.sampled_from(known)), draw(mostly(True, st.booleans())))


@st.composite
def _delete_rule(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    return changes.DeleteRule(draw(st.sampled_from(known)))


@st.composite
def _contact_again(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    return changes.ContactAgain(draw(st.sampled_from(known)))


@st.composite
def _override(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    said = st.fixed_dictionaries(
        {
            "active": st.sampled_from([None, True, False]),
            "offset": st.sampled_from([None, *IN_DAYS]),
            "at": st.sampled_from([None, "10:00"]),
            "template": st.sampled_from([None, *RESENT]),
        }
    )
    session, key = draw(st.sampled_from(here)), draw(st.sampled_from(known))
    return changes.Override(session, key, draw(st.one_of(st.none(), said)))


@st.composite
def _own_rule(
    draw: st.DrawFn, world: World, focus: Focus, here: list[str], known: list[str]
) -> changes.Change:
    session = draw(st.sampled_from(here))
    if world.find_rule("own", session) is not None and draw(st.integers(0, 2)) == 0:
        return changes.DeleteOwnRule(session, "own")
    template, active = draw(st.sampled_from(sorted(RESENT))), draw(mostly(True, st.booleans()))
    return changes.PutOwnRule(session, "own", draw(rules(focus)), template, active)


_CHANGES = {
    "session": _session,
    "delete session": _delete_session,
    "part": _part,
    "person": _person,
    "rule": _rule,
    "switch": _switch,
    "delete rule": _delete_rule,
    "contact again": _contact_again,
    "override": _override,
    "own rule": _own_rule,
}
