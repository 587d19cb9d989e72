"""Whom a mail is from, and where answers go."""

from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any

import pytest

from activities.letters import Letter
from tests.activities.desk import Desk


def header(letter: Letter, name: str) -> str | None:
    found = message_from_bytes(letter.message.body, policy=policy.default)[name]
    return None if found is None else str(found)


SENDERS: Mapping[str, Mapping[str, Any]] = {
    "rule": {"sender": {"address": "rule@example.org", "name": "Rule"}, "reply_to": "answers-rule@example.org"},
    "center": {
        "sender_address": "lyon@example.org", "sender_name": "Lyon", "reply_to": "answers-lyon@example.org",
    },
}  # fmt: skip
FROM = {
    "rule": ("Rule <rule@example.org>", "answers-rule@example.org"),
    "center": ("Lyon <lyon@example.org>", "answers-lyon@example.org"),
    "organization": ("Example Training <training@example.org>", None),
}


@pytest.mark.parametrize("by_rule", [True, False])
@pytest.mark.parametrize("by_center", [True, False])
async def test_a_mail_is_from_whom_its_rule_says_else_from_its_center_else_from_the_organization(
    desk: Desk, by_rule: bool, by_center: bool
) -> None:
    """F076, L14: both words, each for itself."""
    await desk.row("centers", key="lyon", name="Lyon", **(SENDERS["center"] if by_center else {}))
    await desk.row("centers", key="paris", name="Paris", sender_address="paris@example.org")
    await desk.execute("update sessions set center = 'lyon'")
    send = await desk.send(await desk.participant("ada"), says=SENDERS["rule"] if by_rule else {})

    letter = await desk.letter(send)

    sender, answers = FROM["rule" if by_rule else "center" if by_center else "organization"]
    assert (header(letter, "From"), header(letter, "Reply-To")) == (sender, answers)
    assert f"<{letter.message.sender}>" in sender
    row = await desk.deliver(send)
    assert row["message_id"] == header(letter, "Message-ID")


async def test_what_a_rule_does_not_say_its_center_does(desk: Desk) -> None:
    await desk.row("centers", key="lyon", name="Lyon", **SENDERS["center"])
    await desk.execute("update sessions set center = 'lyon'")
    ada = await desk.participant("ada")

    only_sender = await desk.letter(await desk.send(ada, says={"sender": {"address": "rule@example.org"}}))
    only_answers = await desk.letter(await desk.send(ada, says={"reply_to": "answers@example.org"}))

    assert [header(only_sender, name) for name in ("From", "Reply-To")] == [
        "Lyon <rule@example.org>", "answers-lyon@example.org",
    ]  # fmt: skip
    assert [header(only_answers, name) for name in ("From", "Reply-To")] == [
        "Lyon <lyon@example.org>", "answers@example.org",
    ]  # fmt: skip


@pytest.mark.parametrize("center", [None, "lyon", "elsewhere"])
async def test_a_session_of_no_known_center_is_the_organizations(desk: Desk, center: str | None) -> None:
    other = await desk.add(
        "organizations", key="o", name="O", zone="UTC", language="en", sender_address="o@example.org", sender_name="O"
    )  # fmt: skip
    await desk.add("centers", organization_id=other, key="lyon", name="Lyon", **SENDERS["center"])
    await desk.execute("update sessions set center = :center", center=center)
    letter = await desk.letter(await desk.send(await desk.participant("ada")))
    assert header(letter, "From") == FROM["organization"][0]


async def test_an_address_for_answers_that_is_none_fails_the_mail_by_name(desk: Desk) -> None:
    await desk.row("centers", key="lyon", name="Lyon", reply_to="not an address")
    await desk.execute("update sessions set center = 'lyon'")
    row = await desk.deliver(await desk.send(await desk.participant("ada")))
    assert (row["status"], row["reason"]) == ("failed", "template_failed")
    assert row["detail"].startswith("the address for answers: ")
