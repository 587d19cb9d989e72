"""Cancelled, moved or changed with the body on the wire: nothing has left yet, and nothing leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.delivery import Leases
from embedded.mailbox import Mailbox
from mail.compose import Message
from mail.transport import HandOver, Relay
from tests.house import LivedInHouse, lived_in_house


class PausingRelay(Relay):
    """Stops between the body and the fence when it is told to, with the body on the wire."""

    body_is_out: asyncio.Event
    go_on: asyncio.Event

    def listen(self) -> "PausingRelay":
        self.body_is_out, self.go_on = asyncio.Event(), asyncio.Event()
        return self

    async def prepare(self, message: Message) -> HandOver:
        hand_over = await super().prepare(message)
        self.body_is_out.set()
        await self.go_on.wait()
        return hand_over


@pytest.fixture
def relay(sink: Mailbox) -> PausingRelay:
    return PausingRelay.from_url(f"smtp://127.0.0.1:{sink.port}").listen()


@pytest.fixture
async def house(
    temporal_env: WorkflowEnvironment, database_url: str, sink: Mailbox, relay: PausingRelay
) -> AsyncIterator[LivedInHouse]:
    leases = Leases(claim=timedelta(seconds=30), hand_over=timedelta(minutes=6))
    async with lived_in_house(temporal_env, database_url, sink, leases=leases, relay=relay) as house:
        yield house


async def begin_a_mail(house: LivedInHouse, relay: PausingRelay) -> asyncio.Task[None]:
    """Bring one mail to where only the dot is missing; the task lets time pass until it is settled."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=8), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    passing = asyncio.create_task(house.advance(timedelta(days=2)))
    await relay.body_is_out.wait()
    return passing


async def test_a_cancel_acknowledged_with_the_body_on_the_wire_means_no_mail(
    house: LivedInHouse, relay: PausingRelay
) -> None:
    """DESIGN 14.3"""
    passing = await begin_a_mail(house, relay)
    send = await house.send()
    assert send["status"] == "claimed"

    answer = await house.call("POST", f"/v1/sends/{send['id']}/cancel")
    relay.go_on.set()
    await passing
    await house.planned()

    assert answer["status"] == "cancelled"
    assert (await house.send())["status"] == "cancelled"
    assert house.accepted() == []


async def test_a_move_acknowledged_with_the_body_on_the_wire_means_no_mail_with_the_old_date(
    house: LivedInHouse, relay: PausingRelay
) -> None:
    now = await house.now()
    passing = await begin_a_mail(house, relay)

    await house.session("s", now + timedelta(days=28))
    relay.go_on.set()
    await passing
    assert (await house.send())["status"] == "scheduled"
    assert house.accepted() == []
    await house.advance(timedelta(days=20))

    assert len(await house.mails(1)) == 1


async def test_a_rule_deactivated_with_the_body_on_the_wire_sends_nothing(
    house: LivedInHouse, relay: PausingRelay
) -> None:
    """F070"""
    passing = await begin_a_mail(house, relay)

    await house.call("POST", "/v1/rules/r/deactivate")
    relay.go_on.set()
    await passing
    await house.planned()

    assert ((await house.send())["status"], house.accepted()) == ("removed", [])


async def test_an_address_corrected_with_the_body_on_the_wire_is_the_address_used(
    house: LivedInHouse, relay: PausingRelay
) -> None:
    """F038"""
    passing = await begin_a_mail(house, relay)

    await house.call("PUT", "/v1/people/claire", {"email": "claire.new@example.org"})
    relay.go_on.set()
    await passing

    (mail,) = await house.mails(1)
    assert mail["recipients"] == ["claire.new@example.org"]


async def test_a_template_rewritten_with_the_body_on_the_wire_leaves_with_its_new_words(
    house: LivedInHouse, relay: PausingRelay
) -> None:
    passing = await begin_a_mail(house, relay)

    words = {"subject": "Another room", "html": "<p>We meet in B 204.</p>"}
    await house.call("PUT", "/v1/templates/r", words)
    relay.go_on.set()
    await passing

    (mail,) = await house.mails(1)
    assert "\nSubject: Another room\n" in (house.sink.folder / mail["file"]).read_text()
