"""A rule that could never send is refused when it is written: the field that is wrong, and its cure."""

from typing import Any

import pytest

from tests.api.door import Door

RULE: dict[str, Any] = {
    "name": "R",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
}
WEEKLY: dict[str, Any] = {"every": "P7D", "at_most": 4}
PAST = {"type": "date", "anchor": "date", "date": "2020-01-01", "at": "09:00"}

NEVER: list[tuple[dict[str, Any], str, str]] = [
    ({"conditions": {"stages": []}}, "conditions.stages", "at least 1"),
    ({"conditions": {"modes": []}}, "conditions.modes", "at least 1"),
    ({"conditions": {"categories": []}}, "conditions.categories", "at least 1"),
    ({"conditions": {"statuses": []}}, "conditions.statuses", "at least 1"),
    ({"conditions": {"completion": []}}, "conditions.completion", "at least 1"),
    ({"centers": []}, "centers", "at least 1"),
    ({"window": {"days": []}}, "window.days", "at least 1"),
    ({"window": {"from": "19:00", "to": "08:00"}}, "window", "never open"),
    ({"window": {"from": "08:00", "to": "08:00"}}, "window", "never open"),
    ({"trigger": {"type": "date", "offset": "-P7D"}}, "trigger.anchor", "required"),
    ({"trigger": {**RULE["trigger"], "anchor": "tomorrow"}}, "trigger.anchor", "'session.start'"),
    ({"trigger": {**PAST, "date": "2030-01-01", "offset": "P1D"}}, "trigger", "drop it"),
    ({"template": "none"}, "template", "PUT /v1/templates/none"),
    ({"template": "for-trainers"}, "template", "choose one for participants"),
    ({"template": "of-slots"}, "template", "choose another, or another scope"),
    ({"repeat": {**WEEKLY, "then": {"template": "none"}}}, "repeat.then.template", "PUT /v1/templates/none"),
    ({"repeat": {**WEEKLY, "then": {"template": "for-trainers"}}}, "repeat.then.template", "for participants"),
    ({"repeat": {**WEEKLY, "then": {"to": "boss"}}}, "repeat.then.to", "'manager'"),
    ({"correction": {"template": "none"}}, "correction.template", "PUT /v1/templates/none"),
    ({"correction": {"template": "for-trainers"}}, "correction.template", "for participants"),
    ({"repeat": {**WEEKLY, "until": "answered"}}, "repeat.until", "questionnaire"),
    ({"repeat": {**WEEKLY, "at_most": 0}}, "repeat.at_most", "greater than or equal to 1"),
    ({"repeat": {**WEEKLY, "every": "-P1D"}}, "repeat.every", "positive"),
    ({"repeat": {**WEEKLY, "until": "completed"}, "conditions": {"completion": ["completed"]}},
     "conditions.completion", "drop `until`"),
    ({"to": "boss"}, "to", "'session_manager'"),
    ({"to": "manager", "audience": "companies", "template": "for-companies"}, "to", "company_contact"),
    ({"catch_up": True, "audience": "companies", "template": "for-companies"}, "catch_up", "write to participants"),
    ({"cc": ["boss"]}, "cc.0", "company_contact"),
    ({"scope": "slot", "trigger": {"type": "date", "anchor": "enrolled"}}, "trigger", "the scope `session`"),
    ({"audience": "trainers", "template": "for-trainers", "trigger": {"type": "date", "anchor": "completed"}},
     "trigger", "session.start"),
    ({"audience": "trainers", "template": "for-trainers", "conditions": {"attendance": "present"}},
     "conditions", "participants"),
    ({"sender": {"address": "nobody"}}, "sender.address", "not an address"),
    ({"sender": {"address": "a@example.org\r\nBcc: b@example.org"}}, "sender.address", "line breaks"),
    ({"sender": {"name": "Training"}}, "sender.address", "required"),
    ({"reply_to": "a@example.org, b@example.org"}, "reply_to", "One address only"),
]  # fmt: skip


@pytest.fixture
async def templates(door: Door) -> None:
    for key, audience in {
        "t": "participants",
        "for-trainers": "trainers",
        "for-companies": "companies",
    }.items():
        await door.put(f"templates/{key}", subject="Hi", html="<p>Hi</p>", audience=audience)
    await door.put("templates/of-slots", subject="{{ slot.name }}", html="<p>Hi</p>")
    await door.put("templates/survey", subject="Hi", html="<p>Hi</p>", questionnaire="cold")


async def refused(door: Door, method: str, path: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Ask, and return which fields are refused, and why; nothing may have been written."""
    before = await door.everything()
    answer = await door.http.request(method, f"/v1/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert (await door.everything(), door.pokes.take()) == (before, [])
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


@pytest.mark.usefixtures("templates")
async def test_a_rule_that_could_never_send_is_refused_wherever_it_is_written(door: Door) -> None:
    await door.call("POST", "/v1/rules", {"id": "r", **RULE})
    await door.put("sessions/s", name="S")
    door.pokes.take()
    for says, field, cure in NEVER:
        for method, path, more in (
            ("POST", "rules", {"id": "s"}),
            ("PUT", "rules/r", {}),
            ("PUT", "sessions/s/rules/own", {}),
        ):
            wrong = await refused(door, method, path, {**RULE, **says, **more})
            assert [named for named, _ in wrong] == [field], (says, wrong)
            assert cure in wrong[0][1], (says, wrong)


AGAIN = {
    "every": "P7D",
    "until": "answered",
    "at_most": 4,
    "then": {"to": "manager", "template": "t"},
}


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize("more", [{"catch_up": True, "repeat": None}, {"catch_up": False, "repeat": AGAIN}])
async def test_everything_a_rule_can_say_is_said_back(door: Door, more: dict[str, Any]) -> None:
    says: dict[str, Any] = {
        **RULE,
        **more,
        "template": "survey",
        "conditions": {
            "stages": ["confirmed"],
            "modes": "all",
            "categories": ["safety"],
            "attendance": "present_throughout",
            "completion": ["not_started", "in_progress"],
            "statuses": ["paid"],
        },
        "centers": ["lyon", "paris"],
        "existing_sessions": False,
        "to": "manager",
        "cc": ["manager", "archive@example.org"],
        "sender": {"address": "training@example.org", "name": "Training"},
        "reply_to": "office@example.org",
        "allow_resend": True,
        "late": {"send_within": "PT2H"},
        "deliver_within": "P3D",
        "zone": "recipient",
        "window": {"days": ["mon", "tue"], "from": "08:00", "to": "19:00", "holidays": "FR"},
        "correction": {"template": "t"},
    }
    says["trigger"] = {**RULE["trigger"], "date": None}
    await door.call("POST", "/v1/rules", {"id": "made", **says})
    await door.call("POST", "/v1/rules", {"id": "put", **RULE})
    await door.put("rules/put", **says)
    await door.call("POST", "/v1/rules", {"id": "patched", **RULE})
    await door.call("PATCH", "/v1/rules/patched", says)

    for rule in [await door.get(f"rules/{key}") for key in ("made", "put", "patched")]:
        assert {name: rule[name] for name in says} == says


@pytest.mark.usefixtures("templates")
async def test_what_a_patch_leaves_out_of_a_window_stays(door: Door) -> None:
    window = {"days": ["mon"], "from": "08:00", "to": "19:00", "holidays": None}
    await door.call("POST", "/v1/rules", {"id": "r", **RULE, "window": window})

    patched = await door.call("PATCH", "/v1/rules/r", {"window": {"from": "09:00"}})

    assert patched["window"] == {**window, "from": "09:00"}
    assert (await door.call("PATCH", "/v1/rules/r", {"window": None}))["window"] is None


@pytest.mark.usefixtures("templates")
async def test_a_day_that_is_past_is_no_day_of_an_active_rule(door: Door) -> None:
    """F068: such a rule would send nothing, and could say so only by silence."""
    await door.call("POST", "/v1/rules", {"id": "r", **RULE, "trigger": PAST})

    answer = await door.http.post("/v1/rules/r/activate")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-is-over")
    assert "PATCH /v1/rules/r" in answer.json()["detail"]
    assert not (await door.get("rules/r"))["active"]

    await door.put("rules/r", **RULE)
    await door.call("POST", "/v1/rules/r/activate")
    door.pokes.take()
    ((field, message),) = await refused(door, "PUT", "rules/r", {**RULE, "trigger": PAST})
    assert (field, "past" in message) == ("trigger.date", True)


@pytest.mark.usefixtures("templates")
async def test_a_rule_whose_day_has_come_can_still_be_edited_and_switched(door: Door) -> None:
    await door.call("POST", "/v1/rules", {"id": "r", **RULE, "trigger": PAST})
    async with door.store.transaction() as db:
        await db.exec_driver_sql("update rules set active = true")

    await door.put("rules/r", **{**RULE, "trigger": PAST, "name": "Another"})
    await door.call("POST", "/v1/rules/r/activate")
    await door.call("POST", "/v1/rules/r/deactivate")


@pytest.mark.usefixtures("templates")
async def test_a_template_goes_on_fitting_whoever_uses_it(door: Door) -> None:
    """Rules by template, last mail or correction, and sessions: none is left without its words."""
    weekly = {**WEEKLY, "until": "answered", "then": {"template": "t"}}
    await door.call("POST", "/v1/rules", {"id": "weekly", **RULE, "template": "survey", "repeat": weekly})
    await door.call(
        "POST", "/v1/rules", {"id": "corrects", **RULE, "template": "survey", "correction": {"template": "t"}}
    )
    await door.put("sessions/s", name="S", rules={"corrects": {"template": "t"}})
    await door.put("sessions/o", name="O")
    await door.put("sessions/o/rules/own", **RULE)
    before = await door.everything()

    deleted = await door.http.delete("/v1/templates/t")
    for_others = await door.http.put(
        "/v1/templates/t", json={"subject": "x", "html": "x", "audience": "trainers"}
    )
    other_tags = await door.http.put("/v1/templates/t", json={"subject": "{{ slot.name }}", "html": "x"})
    unanswerable = await door.http.put("/v1/templates/survey", json={"subject": "x", "html": "x"})

    for answer in (deleted, for_others):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (409, "/problems/template-in-use")
        assert (problem["rules"], problem["sessions"]) == (["corrects", "own", "weekly"], ["s", "o"])
    assert {error["field"] for error in other_tags.json()["errors"]} == {"subject"}
    assert [error["field"] for error in unanswerable.json()["errors"]] == ["questionnaire"]
    assert await door.everything() == before


@pytest.mark.usefixtures("templates")
async def test_rules_are_asked_to_forget_whom_they_have_written_to(door: Door) -> None:
    """F105: and every session is planned anew."""
    made = await door.call("POST", "/v1/rules", {"id": "r", **RULE})

    again = await door.call("POST", "/v1/rules/r/contact-again")

    assert (made["memory"], again["memory"], again["version"], again["rolled_out"]) == (1, 2, 2, False)
    assert door.pokes.take() == ["rule r"]
    assert (await door.http.post("/v1/rules/none/contact-again")).status_code == 404
