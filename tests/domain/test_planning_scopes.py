"""Whom does a rule concern: which scope, which role, under which conditions, how late?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.anchors import Dated
from domain.identity import send_id
from domain.participations import Participation, Role
from domain.planning import (
    Change,
    ExistingSend,
    ModuleFacts,
    RuleFacts,
    SessionFacts,
    SlotFacts,
    Snapshot,
    plan,
)
from domain.rules import Audience, RuleDefinition, Scope
from domain.sends import Reason, Status

NOW = datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = NOW + 30 * DAY
_NAMES = UUID("a3a6c1de-3f3a-4d1b-8a52-0d6a4f1b9a10")


def named(name: str) -> UUID:
    return uuid5(_NAMES, name)


def rule(
    name: str = "rule", *, anchor: str = "session.start", offset: str = "-P1D", **says: Any
) -> RuleFacts:
    trigger = {"type": "date", "anchor": anchor, "offset": offset}
    return RuleFacts(named(name), 1, RuleDefinition.model_validate({"trigger": trigger, **says}))


def slot(name: str, day: int, module: str | None = None) -> SlotFacts:
    starts_at = START + day * DAY
    return SlotFacts(named(name), Dated(starts_at, starts_at + HOUR), named(module) if module else None)


def module(name: str, *, mode: str | None = None, category: str | None = None, **dates: Any) -> ModuleFacts:
    return ModuleFacts(named(name), Dated(**dates), mode, category)


def session(**fields: Any) -> SessionFacts:
    return SessionFacts(named("session"), "UTC", Dated(START, START + 10 * DAY), **fields)


def somebody(
    name: str, *slots: str, role: Role = Role.PARTICIPANT, everything: bool = True, removed: bool = False
) -> Participation:
    only = frozenset(map(named, slots)) if slots or not everything else None
    return Participation(named(f"{role} {name}"), role, named(name), only, removed)


ADA, BOB = somebody("ada"), somebody("bob", "monday")
EVE = somebody("eve", role=Role.TRAINER)
ACME = somebody("acme", role=Role.COMPANY)
WEEK = {"slots": (slot("monday", 0, "theory"), slot("tuesday", 1, "theory"), slot("friday", 4, "practice"))}
MODULES = (module("theory", category="law"), module("practice", category="safety", mode="remote"))


def changes(
    about: SessionFacts,
    *rules: RuleFacts,
    people: Sequence[Participation],
    sends: Sequence[ExistingSend] = (),
) -> list[Change]:
    return plan(Snapshot(NOW, about, rules, people, sends))


def planned(
    about: SessionFacts, *rules: RuleFacts, people: Sequence[Participation]
) -> dict[tuple[str, str], datetime]:
    """Return the due times of new sends by the names of place and recipient."""
    names = {
        named(name): name
        for name in (
            "session",
            "monday",
            "tuesday",
            "friday",
            "theory",
            "practice",
            "ada",
            "bob",
            "eve",
            "acme",
        )
    }
    found = {}
    for change in changes(about, *rules, people=people):
        assert change.wanted
        found[names[change.wanted.place.id], names[change.wanted.participation.recipient]] = (
            change.wanted.timing.due.at
        )
    return found


def scheduled(change: Change) -> ExistingSend:
    assert change.wanted
    wanted = change.wanted
    timing = wanted.timing
    return ExistingSend(
        change.id, wanted.rule.id, wanted.place.id, wanted.participation.id, Status.SCHEDULED, 1,
        timing.due.at, timing.latest_at, occurrence=wanted.occurrence, covers=wanted.covers, template=wanted.template,
        anchor_at=timing.anchor_at,
        anchor=wanted.anchor,
    )  # fmt: skip


def test_a_slot_rule_writes_one_mail_a_slot_to_its_own_people() -> None:  # F049
    of_slots = rule(scope="slot", anchor="slot.start", offset="-PT2H")

    found = planned(session(modules=MODULES, **WEEK), of_slots, people=[ADA, BOB])

    assert found == {
        ("monday", "ada"): START - 2 * HOUR,
        ("monday", "bob"): START - 2 * HOUR,
        ("tuesday", "ada"): START + DAY - 2 * HOUR,
        ("friday", "ada"): START + 4 * DAY - 2 * HOUR,
    }


def test_a_module_rule_writes_one_mail_a_module_to_whoever_comes_to_a_slot_of_it() -> None:  # F049
    of_modules = rule(scope="module", anchor="module.end", offset="P0D")

    found = planned(session(modules=MODULES, **WEEK), of_modules, people=[ADA, BOB])

    assert found == {  # a module without dates of its own lasts as long as its slots
        ("theory", "ada"): START + DAY + HOUR,
        ("theory", "bob"): START + DAY + HOUR,
        ("practice", "ada"): START + 4 * DAY + HOUR,
    }


def test_a_module_without_slots_is_everybodys_and_needs_dates_of_its_own() -> None:
    dated, undated = module("theory", starts_at=START), module("practice")

    found = planned(
        session(modules=[dated, undated]), rule(scope="module", anchor="module.start"), people=[ADA, BOB]
    )

    assert found == {("theory", "ada"): START - DAY, ("theory", "bob"): START - DAY}


def test_a_slot_may_count_from_its_module_and_one_without_gets_no_mail() -> None:
    lone = slot("friday", 4)
    about = session(modules=MODULES, slots=[slot("monday", 0, "theory"), lone])

    found = planned(about, rule(scope="slot", anchor="module.start"), people=[ADA])

    assert found == {("monday", "ada"): START - DAY}


@pytest.mark.parametrize(
    ("audience", "name"), [("participants", "ada"), ("trainers", "eve"), ("companies", "acme")]
)
def test_a_rule_writes_to_its_audience_alone(audience: str, name: str) -> None:  # F002, F040
    found = planned(session(), rule(audience=audience), people=[ADA, EVE, ACME])

    assert list(found) == [("session", name)]


def test_a_company_whose_participants_have_left_gets_nothing() -> None:
    gone = replace(ACME, removed=True)

    assert planned(session(), rule(audience="companies"), people=[gone]) == {}


def test_a_person_who_teaches_and_learns_has_two_mails_of_two_rules() -> None:
    teaching = somebody("ada", role=Role.TRAINER)
    both = changes(session(), rule("one"), rule("two", audience="trainers"), people=[ADA, teaching])

    assert len({change.id for change in both}) == 2


@pytest.mark.parametrize(
    ("conditions", "fields", "met"),
    [
        ({}, {}, True),
        ({"stages": ["confirmed"]}, {"stage": "confirmed"}, True),
        ({"stages": ["confirmed", "open"]}, {"stage": "open"}, True),  # F058
        ({"stages": ["confirmed"]}, {"stage": "draft"}, False),
        ({"stages": ["confirmed"]}, {}, False),  # no stage is none of these
        ({"modes": ["remote"]}, {"mode": "on site"}, False),  # F059
        ({"categories": "all"}, {"category": "invented later"}, True),  # F061
        ({"categories": ["law", "safety"]}, {"category": "invented later"}, False),
        ({"stages": ["confirmed"], "modes": ["remote"]}, {"stage": "confirmed", "mode": "on site"}, False),
    ],
)
def test_only_sessions_that_meet_the_conditions_get_mails(
    conditions: dict[str, Any], fields: dict[str, Any], met: bool
) -> None:
    found = planned(session(**fields), rule(conditions=conditions), people=[ADA])

    assert bool(found) is met


@pytest.mark.parametrize("scope", ["module", "slot"])
def test_mode_and_category_of_a_module_or_slot_are_the_modules(scope: str) -> None:  # F062, F063
    about = session(modules=MODULES, mode="on site", category="law", **WEEK)
    remote = rule(scope=scope, anchor="session.start", conditions={"modes": ["remote"]})
    safety = rule(scope=scope, anchor="session.start", conditions={"categories": ["safety"]})

    places = {"module": "practice", "slot": "friday"}
    for one in (remote, safety):
        assert list(planned(about, one, people=[ADA])) == [(places[scope], "ada")]


def test_the_category_of_a_slot_without_a_module_is_the_sessions() -> None:
    about = session(category="law", slots=[slot("monday", 0)])

    found = planned(about, rule(scope="slot", conditions={"categories": ["law"]}), people=[ADA])

    assert list(found) == [("monday", "ada")]


LEAVES: dict[Reason, tuple[SessionFacts, RuleFacts, Participation]] = {
    Reason.CONDITIONS_NOT_MET: (
        session(modules=MODULES, **WEEK), rule(scope="slot", conditions={"stages": ["confirmed"]}), ADA
    ),
    Reason.PLACE_REMOVED: (session(modules=MODULES, slots=WEEK["slots"][1:]), rule(scope="slot"), ADA),
    Reason.NOT_OF_PLACE: (session(modules=MODULES, **WEEK), rule(scope="slot"), somebody("ada", "friday")),
    Reason.PARTICIPANT_REMOVED: (session(modules=MODULES, **WEEK), rule(scope="slot"), replace(ADA, removed=True)),
    Reason.RULE_EDITED: (session(modules=MODULES, **WEEK), rule(scope="session"), ADA),
}  # fmt: skip


@pytest.mark.parametrize("reason", LEAVES)
def test_what_is_no_longer_wanted_says_why(reason: Reason) -> None:  # F074
    before = changes(session(modules=MODULES, slots=WEEK["slots"][:1]), rule(scope="slot"), people=[ADA])
    (waiting,) = map(scheduled, before)
    about, of, who = LEAVES[reason]

    after = changes(about, of, people=[who], sends=[waiting])

    removed = [change for change in after if change.existing]
    assert [(change.id, change.status, change.reason) for change in removed] == [
        (waiting.id, Status.REMOVED, reason)
    ]


def test_a_rule_that_now_writes_to_others_lets_go_of_those_before() -> None:
    before = changes(session(), rule(), people=[ADA, EVE])
    (waiting,) = map(scheduled, before)

    after = changes(session(), rule(audience="trainers"), people=[ADA, EVE], sends=[waiting])

    assert {(change.status, change.reason) for change in after} == {
        (Status.SCHEDULED, None), (Status.REMOVED, Reason.RULE_EDITED)
    }  # fmt: skip


def test_a_person_in_two_roles_keeps_the_mail_in_the_role_the_rule_now_writes_to() -> None:
    """Else whoever takes them out of that role would stop nothing."""
    teaching = somebody("ada", role=Role.TRAINER)
    (waiting,) = map(scheduled, changes(session(), rule(), people=[ADA, teaching]))
    trainers = rule(audience="trainers")

    (kept,) = changes(session(), trainers, people=[ADA, teaching], sends=[waiting])
    assert (kept.id, kept.status, kept.wanted and kept.wanted.participation) == (
        waiting.id, Status.SCHEDULED, teaching
    )  # fmt: skip

    gone = replace(teaching, removed=True)
    (removed,) = changes(session(), trainers, people=[ADA, gone], sends=[scheduled(kept)])
    assert (removed.status, removed.reason) == (Status.REMOVED, Reason.PARTICIPANT_REMOVED)


def test_a_session_that_leaves_the_conditions_and_comes_back_is_planned_again() -> None:  # F074
    confirmed = rule(conditions={"stages": ["confirmed"]})
    (waiting,) = map(scheduled, changes(session(stage="confirmed"), confirmed, people=[ADA]))
    removed = replace(waiting, status=Status.REMOVED, version=2)

    (back,) = changes(session(stage="confirmed"), confirmed, people=[ADA], sends=[removed])

    assert (back.id, back.status) == (waiting.id, Status.SCHEDULED)


@pytest.mark.parametrize(
    ("late", "age", "plans"),
    [
        ("skip", timedelta(minutes=1), False),  # F068, F069
        ({"send_within": "PT2H"}, HOUR, True),  # C3, L11
        ({"send_within": "PT2H"}, 2 * HOUR, False),
        ({"send_within": "P9D"}, 3 * DAY, False),  # too late to leave: a day after its due time
    ],
)
def test_a_mail_past_when_first_planned(late: Any, age: timedelta, plans: bool) -> None:
    ended = SessionFacts(named("session"), "UTC", Dated(NOW - age - HOUR, NOW - age))

    found = changes(ended, rule(anchor="session.end", offset="P0D", late=late), people=[ADA])

    assert bool(found) is plans


def test_a_late_reminder_never_leaves_after_its_anchor() -> None:
    begun = SessionFacts(named("session"), "UTC", Dated(NOW - timedelta(minutes=1), NOW + DAY))

    assert changes(begun, rule(offset="-PT1H", late={"send_within": "P1D"}), people=[ADA]) == []


def test_a_mail_moved_into_the_past_may_still_leave_where_the_rule_says_so() -> None:
    late = rule(anchor="session.end", offset="P0D", late={"send_within": "PT2H"})
    (waiting,) = map(scheduled, changes(session(), late, people=[ADA]))
    ended = SessionFacts(named("session"), "UTC", Dated(NOW - 2 * HOUR, NOW - HOUR))

    (moved,) = changes(ended, late, people=[ADA], sends=[waiting])

    assert (moved.status, moved.wanted and moved.wanted.timing.due.at) == (Status.SCHEDULED, NOW - HOUR)


@pytest.mark.parametrize(
    ("scope", "anchor"), [("session", "module.start"), ("session", "slot.end"), ("module", "slot.start")]
)
def test_an_anchor_that_the_scope_does_not_know_is_refused(scope: str, anchor: str) -> None:
    with pytest.raises(ValidationError, match=r"anchor it to session\.start"):
        rule(scope=scope, anchor=anchor)


@pytest.mark.parametrize("field", ["stages", "modes", "categories"])
def test_a_condition_that_nothing_can_meet_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        rule(conditions={field: []})


_SLOTS = ("monday", "tuesday", "friday")


@st.composite
def _people(draw: st.DrawFn) -> list[Participation]:
    found = []
    for name in ("ada", "bob", "eve", "acme"):
        role = draw(st.sampled_from(list(Role)))
        slots = draw(st.sets(st.sampled_from(_SLOTS)))
        everything = draw(st.booleans())
        only = None if everything else frozenset(map(named, slots))
        found.append(Participation(named(f"{role} {name}"), role, named(name), only, draw(st.booleans())))
    return found


@given(
    people=_people(),
    audience=st.sampled_from(Audience),
    scope=st.sampled_from(Scope),
    present=st.sets(st.sampled_from(_SLOTS)),
)
def test_a_mail_is_planned_for_each_place_and_each_of_its_people_and_for_nobody_else(
    people: list[Participation], audience: Audience, scope: Scope, present: set[str]
) -> None:
    """Against a second, plainer reading of DESIGN 6."""
    slots = [one for one in WEEK["slots"] if one.id in set(map(named, present))]
    about = session(modules=MODULES, slots=slots)
    of = rule(audience=audience, scope=scope)
    slots_of = {
        Scope.SESSION: {named("session"): set[UUID]()},
        Scope.MODULE: {one.id: {s.id for s in slots if s.module == one.id} for one in MODULES},
        Scope.SLOT: {one.id: {one.id} for one in slots},
    }[scope]
    expected = {
        send_id(of.id, place, one.recipient)
        for place, its_slots in slots_of.items()
        for one in people
        if one.role.value == audience.value.removesuffix("s").replace("companie", "company")
        and not one.removed
        and (not its_slots or one.slots is None or one.slots & its_slots)
    }

    found = changes(about, of, people=people)

    assert {change.id for change in found} == expected
    assert changes(about, of, people=people, sends=[scheduled(change) for change in found]) == []
