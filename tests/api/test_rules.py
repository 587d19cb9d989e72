"""Rules: patched, and on their way to all sessions."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api import rules
from api.rule_checks import check_rule
from tests.api.door import Door
from tests.house import LivedInHouse

OF_PEOPLE = {"attendance": "any", "completion": "any", "statuses": "all"}

RULE: dict[str, Any] = {
    "name": "R",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00", "date": None},
    "conditions": {"stages": ["confirmed"], "modes": "all", "categories": "all", **OF_PEOPLE},
    "late": {"send_within": "PT2H"},
    "cc": ["trainers"],
    "deliver_within": "P3D",
}


async def a_rule(door: Door) -> Any:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    await door.put("templates/other", subject="Hi", html="<p>Hi</p>")
    await door.put("templates/for-trainers", subject="Hi", html="<p>Hi</p>", audience="trainers")
    return await door.call("POST", "/v1/rules", {"id": "r", **RULE})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, {}),
        ({"name": "Another"}, {"name": "Another"}),
        ({"template": "other"}, {"template": "other"}),
        ({"trigger": {"at": None}}, {"trigger": {**RULE["trigger"], "at": None}}),
        ({"conditions": {"stages": None, "modes": ["remote"]}},
         {"conditions": {"stages": "all", "modes": ["remote"], "categories": "all", **OF_PEOPLE}}),
        ({"cc": []}, {"cc": []}),
        ({"late": "skip", "deliver_within": None}, {"late": "skip", "deliver_within": None}),
        ({"audience": "trainers", "template": "for-trainers"}, {"audience": "trainers", "template": "for-trainers"}),
        ({"trigger": {"anchor": "date", "date": "2027-01-01", "offset": None}},
         {"trigger": {"type": "date", "anchor": "date", "date": "2027-01-01", "at": "09:00", "offset": "P0D"}}),
    ],
)  # fmt: skip
async def test_a_patch_changes_what_it_names(door: Door, change: Any, says: Any) -> None:
    made = await a_rule(door)

    patched = await door.call("PATCH", "/v1/rules/r", change)

    dirty = bool(says.keys() - {"name"})
    expected = {**made, **says, "version": 1 + dirty, "rolled_out": not dirty}
    assert (patched, await door.get("rules/r")) == ({**expected, "too_late": None}, expected)
    assert door.pokes.take() == ["rule r"] * dirty


@pytest.mark.parametrize(
    ("change", "field", "cure"),
    [
        ({"template": "for-trainers"}, "template", "is for trainers"),
        ({"template": "none"}, "template", "PUT /v1/templates/none"),
        ({"trigger": {"offset": "7 days"}}, "trigger.offset", "P7D"),
        ({"trigger": None}, "trigger", "required"),
        ({"trigger": {"anchor": "slot.end"}}, "trigger", "give it the scope `slot`"),
        ({"name": None}, "name", "required"),
        ({"active": True}, "active", "no such field"),
        ({"id": "s"}, "id", "no such field"),
        ({"conditions": {"stages": []}}, "conditions.stages", "at least 1 item"),
    ],
)
async def test_a_patch_is_held_to_what_a_put_is(door: Door, change: Any, field: str, cure: str) -> None:
    await a_rule(door)
    before = await door.everything()

    answer = await door.http.patch("/v1/rules/r", json=change)

    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert cure in error["message"]
    assert (await door.everything(), door.pokes.take()) == (before, [])


async def test_patches_and_puts_at_once_lose_nothing_and_do_not_deadlock(door: Door) -> None:
    await a_rule(door)
    changes: list[dict[str, Any]] = [
        {"name": "N"},
        {"cc": []},
        {"late": "skip"},
        {"deliver_within": None},
        {"template": "other"},
    ]

    await asyncio.gather(
        *(door.call("PATCH", "/v1/rules/r", change) for change in changes), door.put("rules/r", **RULE)
    )
    await asyncio.gather(*(door.call("PATCH", "/v1/rules/r", change) for change in changes))

    rule = await door.get("rules/r")
    said = {name: value for change in changes for name, value in change.items()}
    assert {name: rule[name] for name in said} == said


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_a_patch_that_meets_an_edit_is_made_of_what_stands_then(
    door: Door, monkeypatch: pytest.MonkeyPatch, dry: str
) -> None:
    await a_rule(door)
    edited = {**RULE, "name": "Edited"}
    meeting = [lambda: door.put("rules/r", **edited)]

    checked = []

    async def check(*asked: Any) -> Any:
        checked.append(asked[-1].name)
        while meeting:
            await meeting.pop()()
        return await check_rule(*asked)

    monkeypatch.setattr(rules, "check_rule", check)
    answer = await door.http.patch(f"/v1/rules/r?dry_run={dry}", json={"trigger": {"offset": "-P3D"}})

    assert answer.status_code == 200
    assert ("said" in answer.json()) == (dry == "true")
    assert checked == ["R", "Edited", "Edited"]  # the patch, the edit, and the patch again
    rule = await door.get("rules/r")
    assert (rule["name"], rule["trigger"]["offset"] == "-P3D") == ("Edited", dry == "false")


async def test_a_rule_that_nobody_rolls_out_says_so(door: Door) -> None:
    await a_rule(door)
    rolled_out = {"version": 1, "rolled_out": True, "sessions": None, "sends": {"done": 0, "total": 0}}
    assert await door.get("rules/r/rollout") == rolled_out

    await door.call("POST", "/v1/rules/r/activate")

    assert await door.get("rules/r/rollout") == {**rolled_out, "version": 2, "rolled_out": False}


async def test_a_roll_out_says_how_far_it_is(house: LivedInHouse) -> None:
    await house.people("claire")
    for key in ("s", "t"):
        await house.session(key, await house.now() + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})

    done = await house.call("GET", "/v1/rules/r/rollout")

    assert done == {"version": 2, "rolled_out": True, "sessions": None, "sends": {"done": 2, "total": 2}}


async def test_a_roll_out_under_way_says_how_many_sessions_are_planned(house: LivedInHouse) -> None:
    """As if its last word had not been written down yet; it needs no worker and no Temporal."""
    await house.people("claire")
    for key in ("s", "t"):
        await house.session(key, await house.now() + timedelta(days=30), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    async with house.store.transaction() as db:
        await db.exec_driver_sql("update rules set planned_version = version - 1")

    await house.env.shutdown()
    under_way = await house.call("GET", "/v1/rules/r/rollout")

    assert (under_way["rolled_out"], under_way["sessions"]) == (False, {"done": 2, "total": 2})

    await house.call("POST", "/v1/rules/r/deactivate")
    switched_off = await house.call("GET", "/v1/rules/r/rollout")
    assert (switched_off["rolled_out"], switched_off["sessions"]) == (False, None)
