"""How a mail server's answers, and its silences, end in the row."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from embedded.faults import FaultsByAddress
from embedded.mailbox import Mailbox
from tests.house import LivedInHouse, lived_in_house


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[Mailbox]:
    """A mail server that does what the addresses ask for."""
    mailbox = Mailbox(tmp_path / "outbox", FaultsByAddress())
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def house(
    temporal_env: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(temporal_env, database_url, sink) as house:
        yield house


async def become_due(house: LivedInHouse, *people: str) -> None:
    """Bring one mail for each person past its due time, a week before the session."""
    await house.people(*people)
    await house.session("s", await house.now() + timedelta(days=8), *people)
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    await house.advance(timedelta(days=1, minutes=1))


async def test_accepted_and_then_the_connection_died_is_in_doubt_and_never_sent_again(
    house: LivedInHouse,
) -> None:
    await become_due(house, "drop-after")
    await house.until_status("in_doubt")

    await house.advance(timedelta(days=30))

    send = await house.send()
    assert (send["status"], send["reason"]) == ("in_doubt", "connection_lost")
    assert len(house.accepted()) == 1


async def test_cut_off_at_the_dot_without_a_reply_is_in_doubt_too(house: LivedInHouse) -> None:
    """From here it looks the same as a mail that was accepted."""
    await become_due(house, "drop-before")
    await house.until_status("in_doubt")

    assert ((await house.send())["reason"], house.accepted()) == ("connection_lost", [])


@pytest.mark.parametrize("refusal", ["refuse-550", "dot-554"])
async def test_a_refusal_for_good_is_a_failure_with_its_code(house: LivedInHouse, refusal: str) -> None:
    await become_due(house, refusal)
    await house.until_status("failed")

    send = await house.send()
    assert (send["reason"], send["reply_code"], send["attempts"]) == ("refused", int(refusal[-3:]), 1)
    await house.advance(timedelta(days=30))
    assert house.accepted() == []


async def test_a_refusal_for_now_is_tried_again_as_the_same_mail(house: LivedInHouse) -> None:
    await become_due(house, "twice-451")
    await house.advance(timedelta(minutes=10))

    (mail,) = await house.mails(1)

    send = await house.send()
    assert send["attempts"] == 3
    assert mail["message_id"] == f"<{send['id']}@example.org>"
    assert [step["step"] for step in send["trace"]] == [
        "scheduled",
        "scheduled",
        "scheduled",
        "handing_over",
        "sent",
    ]


@pytest.mark.parametrize("refusal", ["later-451", "dot-451"])
async def test_a_refusal_for_now_that_lasts_expires_and_is_never_late(
    house: LivedInHouse, refusal: str
) -> None:
    """F077, L10: a mail before the session may leave until it starts."""
    await house.people(refusal)
    await house.session("s", await house.now() + timedelta(days=1), refusal)
    await house.rule("r", {"anchor": "session.start", "offset": "-PT3H"})
    await house.advance(timedelta(days=1, minutes=1))
    await house.until_status("expired")

    send = await house.send()
    assert (send["reason"], house.accepted()) == ("too_late", [])


async def test_one_bad_address_does_not_hold_up_the_others(house: LivedInHouse) -> None:
    await become_due(house, "claire", "refuse-550", "drop-after", "tom")
    await house.until_status("failed")
    await house.until_status("in_doubt")

    statuses = {send["recipient"]: send["status"] for send in await house.sends()}
    assert statuses == {"claire": "sent", "refuse-550": "failed", "drop-after": "in_doubt", "tom": "sent"}


async def test_nobody_without_an_address_gets_a_mail_and_the_row_says_so(house: LivedInHouse) -> None:
    """F127"""
    await house.people("claire")
    await house.call("PUT", "/v1/people/claire", {"first_name": "Claire"})
    await house.session("s", await house.now() + timedelta(days=8), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    await house.advance(timedelta(days=2))
    await house.until_status("skipped")

    assert (await house.send())["reason"] == "no_address"


async def test_a_template_that_cannot_be_filled_fails_and_says_so(house: LivedInHouse) -> None:
    """F089: a session without an end has no `ends_at` to show."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=8), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    await house.call(
        "PUT", "/v1/templates/r", {"subject": "{{ session.ends_at | date }}", "html": "<p>Hi</p>"}
    )
    await house.advance(timedelta(days=2))
    await house.until_status("failed")

    send = await house.send()
    assert (send["reason"], house.accepted()) == ("template_failed", [])
    assert send["detail"].startswith("subject, line 1: ")


async def test_two_rules_with_one_template_send_it_once(house: LivedInHouse) -> None:
    """F085: whoever already received this template in the same context is skipped, whichever rule sent it."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=8), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P6D"}
    await house.call("POST", "/v1/rules", {"id": "again", "name": "A", "template": "r", "trigger": trigger})
    await house.call("POST", "/v1/rules/again/activate")
    await house.planned()

    await house.advance(timedelta(days=4))
    await house.until_status("skipped")

    assert [(send["rule"], send["status"], send["reason"]) for send in await house.sends()] == [
        ("r", "sent", None),
        ("again", "skipped", "already_received"),
    ]
    assert len(house.accepted()) == 1


async def test_nothing_personal_is_in_any_history(house: LivedInHouse) -> None:
    """PROTOCOLS L: exception texts quoted addresses."""
    await become_due(house, "claire", "refuse-550", "drop-after", "twice-451")
    await house.advance(timedelta(minutes=10))
    await house.until_status("failed")

    for send in await house.sends():
        history = await house.history(send)
        assert '"due_at"' in history
        for personal in ("@example.org", send["recipient"]):
            assert personal not in history
