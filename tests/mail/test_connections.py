"""Connections to a mail server: used again, never too many, given back whatever happens."""

import asyncio

import pytest

from embedded.faults import Drop
from embedded.mailbox import Mailbox
from mail.transport import Relay
from tests.mail.letters import a_letter
from tests.mail.scripted import Script, scripted
from tests.mail.servers import Moody, deliver, settings


async def test_one_connection_carries_many_mails(server: Mailbox, relay: Relay) -> None:
    for _ in range(5):
        await deliver(relay)
    assert (len(server.accepted()), server.connections) == (5, 1)


async def test_there_are_never_more_connections_than_allowed(server: Mailbox, relay: Relay) -> None:
    hand_overs = [await relay.prepare(a_letter()) for _ in range(3)]
    waiting = [asyncio.create_task(relay.prepare(a_letter())) for _ in range(2)]
    await asyncio.wait(waiting, timeout=0)
    assert not any(task.done() for task in waiting)
    hand_overs[0].abandon()
    await hand_overs[1].dot()
    for hand_over in [hand_overs[2], *await asyncio.gather(*waiting)]:
        await hand_over.dot()
    await asyncio.gather(*(deliver(relay) for _ in range(40)))
    assert len(server.accepted()) == 44
    assert server.connections == 4  # the abandoned one was replaced


async def test_every_way_a_mail_can_end_gives_its_place_back(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    for dot in (
        "451 4.0.0 later",
        "554 5.0.0 no",
        "421 4.0.0 bye",
        Drop.BEFORE,
        Drop.AFTER,
        "999 what",
        None,
    ):
        moody.dot = dot
        await asyncio.gather(*(deliver(relay) for _ in range(4)), return_exceptions=True)
    moody.dot, moody.rcpt = None, {"claire@example.org": "550 5.1.1 no"}
    await asyncio.gather(*(deliver(relay) for _ in range(4)), return_exceptions=True)
    moody.rcpt = {}
    for hand_over in [await relay.prepare(a_letter()) for _ in range(3)]:
        hand_over.abandon()


async def test_a_connection_that_went_stale_is_replaced_without_a_word(server: Mailbox, relay: Relay) -> None:
    await deliver(relay)
    await server.cut()
    await deliver(relay)
    assert (len(server.accepted()), server.connections) == (2, 2)


@pytest.mark.parametrize("last_word", ["421 4.4.2 idle too long", "503 5.5.1 nested MAIL", None])
async def test_a_connection_closed_as_it_is_used_again_is_replaced_once(last_word: str | None) -> None:
    async def first(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.take_body()
        await server.say("250 ok")
        await server.hear("MAIL")
        if last_word:
            await server.say(last_word)

    async def second(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.take_body()
        await server.say("250 ok")
        await server.goodbye()

    async with scripted(first, second) as server:
        relay = Relay.from_url(server.url)
        await deliver(relay)
        await deliver(relay)
        await relay.aclose()
        await server.end()
        await server.end()
    assert len(server.visits) == 2


async def test_a_connection_unused_for_too_long_is_not_used_again(server: Mailbox) -> None:
    relay = Relay(settings(server, idle_timeout=0))
    for _ in range(2):
        await deliver(relay)
    assert server.connections == 2
    await relay.aclose()


async def test_closing_says_goodbye_and_begins_nothing_new() -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.take_body()
        await server.say("250 ok")
        await server.goodbye()

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        await deliver(relay)
        await relay.aclose()
        await server.end()
        with pytest.raises(RuntimeError, match="no connections are made any more"):
            await relay.prepare(a_letter())


async def test_a_mail_in_hand_may_be_settled_after_closing(server: Mailbox, relay: Relay) -> None:
    hand_over = await relay.prepare(a_letter())
    await relay.aclose()
    await hand_over.dot()
    assert len(server.accepted()) == 1


async def test_a_check_greets_and_leaves_the_connection_for_the_first_mail(
    server: Mailbox, relay: Relay
) -> None:
    await relay.check()
    await deliver(relay)
    assert server.connections == 1
