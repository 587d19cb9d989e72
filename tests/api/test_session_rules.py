"""Rules as one session has them, from outside: switched, overridden, its own; and nobody else's (F008, F013-F015, F067)."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Door

RULE: dict[str, Any] = {
    "name": "R",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
}
SESSION = {
    "name": "S",
    "starts_at": "2030-06-07T09:00:00Z",
    "stage": "confirmed",
    "mode": "remote",
    "center": "lyon",
}


@pytest.fixture
async def house(door: Door) -> Door:
    """Two templates, a rule that is active, and a session."""
    for key in ("t", "other"):
        await door.put(f"templates/{key}", subject="Hi", html="<p>Hi</p>")
    await door.put("templates/for-trainers", subject="Hi", html="<p>Hi</p>", audience="trainers")
    await door.call("POST", "/v1/rules", {"id": "r", **RULE})
    await door.call("POST", "/v1/rules/r/activate")
    await door.put("sessions/s", **SESSION)
    door.pokes.take()
    return door


async def said(door: Door, path: str = "sessions/s/rules") -> dict[str, tuple[bool, str | None]]:
    """Return which rules apply: each with its switch, and why it is off."""
    return {rule["id"]: (rule["on"], rule["reason"]) for rule in (await door.get(path))["items"]}


async def test_a_session_lists_the_rules_that_apply_to_it_with_their_switches(house: Door) -> None:
    """F013, F071"""
    rules: dict[str, dict[str, Any]] = {
        "draft": {},
        "of-another-center": {"centers": ["paris"]},
        "of-its-center": {"centers": ["lyon"]},
        "of-another-stage": {"conditions": {"stages": ["proposed"]}},
        "of-modules": {"scope": "module", "conditions": {"modes": ["on site"]}},
        "of-slots": {"scope": "slot", "conditions": {"modes": ["remote"]}},
        "later": {"existing_sessions": False},
    }
    for key, says in rules.items():
        await house.call("POST", "/v1/rules", {"id": key, **RULE, **says})
        if key != "draft":
            await house.call("POST", f"/v1/rules/{key}/activate")
    at = {"starts_at": "2030-06-07T09:00:00Z", "ends_at": "2030-06-07T10:00:00Z"}
    places = {
        "modules": [{"id": "m", "name": "M", "mode": "remote"}],
        "slots": [{"id": "1", "name": "1", **at}],
    }
    await house.put("sessions/s", **SESSION, **places)
    await house.put("sessions/s/rules/own", **RULE)
    await house.put("sessions/s/rules/r", active=False)

    assert await said(house) == {
        "draft": (False, "rule_deactivated"),
        "later": (False, "older_session"),
        "of-its-center": (True, None),
        "of-slots": (True, None),
        "own": (True, None),
        "r": (False, "switched_off_here"),
    }
    assert (await house.get("sessions/s/rules/of-another-center"))["reason"] == "another_center"
    assert (await house.get("sessions/s/rules/of-modules"))["reason"] == "conditions_not_met"

    await house.put("sessions/s/rules/of-another-center", active=False)
    assert "of-another-center" in await said(house)  # it is spoken of here


async def test_the_list_is_read_page_by_page(house: Door) -> None:
    for key in ("a", "b"):
        await house.put(f"sessions/s/rules/{key}", **RULE)

    first = await house.get("sessions/s/rules?limit=2")
    second = await house.get(f"sessions/s/rules?limit=2&cursor={first['next']}")

    assert [[rule["id"] for rule in page["items"]] for page in (first, second)] == [["a", "b"], ["r"]]
    assert second["next"] is None


async def test_an_override_is_the_sessions_own(house: Door) -> None:
    """F014, F015, F072, F073: neither the rule nor another session knows."""
    await house.put("sessions/other", **SESSION)
    rule, other = await house.get("rules/r"), await house.get("sessions/other/rules/r")
    override = {"active": True, "offset": "-P3D", "at": "10:00", "template": "other"}

    written = await house.put("sessions/s/rules/r", **override)

    assert written["override"] == override
    assert (written["template"], written["planned"], written["on"]) == ("other", False, True)
    assert written["trigger"] == {**RULE["trigger"], "offset": "-P3D", "at": "10:00", "date": None}
    assert await house.get("sessions/s/rules/r") == {
        name: value for name, value in written.items() if name not in ("planned", "too_late")
    }
    assert house.pokes.take() == ["session other", "session s"]
    assert [await house.get("rules/r"), await house.get("sessions/other/rules/r")] == [rule, other]

    await house.call("DELETE", "/v1/sessions/s/rules/r")
    again = await house.get("sessions/s/rules/r")
    assert (again["override"], again["trigger"]["offset"], again["template"]) == (None, "-P7D", "t")
    assert house.pokes.take() == ["session s"]


async def test_a_write_that_changes_nothing_makes_nothing_dirty(house: Door) -> None:
    await house.put("sessions/s/rules/r", active=False)
    before = await house.versions("sessions")

    await house.put("sessions/s/rules/r", active=False)

    assert await house.versions("sessions") == before


@pytest.mark.parametrize(
    ("override", "field", "cure"),
    [
        ({}, "body", "a DELETE takes"),
        ({"offset": "-PT2H", "at": "10:00"}, "offset", "count in days"),
        ({"offset": "soon"}, "offset", "ISO 8601"),
        ({"at": "25:00"}, "at", "09:00"),
        ({"active": "no"}, "active", "boolean"),
        ({"template": "none"}, "template", "PUT /v1/templates/none"),
        ({"template": "for-trainers"}, "template", "for participants"),
        ({"actve": False}, "actve", "no such field"),
    ],
)
async def test_an_override_goes_together_with_its_rule(
    house: Door, override: dict[str, Any], field: str, cure: str
) -> None:
    before = await house.everything()

    on_its_own = await house.http.put("/v1/sessions/s/rules/r", json=override)
    with_session = await house.http.put(
        "/v1/sessions/s", json={**SESSION, "name": "T", "rules": {"r": override}}
    )

    assert (on_its_own.status_code, with_session.status_code) == (422, 422)
    ((wrong,), (also,)) = (answer.json()["errors"] for answer in (on_its_own, with_session))
    assert wrong["field"] == field
    assert also["field"] == ("rules.r" if field == "body" else f"rules.r.{field}")
    assert cure in wrong["message"]
    assert cure in also["message"]
    assert (await house.everything(), house.pokes.take()) == (before, [])


async def test_an_offset_in_hours_takes_the_rules_time_of_day_away(house: Door) -> None:
    said = await house.put("sessions/s/rules/r", offset="-PT2H")

    assert (said["trigger"]["offset"], said["trigger"]["at"]) == ("-PT2H", None)


async def test_a_rule_on_a_day_of_its_own_has_no_offset_to_override(house: Door) -> None:
    day = {"type": "date", "anchor": "date", "date": "2030-01-01", "at": "09:00"}
    await house.call("POST", "/v1/rules", {"id": "day", **RULE, "trigger": day})

    refused = await house.http.put("/v1/sessions/s/rules/day", json={"offset": "P1D"})
    written = await house.put("sessions/s/rules/day", at="10:00")

    assert refused.status_code == 422
    assert written["trigger"]["at"] == "10:00"


async def test_a_session_says_from_the_start_which_rules_are_off(house: Door) -> None:
    """F067; what is said of other rules later stays."""
    await house.call("POST", "/v1/rules", {"id": "later", **RULE})

    await house.put("sessions/new", **SESSION, rules={"r": {"active": False}, "later": {"offset": "-P2D"}})
    assert await said(house, "sessions/new/rules") == {
        "later": (False, "rule_deactivated"),
        "r": (False, "switched_off_here"),
    }

    await house.put("sessions/new", **SESSION, rules={"later": {"at": "10:00"}})
    await house.put("sessions/new", **SESSION)
    assert (await said(house, "sessions/new/rules"))["r"] == (False, "switched_off_here")
    override = (await house.get("sessions/new/rules/later"))["override"]
    assert override == {"active": None, "offset": None, "at": "10:00", "template": None}


async def test_an_older_session_body_switches_nothing(house: Door) -> None:
    await house.put("sessions/s", **SESSION, source_version=7)

    ignored = await house.put("sessions/s", **SESSION, source_version=6, rules={"r": {"active": False}})

    assert ignored["applied"] is False
    assert await said(house) == {"r": (True, None)}


async def test_unknown_rules_and_sessions_are_not_found(house: Door) -> None:
    for method, path in (
        ("GET", "s/rules/none"),
        ("DELETE", "s/rules/none"),
        ("GET", "none/rules"),
        ("GET", "none/rules/r"),
    ):
        assert (await house.http.request(method, f"/v1/sessions/{path}")).status_code == 404
    for path in ("s/rules/none", "none/rules/r"):
        assert (await house.http.put(f"/v1/sessions/{path}", json={"active": False})).status_code == 404
    answer = await house.http.put("/v1/sessions/s", json={**SESSION, "rules": {"none": {"active": False}}})
    assert [error["field"] for error in answer.json()["errors"]] == ["rules.none"]


async def test_a_full_rule_makes_a_rule_of_the_session_alone(house: Door) -> None:
    """F008, F014, F015"""
    made = await house.put("sessions/s/rules/own", **RULE)

    assert (made["own"], made["active"], made["on"], made["override"]) == (True, True, True, None)
    assert house.pokes.take() == ["session s"]
    assert [rule["id"] for rule in (await house.get("rules"))["items"]] == ["r"]
    assert (await house.http.get("/v1/rules/own")).status_code == 404
    await house.put("sessions/other", **SESSION)
    assert "own" not in await said(house, "sessions/other/rules")

    off = await house.put("sessions/s/rules/own", active=False)
    assert (off["active"], off["reason"]) == (False, "rule_deactivated")
    edited = await house.put("sessions/s/rules/own", **{**RULE, "name": "Edited"}, active=False)
    assert (edited["name"], edited["active"]) == ("Edited", False)

    await house.call("DELETE", "/v1/sessions/s/rules/own")
    assert (await house.http.get("/v1/sessions/s/rules/own")).status_code == 404


async def test_everybodys_rules_and_a_sessions_own_are_not_confused(house: Door) -> None:
    await house.put("sessions/s/rules/own", **RULE)

    for method, path, body in (
        ("PUT", "sessions/s/rules/r", RULE),
        ("POST", "rules", {"id": "own", **RULE}),
    ):
        answer = await house.http.request(method, f"/v1/{path}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-exists")
    answer = await house.http.put("/v1/sessions/s/rules/own", json={"at": "10:00"})
    assert [error["field"] for error in answer.json()["errors"]] == ["body"]


@pytest.mark.parametrize("says", [{"centers": ["lyon"]}, {"existing_sessions": False}])
async def test_a_rule_of_one_session_says_nothing_of_others(house: Door, says: dict[str, Any]) -> None:
    answer = await house.http.put("/v1/sessions/s/rules/own", json={**RULE, **says})

    assert [error["field"] for error in answer.json()["errors"]] == [*says]


@pytest.mark.parametrize(
    "edit",
    [
        {"trigger": {"type": "date", "anchor": "date", "date": "2030-01-01", "at": "09:00"}},
        {"trigger": {"type": "date", "anchor": "session.start", "offset": "-PT2H"}},
        {"audience": "trainers", "template": "for-trainers"},
    ],
)
async def test_a_rule_is_not_edited_away_from_under_what_sessions_say(
    house: Door, edit: dict[str, Any]
) -> None:
    override = {"template": "other"} if "audience" in edit else {"offset": "-P3D"}
    if edit.get("trigger", {}).get("offset"):
        override = {"at": "10:00"}
    await house.put("sessions/s/rules/r", **override)
    before = await house.everything()

    answer = await house.http.put("/v1/rules/r", json={**RULE, **edit})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-overridden")
    assert answer.json()["sessions"] == ["s"]
    assert await house.everything() == before

    await house.call("DELETE", "/v1/sessions/s/rules/r")
    await house.put("rules/r", **{**RULE, **edit})


async def test_an_edit_reaches_existing_sessions_where_that_is_asked(house: Door) -> None:
    """C1: a session goes by what the rule said when the session was made."""
    later = {**RULE, "existing_sessions": False}
    edited = {**later, "trigger": {**RULE["trigger"], "offset": "-P3D"}}
    await house.call("POST", "/v1/rules", {"id": "later", **later})
    await house.call("POST", "/v1/rules/later/activate")
    await house.put("sessions/first", **SESSION)

    async def offsets() -> list[str]:
        found = [await house.get(f"sessions/{key}/rules/later") for key in ("first", "second")]
        return [rule["trigger"]["offset"] for rule in found]

    await house.put("rules/later", **edited)
    await house.put("sessions/second", **SESSION)
    assert await offsets() == ["-P7D", "-P3D"]

    await house.call("PATCH", "/v1/rules/later?apply_to_existing=true", {"trigger": {"offset": "-P2D"}})
    assert await offsets() == ["-P2D", "-P2D"]

    await house.call("PUT", "/v1/rules/later?apply_to_existing=true", later)
    assert await offsets() == ["-P7D", "-P7D"]
    assert (await house.get("sessions/s/rules/later"))["reason"] == "older_session"


async def test_an_edit_for_later_sessions_need_not_fit_what_older_ones_say(house: Door) -> None:
    """They go by what the rule said before; for them it must."""
    later = {**RULE, "existing_sessions": False}
    day = {**later, "trigger": {"type": "date", "anchor": "date", "date": "2030-01-01", "at": "09:00"}}
    await house.call("POST", "/v1/rules", {"id": "later", **later})
    await house.call("POST", "/v1/rules/later/activate")
    await house.put("sessions/first", **SESSION, rules={"later": {"offset": "-P3D"}})

    refused = await house.http.put("/v1/rules/later?apply_to_existing=true", json=day)
    await house.put("rules/later", **day)

    assert refused.json()["type"] == "/problems/rule-overridden"
    assert (await house.get("sessions/first/rules/later"))["trigger"]["offset"] == "-P3D"


async def test_an_edit_of_a_rule_that_is_off_must_fit_those_alone_who_will_go_by_it(house: Door) -> None:
    """C1: neither sessions that go by what it said before, nor those that it leaves alone; those it was given by hand."""
    later = {**RULE, "existing_sessions": False}
    day = {**later, "trigger": {"type": "date", "anchor": "date", "date": "2030-01-01", "at": "09:00"}}
    await house.call("POST", "/v1/rules", {"id": "later", **later})
    await house.put("sessions/s/rules/later", offset="-P3D")  # older than the rule, which leaves it alone
    await house.put("rules/later", **day)
    await house.put("rules/later", **later)

    await house.put("sessions/s/rules/later", offset="-P3D", active=True)
    refused = await house.http.put("/v1/rules/later", json=day)
    assert (refused.status_code, refused.json()["sessions"]) == (409, ["s"])
    await house.call("POST", "/v1/rules/later/activate")
    await house.put("sessions/first", **SESSION, rules={"later": {"offset": "-P2D"}})
    await house.call("POST", "/v1/rules/later/deactivate")

    refused = await house.http.put("/v1/rules/later?apply_to_existing=true", json=day)
    assert (refused.status_code, refused.json()["sessions"]) == (409, ["first", "s"])
    refused = await house.http.put("/v1/rules/later", json={**day, "existing_sessions": True})
    assert (refused.status_code, refused.json()["sessions"]) == (409, ["first", "s"])
    await house.put("rules/later", **day)

    found = [await house.get(f"sessions/{key}/rules/later") for key in ("first", "s")]
    assert [rule["trigger"]["offset"] for rule in found] == ["-P2D", "-P3D"]


async def test_a_rule_is_not_edited_while_a_session_says_something_of_it(house: Door) -> None:
    """Of an edit and an override at once that do not go together, one is refused, whichever comes first."""
    day = {**RULE, "trigger": {"type": "date", "anchor": "date", "date": "2030-01-01", "at": "09:00"}}
    for _ in range(10):
        edit, override = await asyncio.gather(
            house.http.put("/v1/rules/r", json=day),
            house.http.put("/v1/sessions/s/rules/r", json={"offset": "-P3D"}),
        )
        assert sorted([edit.status_code < 300, override.status_code < 300]) == [False, True], (
            edit.text,
            override.text,
        )
        await house.call("DELETE", "/v1/sessions/s/rules/r")
        await house.put("rules/r", **RULE)
