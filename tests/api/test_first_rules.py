"""What the first rules do, from the API to the mail: whom, about what, under which conditions, and how late."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from store.organizations import MAIN, fetch_organization
from tests.house import LivedInHouse
from web.asked import Asked
from web.stored_sends import StoredSends

DAY = timedelta(days=1)
WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D"}


def slot(key: str, starts_at: datetime, module: str | None = None) -> dict[str, Any]:
    ends_at = starts_at + timedelta(hours=2)
    return {
        "id": key,
        "name": key,
        "module": module,
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
    }


async def soon(house: LivedInHouse, days: int = 30) -> datetime:
    return (await house.now()).replace(microsecond=0) + days * DAY


async def part(house: LivedInHouse, path: str, **body: Any) -> None:
    """Say what somebody does in the session, and wait until it is planned."""
    await house.call("PUT", f"/v1/sessions/s/{path}", body)
    await house.planned()


async def leave(house: LivedInHouse, path: str) -> None:
    await house.call("DELETE", f"/v1/sessions/s/{path}")
    await house.planned()


async def told(house: LivedInHouse, *fields: str, **filters: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(send[field] for field in fields) for send in await house.sends(**filters))


def addressed(house: LivedInHouse) -> list[str]:
    return sorted(address for mail in house.accepted() for address in mail["recipients"])


async def test_a_slot_rule_sends_one_mail_for_each_slot_to_its_people_only(house: LivedInHouse) -> None:
    """F049, F074: and a slot that moves moves its mails alone."""
    await house.people("ada", "bob", "cyd")
    first, second = await soon(house, 10), await soon(house, 12)
    slots = [slot("s1", first), slot("s2", second)]
    await house.session("s", first, slots=slots)
    await part(house, "participants/ada", slots=["s1"])
    await part(house, "participants/bob", slots=["s2"])
    await part(house, "participants/cyd")
    await house.rule("r", {"anchor": "slot.start", "offset": "-P1D"}, scope="slot")

    assert await told(house, "scope", "slot", "recipient") == [
        ("slot", "s1", "ada"),
        ("slot", "s1", "cyd"),
        ("slot", "s2", "bob"),
        ("slot", "s2", "cyd"),
    ]
    assert {send["due_at"] for send in await house.sends()} == {
        (starts_at - DAY).strftime("%Y-%m-%dT%H:%M:%SZ") for starts_at in (first, second)
    }

    third = await soon(house, 14)
    await house.session("s", first, slots=[slot("s1", first), slot("s2", third)])
    await house.advance(9 * DAY)
    await house.mails(2)
    assert addressed(house) == ["ada@example.org", "cyd@example.org"]

    await house.advance(4 * DAY)
    await house.mails(4)
    assert addressed(house) == ["ada@example.org", "bob@example.org", "cyd@example.org", "cyd@example.org"]


async def test_who_comes_to_another_slot_gets_its_mail_instead(house: LivedInHouse) -> None:
    """F023, F049"""
    await house.people("ada")
    starts_at = await soon(house)
    await house.session("s", starts_at, slots=[slot("s1", starts_at), slot("s2", starts_at + DAY)])
    await part(house, "participants/ada", slots=["s1"])
    await house.rule("r", {"anchor": "slot.start", "offset": "-P1D"}, scope="slot")

    await part(house, "participants/ada", slots=["s2"])
    assert await told(house, "slot", "status", "reason") == [
        ("s1", "removed", "not_of_place"),
        ("s2", "scheduled", None),
    ]

    await part(house, "participants/ada", slots=None)
    assert await told(house, "slot", "status") == [("s1", "scheduled"), ("s2", "scheduled")]


async def test_a_slot_or_module_that_vanishes_takes_its_mails_along(house: LivedInHouse) -> None:
    """F074"""
    await house.people("ada")
    starts_at = await soon(house)
    places = {"modules": [{"id": "m", "name": "M"}], "slots": [slot("s1", starts_at, "m")]}
    await house.session("s", starts_at, "ada", **places)
    for scope in ("module", "slot"):
        await house.rule(scope, {"anchor": f"{scope}.start", "offset": "-P1D"}, scope=scope)
    assert await told(house, "rule", "status") == [("module", "scheduled"), ("slot", "scheduled")]

    await house.session("s", starts_at)
    assert await told(house, "status", "reason") == [("removed", "place_removed")] * 2

    await house.session("s", starts_at, **places)
    assert await told(house, "status") == [("scheduled",)] * 2


async def test_a_trainers_rule_writes_to_the_trainers(house: LivedInHouse) -> None:
    """F011, F022, F023"""
    await house.people("ada", "eve", "max")
    await house.session("s", await soon(house), "ada")
    await part(house, "trainers/eve")
    await house.rule("r", WEEK_BEFORE, audience="trainers")
    assert await told(house, "recipient", "status") == [("eve", "scheduled")]

    await part(house, "trainers/max")
    await leave(house, "trainers/eve")
    assert await told(house, "recipient", "status", "reason") == [
        ("eve", "removed", "participant_removed"),
        ("max", "scheduled", None),
    ]

    await house.advance(23 * DAY)
    await house.mails(1)
    assert addressed(house) == ["max@example.org"]


async def test_a_company_gets_its_mail_while_one_of_its_people_comes(house: LivedInHouse) -> None:
    """F040, F049, F057"""
    await house.people("ada", "bob", "claire")
    await house.call(
        "PUT", "/v1/companies/acme", {"name": "Acme", "email": "office@example.org", "contact": "claire"}
    )
    await house.session("s", await soon(house))
    await house.rule("r", WEEK_BEFORE, audience="companies")
    for person in ("ada", "bob"):
        await part(house, f"participants/{person}", company="acme")
    once = [("acme", "company", "scheduled")]
    assert await told(house, "recipient", "recipient_kind", "status") == once

    await leave(house, "participants/ada")
    assert await told(house, "recipient", "recipient_kind", "status") == once

    await leave(house, "participants/bob")
    assert await told(house, "status", "reason") == [("removed", "participant_removed")]

    await part(house, "participants/ada")
    assert await told(house, "recipient", "recipient_kind", "status") == once

    async with house.store.transaction() as db:
        stored = StoredSends(house.store, await fetch_organization(db, MAIN), None)
    (shown,) = (await stored.list_planned(Asked(), 10)).items
    assert (shown.recipient_name, shown.recipient_address) == ("Acme", "claire@example.org")

    await house.advance(23 * DAY)
    await house.mails(1)
    assert addressed(house) == ["claire@example.org"]


async def test_a_company_follows_its_people_from_slot_to_slot(house: LivedInHouse) -> None:
    await house.people("ada", "bob")
    await house.call("PUT", "/v1/companies/acme", {"name": "Acme", "email": "office@example.org"})
    starts_at = await soon(house)
    await house.session("s", starts_at, slots=[slot("s1", starts_at), slot("s2", starts_at + DAY)])
    await part(house, "participants/ada", company="acme", slots=["s1"])
    await part(house, "participants/bob", company="acme", slots=["s1"])
    await house.rule("r", {"anchor": "slot.start", "offset": "-P1D"}, scope="slot", audience="companies")
    assert await told(house, "slot", "status") == [("s1", "scheduled")]

    await part(house, "participants/bob", slots=["s2"])
    assert await told(house, "slot", "status") == [("s1", "scheduled"), ("s2", "scheduled")]

    await leave(house, "participants/ada")
    assert await told(house, "slot", "status") == [("s1", "removed"), ("s2", "scheduled")]


async def test_a_session_that_leaves_the_conditions_loses_its_mails_and_gets_them_back(
    house: LivedInHouse,
) -> None:
    """F058, F059, F074"""
    await house.people("claire")
    starts_at = await soon(house)
    await house.session("s", starts_at, "claire", stage="planned", mode="on site")
    conditions = {"stages": ["confirmed", "signed"], "modes": ["on site"]}
    await house.rule("r", WEEK_BEFORE, conditions=conditions)
    assert await house.sends() == []

    states = []
    for stage, mode in (
        ("confirmed", "on site"),
        ("cancelled", "on site"),
        ("signed", "on site"),
        ("signed", "remote"),
        ("confirmed", "on site"),
        (None, None),
    ):
        await house.session("s", starts_at, stage=stage, mode=mode)
        send = await house.send()
        states.append((send["status"], send["reason"]))

    there, gone = ("scheduled", None), ("removed", "conditions_not_met")
    assert states == [there, gone, there, gone, there, gone]


async def test_all_categories_are_those_of_later_too_and_a_full_list_is_not(house: LivedInHouse) -> None:
    """F060, F061"""
    await house.people("claire")
    await house.rule("all", WEEK_BEFORE, conditions={"categories": "all"})
    await house.rule("ticked", WEEK_BEFORE, conditions={"categories": ["legal", "safety"]})
    for key in ("legal", "safety"):
        await house.session(key, await soon(house), "claire", category=key)

    await house.session("invented-later", await soon(house), "claire", category="invented later")
    await house.session("none", await soon(house), "claire")

    assert await told(house, "rule", "session") == [
        ("all", "invented-later"),
        ("all", "legal"),
        ("all", "none"),
        ("all", "safety"),
        ("ticked", "legal"),
        ("ticked", "safety"),
    ]


@pytest.mark.parametrize(("condition", "field"), [("categories", "category"), ("modes", "mode")])
async def test_what_is_compared_is_the_sessions_or_each_modules_own(
    house: LivedInHouse, condition: str, field: str
) -> None:
    """F062 category, F063 mode; a slot is compared by its module, or where it has none by its session."""
    await house.people("claire")
    starts_at = await soon(house)
    modules = [{"id": "same", "name": "M", field: "legal"}, {"id": "other", "name": "M", field: "safety"}]
    slots = [
        slot("of-same", starts_at, "same"),
        slot("of-other", starts_at, "other"),
        slot("free", starts_at),
    ]
    await house.session("s", starts_at, "claire", modules=modules, slots=slots, **{field: "legal"})
    for scope in ("session", "module", "slot"):
        await house.rule(scope, WEEK_BEFORE, scope=scope, conditions={condition: ["legal"]})
        await house.rule(f"{scope}-2", WEEK_BEFORE, scope=scope, conditions={condition: ["safety"]})

    found = [
        (send["rule"], send["slot"] or send["module"] or send["session"]) for send in await house.sends()
    ]
    assert sorted(found) == [
        ("module", "same"),
        ("module-2", "other"),
        ("session", "s"),
        ("slot", "free"),
        ("slot", "of-same"),
        ("slot-2", "of-other"),
    ]


async def test_a_mail_that_is_late_when_it_is_planned_leaves_only_where_its_rule_says_so(
    house: LivedInHouse,
) -> None:
    """F069, C3: a rule J-7, a session made 3 days before it starts."""
    await house.people("claire")
    await house.rule("never", WEEK_BEFORE)
    await house.rule("not-so-late", WEEK_BEFORE, late={"send_within": "P3D"})
    await house.rule("late", WEEK_BEFORE, late={"send_within": "P5D"})

    await house.session("s", await soon(house, 3), "claire")

    await house.mails(1)
    assert await told(house, "rule", "status") == [("late", "sent")]


async def test_a_rule_that_writes_to_others_lets_go_what_waited(house: LivedInHouse) -> None:
    await house.people("ada", "eve")
    await house.session("s", await soon(house), "ada")
    await part(house, "trainers/eve")
    await house.rule("r", WEEK_BEFORE)
    await house.call("PUT", "/v1/templates/t", {"subject": "Hi", "html": "<p>Hi</p>", "audience": "trainers"})

    trigger = {"type": "date", **WEEK_BEFORE}
    body = {"name": "R", "template": "t", "audience": "trainers", "trigger": trigger}
    await house.call("PUT", "/v1/rules/r", body)
    await house.planned()

    assert await told(house, "recipient", "status", "reason") == [
        ("ada", "removed", "rule_edited"),
        ("eve", "scheduled", None),
    ]


async def test_an_edited_rule_asks_the_conditions_of_today(house: LivedInHouse) -> None:
    """F064: conditions given to a rule take away, and what they no longer ask for comes back."""
    await house.people("claire")
    await house.session("s", await soon(house), "claire", stage="planned")
    await house.rule("r", WEEK_BEFORE)
    body = {"name": "R", "template": "r", "trigger": {"type": "date", **WEEK_BEFORE}}

    await house.call("PUT", "/v1/rules/r", {**body, "conditions": {"stages": ["confirmed"]}})
    await house.planned()
    assert await told(house, "status", "reason") == [("removed", "conditions_not_met")]

    await house.call("PUT", "/v1/rules/r", body)
    await house.planned()
    assert await told(house, "status", "reason") == [("scheduled", None)]
