"""Previews of mails whose rule says more than when: in whose place they go, from whom, and on what terms."""

from typing import Any

import pytest

from tests.api.door import Door
from tests.api.test_sends import STARTS_AT, TRIGGER, execute, only, plan


async def planned(door: Door, *, template: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    """Plan a mail about Claire, whose manager is Boss, in a session of Lyon, and return its preview."""
    await door.put("people/boss", email="boss@example.org", first_name="Boss")
    await door.put("people/claire", email="claire@example.org", first_name="Claire", manager="boss")
    await door.put("sessions/s", name="S", starts_at=STARTS_AT, center="lyon")
    await door.put("sessions/s/participants/claire")
    words = {"subject": "{{ person.first_name }}", "html": "<p>Hello {{ recipient.first_name }}</p>"}
    await door.put("templates/t", **words, **(template or {}))
    await door.call(
        "POST", "/v1/rules", {"id": "r", "name": "R", "template": "t", "trigger": TRIGGER, **rule}
    )
    await door.call("POST", "/v1/rules/r/activate")
    await execute(door, "update rules set planned_version = version")
    await plan(door)
    preview: dict[str, Any] = await door.get(f"sends/{(await only(door))['id']}/preview")
    return preview


async def test_a_preview_goes_to_whom_its_mail_would_go(door: Door) -> None:
    """F056"""
    preview = await planned(door, to="manager")

    assert preview["to"] == {"address": "boss@example.org", "name": "Boss"}
    assert (preview["subject"], preview["text"]) == ("Claire", "Hello Boss\n")
    assert preview["problems"] == []


async def test_a_preview_is_from_the_center_of_its_session(door: Door) -> None:
    """L14"""
    sender = {"address": "lyon@example.org", "name": "Lyon"}
    await door.put("centers/lyon", name="Lyon", sender=sender, reply_to="answers@example.org")

    preview = await planned(door)

    assert preview["from"] == sender
    assert preview["reply_to"] == {"address": "answers@example.org", "name": ""}


@pytest.mark.parametrize(
    ("rule", "template", "reason"),
    [
        ({"conditions": {"attendance": "present"}}, {}, "attendance_not_met"),
        ({"conditions": {"completion": ["in_progress"]}}, {}, "completion_not_met"),
        ({"conditions": {"statuses": ["confirmed"]}}, {}, "status_not_met"),
        ({}, {"questionnaire": "cold"}, "already_answered"),
    ],
)
async def test_a_preview_tells_what_its_rule_asks_in_vain(
    door: Door, rule: dict[str, Any], template: dict[str, Any], reason: str
) -> None:
    """F053, F088, F096: and shows the mail all the same."""
    await planned(door, template=template, **rule)
    await execute(door, "update participations set answered = '{cold}'")

    preview = await door.get(f"sends/{(await only(door))['id']}/preview")

    assert [problem["reason"] for problem in preview["problems"]] == [reason]
    assert preview["text"] == "Hello Claire\n"
