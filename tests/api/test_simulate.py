"""Simulations of rules: over the real data, by the planner itself, holding nothing and changing nothing."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

import simulator
from store import foresight
from tests.api.door import Door
from tests.api.outlooks import World, agrees, happened, open_world
from tests.api.story import Story

PEOPLE = ("ada", "bob", "eve")
SESSIONS = {  # on a house of 1 March 2027
    "S-1": "2027-04-12T09:00:00+02:00",
    "S-2": "2027-04-13T09:00:00+02:00",
    "soon": "2027-03-04T09:00:00+01:00",
    "undated": None,
}

J7 = {
    "name": "A week ahead",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
}
J1 = {**J7, "trigger": {**J7["trigger"], "offset": "-P1D"}}  # type: ignore[dict-item]


@pytest.fixture
async def world(door: Door) -> World:
    await Story(door).begin()
    world = await open_world(door)
    for template in ("t", "u"):
        await door.put(f"templates/{template}", subject="Hi", html="<p>Hi</p>")
    for person in PEOPLE:
        await door.put(f"people/{person}", email=f"{person}@example.org")
    for key, starts_at in SESSIONS.items():
        await door.put(f"sessions/{key}", name=key, starts_at=starts_at, center="lyon")
        for person in PEOPLE:
            await door.put(f"sessions/{key}/participants/{person}")
    await door.call("POST", "/v1/rules", {"id": "r", **J7})
    await world.plan()
    return world


async def simulate(world: World, body: Any = None, rule: str = "rules/r") -> Any:
    before = await world.door.everything()
    world.door.pokes.take()
    outlook = await world.door.call("POST", f"/v1/{rule}/simulate", body)
    assert await world.door.everything() == before
    assert world.door.pokes.take() == []
    return outlook


def counts(outlook: Any) -> dict[str, int]:
    kinds = ("appear", "move", "change", "disappear", "too_late", "already_told", "past_the_fence")
    return {kind: outlook[kind]["count"] for kind in kinds if outlook[kind]["count"]}


async def check(world: World, outlook: Any, *writes: tuple[str, str, Any]) -> None:
    """Check that an outlook is what comes of these writes."""
    before = await world.sends()
    for method, path, body in writes:
        await world.door.call(method, f"/v1/{path}", body)
    await world.plan()
    agrees(outlook, happened(before, await world.sends()))


async def test_a_rule_that_stands_says_what_activating_it_would_do(world: World) -> None:
    outlook = await simulate(world)

    assert counts(outlook) == {"appear": 6, "too_late": 3}
    assert outlook == await simulate(world, {}) == await simulate(world, {"active": True})
    assert outlook["too_late"]["reasons"] == {"due_in_past": 3}
    late = outlook["too_late"]["first"]
    assert sorted((mail["session"], mail["person"]) for mail in late) == [("soon", one) for one in PEOPLE]
    assert {mail["local"] for mail in late} == {"2027-02-25T09:00:00"}
    first = outlook["first"]
    assert (first["session"], first["rule"], first["local"]) == ("S-1", "r", "2027-04-05T09:00:00")
    assert outlook["last"]["local"] == "2027-04-06T09:00:00"
    assert outlook["per_day"] == [{"day": "2027-04-05", "mails": 3}, {"day": "2027-04-06", "mails": 3}]
    assert [one["session"] for one in outlook["sessions"]["first"]] == ["S-1", "S-2", "soon"]
    assert outlook["said"] == (
        "6 mails appear and 3 mails are too late to leave. The first leaves on Mon, 5 Apr 2027 at 09:00 "
        "(Europe/Paris), the last on Tue, 6 Apr 2027 at 09:00 (Europe/Paris)."
    )
    await check(world, outlook, ("POST", "rules/r/activate", None))
    assert counts(await simulate(world)) == {}  # it is active, and does what it says


async def test_a_new_rule_is_simulated_before_it_is_made(world: World) -> None:
    outlook = await simulate(world, J1, "rules")

    assert counts(outlook) == {"appear": 9}
    made = {"id": "new", **J1}
    again = await simulate(world, made, "rules")
    assert {mail["rule"] for mail in again["appear"]["first"]} == {"new"}
    await check(world, again, ("POST", "rules", made), ("POST", "rules/new/activate", None))


async def test_an_edit_is_simulated_as_active(world: World) -> None:
    fresh = await simulate(world, J1)
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()

    outlook = await simulate(world, J1)

    assert (counts(fresh), counts(outlook)) == ({"appear": 9}, {"appear": 3, "move": 6})
    moved = outlook["move"]["first"][0]
    assert (moved["was_at"], moved["due_at"]) == ("2027-04-05T07:00:00Z", "2027-04-11T07:00:00Z")
    await check(world, outlook, ("PUT", "rules/r", J1))


async def test_an_edit_makes_nothing_too_late_that_was_so_before(world: World) -> None:
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    much_earlier = {**J7, "trigger": {**J7["trigger"], "offset": "-P60D"}}  # type: ignore[dict-item]

    outlook = await simulate(world, much_earlier)

    assert counts(outlook) == {"too_late": 6}
    assert {mail["session"] for mail in outlook["too_late"]["first"]} == {
        "S-1",
        "S-2",
    }  # and not what is soon
    await check(world, outlook, ("PUT", "rules/r", much_earlier))


async def test_what_was_withdrawn_and_is_too_late_by_now_is_said_to_be(world: World) -> None:
    """Switched off, and on again once the time of some has come: nobody gets those."""
    door = world.door
    await door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    await world.leave("S-1", "r", "ada")
    await door.call("POST", "/v1/rules/r/deactivate")
    await world.plan()
    await door.put("sessions/S-1", name="S-1", starts_at="2027-03-05T09:00:00+01:00")
    await world.plan()

    outlook = await simulate(world)

    assert counts(outlook) == {"appear": 3, "too_late": 5}
    late = [(mail["session"], mail["person"]) for mail in outlook["too_late"]["first"]]
    assert sorted(late) == [("S-1", "bob"), ("S-1", "eve"), *(("soon", one) for one in PEOPLE)]
    await check(world, outlook, ("POST", "rules/r/activate", None))
    assert counts(await simulate(world)) == {}


async def test_mails_that_are_late_leave_at_once(world: World) -> None:
    """F069: due four days ago, of use for a week: they are told, and counted, when they leave."""
    late = {**J7, "late": {"send_within": "P7D"}}

    outlook = await simulate(world, late)

    assert counts(outlook) == {"appear": 9}
    assert outlook["per_day"][0] == {"day": "2027-03-01", "mails": 3}  # today: at noon, UTC
    at_once = outlook["appear"]["first"][:3]
    assert {(mail["session"], mail["local"][:13]) for mail in at_once} == {("soon", "2027-03-01T13")}
    assert " The first leaves on Mon, 1 Mar 2027 at 13:0" in outlook["said"]
    await check(world, outlook, ("PUT", "rules/r", late), ("POST", "rules/r/activate", None))


async def test_another_template_changes_the_mails_that_go_by_it(world: World) -> None:
    """Of a rule's own template its rows say nothing: they follow it."""
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    edited = {**J7, "template": "u"}

    outlook = await simulate(world, edited)

    assert counts(outlook) == {"change": 6}
    assert {(mail["session"], mail["reason"]) for mail in outlook["change"]["first"]} == {
        ("S-1", None),
        ("S-2", None),
    }
    await check(world, outlook, ("PUT", "rules/r", edited))


@pytest.mark.parametrize("of_session", ["t", "u"])
async def test_a_template_that_a_session_has_of_its_own_stays_by_any_name(
    world: World, of_session: str
) -> None:
    """F014: whether it is the rule's own before the edit, or is so after it."""
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.door.put("sessions/S-1/rules/r", template=of_session)
    await world.plan()
    edited = {**J7, "template": "u"}

    outlook = await simulate(world, edited)

    assert counts(outlook) == {"change": 3}
    assert {mail["session"] for mail in outlook["change"]["first"]} == {"S-2"}
    await check(world, outlook, ("PUT", "rules/r", edited))


async def test_the_template_of_an_edition_stays_for_the_sessions_that_go_by_it(world: World) -> None:
    """C1: the rows of older sessions come to name it, and bring what they would have brought."""
    later = {**J7, "existing_sessions": False}
    await world.door.put("rules/r", **later)
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.door.put("sessions/new", name="New", starts_at=SESSIONS["S-1"])
    await world.door.put("sessions/new/participants/ada")
    await world.plan()
    edited = {**later, "template": "u"}

    outlook = await simulate(world, edited)
    of_all = await world.door.put("rules/r?apply_to_existing=true&dry_run=true", **edited)

    assert (counts(outlook), counts(of_all)) == ({}, {"change": 1})
    await check(world, outlook, ("PUT", "rules/r", edited))


async def test_a_narrower_rule_lets_go_and_says_why(world: World) -> None:
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    nobody = {**J7, "conditions": {"stages": ["confirmed"]}}
    elsewhere = {**J7, "centers": ["paris"]}

    assert (await simulate(world, nobody))["disappear"]["reasons"] == {"conditions_not_met": 6}
    outlook = await simulate(world, elsewhere)
    assert outlook["disappear"]["reasons"] == {"another_center": 6}
    await check(world, outlook, ("PUT", "rules/r", elsewhere))


@pytest.mark.parametrize(
    ("form", "reason", "write"),
    [
        ({"active": False}, "rule_deactivated", ("POST", "rules/r/deactivate", None)),
        ({"deleted": True}, "rule_deleted", ("DELETE", "rules/r", None)),
    ],
)
async def test_switching_off_and_deleting_say_what_stops(
    world: World, form: Any, reason: str, write: tuple[str, str, Any]
) -> None:
    assert counts(await simulate(world, form)) == {}
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    await world.leave("S-1", "r", "ada")

    outlook = await simulate(world, form)

    assert (counts(outlook), outlook["disappear"]["reasons"]) == ({"disappear": 5}, {reason: 5})
    await check(world, outlook, write)


async def test_a_rule_that_leaves_existing_sessions_alone_is_simulated_so(world: World) -> None:
    """C1: activated, it concerns sessions made later; an edit reaches those made after it."""
    later = {**J7, "existing_sessions": False}
    assert counts(await simulate(world, later)) == {}
    await world.door.put("rules/r", **later)
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.door.put("sessions/new", name="New", starts_at=SESSIONS["S-1"])
    await world.door.put("sessions/new/participants/ada")
    await world.plan()

    edited = {**J1, "existing_sessions": False}
    everybody = await simulate(world, J1)

    assert counts(await simulate(world, edited)) == {}
    assert counts(everybody) == {"appear": 9, "move": 1}
    assert counts(await world.door.put("rules/r?apply_to_existing=true&dry_run=true", **edited)) == {
        "move": 1
    }
    await check(world, everybody, ("PUT", "rules/r", J1))


async def test_what_a_session_says_of_a_rule_holds_in_a_simulation(world: World) -> None:  # F014, F072
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.door.put("sessions/S-1/rules/r", active=False)
    await world.door.put("sessions/S-2/rules/r", offset="-P2D")
    await world.plan()

    outlook = await simulate(world, {**J1, "trigger": {**J1["trigger"], "at": "08:00"}})  # type: ignore[dict-item]

    assert {mail["session"]: mail["local"] for mail in outlook["move"]["first"]} == {
        "S-2": "2027-04-11T08:00:00"
    }
    assert counts(outlook) == {"appear": 3, "move": 3}  # soon: the day before


async def test_sessions_are_looked_at_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await simulate(world)
    monkeypatch.setattr(foresight, "PAGE", 2)
    assert await simulate(world) == whole

    monkeypatch.setattr(foresight, "PEOPLE", 1)  # as many as one session alone has, and no more
    assert await simulate(world) == whole


async def test_a_simulation_waits_for_nobody_who_claims_or_plans(world: World) -> None:
    """Claims and fences hold facts, planning holds its session and rules: none of them is in the way."""
    await world.door.call("POST", "/v1/rules/r/activate")
    await world.plan()
    async with world.door.store.transaction() as db:
        for lock in (
            "select pg_advisory_xact_lock_shared(hashtextextended(id::text, 1)) from sessions",
            "select pg_advisory_xact_lock_shared(hashtextextended(id::text, 1)) from rules",
            "select pg_advisory_xact_lock(hashtextextended('plan ' || id, 0)) from sessions",
            "select from sends for update",
        ):
            await db.execute(text(lock))

        for form in (None, {"active": False}, {"deleted": True}, J1):
            await simulate_only(world, form)
        for method, path, body in (
            ("PUT", "rules/r", J1),
            ("POST", "rules/r/deactivate", None),
            ("DELETE", "rules/r", None),
        ):
            await world.door.call(method, f"/v1/{path}?dry_run=true", body)


async def simulate_only(world: World, body: Any) -> None:
    await world.door.call("POST", "/v1/rules/r/simulate", body)


REFUSED = [
    ("rules/nothing", None, 404, None),
    ("rules/r", {"active": "yes"}, 422, "active"),
    ("rules/r", {"active": True, "no_such": 1}, 422, "no_such"),
    ("rules/r", {**J7, "template": "nothing"}, 422, "template"),
    ("rules/r", {**J7, "conditions": {"stages": []}}, 422, "conditions.stages"),
    ("rules", {}, 422, "name"),
    ("rules", {**J7, "template": "nothing"}, 422, "template"),
    ("rules", {"id": "r", **J7}, 409, None),
]


async def test_what_could_not_be_saved_is_refused(world: World) -> None:
    for rule, body, status, field in REFUSED:
        answer = await world.door.http.post(f"/v1/{rule}/simulate", json=body)

        assert answer.status_code == status, answer.text
        if field:
            assert field in [error["field"] for error in answer.json()["errors"]]


async def test_the_command_line_simulates_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    url = world.door.store.engine.url.render_as_string(hide_password=False)
    before = await world.door.everything()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)

        await simulator.run("r", off=False, folder=Path("nowhere"), console=Console(soft_wrap=True))
        with pytest.raises(LookupError, match="there is no rule 'nothing'"):
            await simulator.run("nothing", off=True, folder=Path("nowhere"), console=Console())

    first, *sessions = capsys.readouterr().out.splitlines()
    assert first.startswith("6 mails appear and 3 mails are too late to leave.")
    assert sessions == ["  S-1: appear 3", "  S-2: appear 3", "  soon: too late 3"]
    assert await world.door.everything() == before
