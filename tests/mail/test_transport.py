"""Handing over in a real SMTP conversation: the dot, and the body before it."""

import asyncio
import random
from dataclasses import replace

import pytest

from embedded.mailbox import Mailbox
from mail.transport import Refused, Relay
from tests.mail.letters import a_letter
from tests.mail.scripted import Script, scripted
from tests.mail.servers import Moody, deliver, kept

# The point of no return


async def test_nothing_is_accepted_before_the_dot_and_everything_after_it(
    server: Mailbox, relay: Relay
) -> None:
    message = a_letter()
    hand_over = await relay.prepare(message)
    assert server.accepted() == []
    reply = await hand_over.dot()
    assert (reply.code, reply.enhanced, reply.text[:13]) == (250, "2.0.0", "2.0.0 kept as")
    assert kept(server) == [message.body]
    assert server.accepted()[0].recipients == ["claire@example.org"]


async def test_a_mail_abandoned_with_its_body_on_the_wire_is_never_accepted(
    server: Mailbox, relay: Relay
) -> None:
    hand_over = await relay.prepare(a_letter())
    hand_over.abandon()
    hand_over.abandon()
    with await relay.prepare(a_letter()):
        pass
    await deliver(relay, a_letter(message_id="<two@example.org>"))
    assert [line.message_id for line in server.accepted()] == ["<two@example.org>"]


async def test_a_dot_is_said_once_and_never_after_abandoning(relay: Relay) -> None:
    hand_over = await relay.prepare(a_letter())
    await hand_over.dot()
    with pytest.raises(RuntimeError, match="handed over or abandoned before"):
        await hand_over.dot()
    abandoned = await relay.prepare(a_letter())
    abandoned.abandon()
    with pytest.raises(RuntimeError, match="handed over or abandoned before"):
        await abandoned.dot()


async def test_a_task_cancelled_before_the_dot_leaves_no_mail_and_no_place_taken(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    moody.holds_rcpt = True
    for _ in range(4):  # one more than there are places
        moody.reached.clear()
        preparing = asyncio.create_task(relay.prepare(a_letter()))
        await moody.reached.wait()
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing
    moody.holds_rcpt = False
    await deliver(relay)
    assert len(server.accepted()) == 1


async def test_a_cancelled_task_closes_its_connection_without_a_dot() -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.wait_for_the_end()

    async def prepare_and_wait(relay: Relay, prepared: asyncio.Event) -> None:
        with await relay.prepare(a_letter()):
            prepared.set()
            await asyncio.Event().wait()

    async with scripted(script) as server:
        prepared = asyncio.Event()
        waiting = asyncio.create_task(prepare_and_wait(Relay.from_url(server.url), prepared))
        await prepared.wait()
        waiting.cancel()
        await server.end()
        written = b"".join(server.visits[0].heard)
    assert written.endswith(a_letter().body)


async def test_a_task_cancelled_while_it_waits_for_the_reply_closes_its_connection(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    moody.holds_reply = True
    hand_over = await relay.prepare(a_letter())
    waiting = asyncio.create_task(hand_over.dot())
    await moody.reached.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    moody.holds_reply = False
    await deliver(relay)
    assert (len(server.accepted()), server.connections) == (2, 2)


# The body


@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        (b".", b".\r\n"),
        (b".\r\n", b".\r\n"),
        (b"..\r\n.\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\nb", b"a\r\n.\r\nb\r\n"),
        (b"a\n.\nb\n", b"a\r\n.\r\nb\r\n"),
        (b"a\r.\rb\r", b"a\r\n.\r\nb\r\n"),
        (b"a\r\n.\r", b"a\r\n.\r\n"),
        (b"a\n.\r\nQUIT\r\n", b"a\r\n.\r\nQUIT\r\n"),
        (b"\r\n", b"\r\n"),
        (b"no line break", b"no line break\r\n"),
    ],
)
async def test_no_body_ends_itself(server: Mailbox, relay: Relay, body: bytes, arrives: bytes) -> None:
    """RFC 5321, 4.5.2; and bare CR and LF, which some servers take for line breaks, are none of ours."""
    hand_over = await relay.prepare(replace(a_letter(), body=body))
    assert server.accepted() == []
    await hand_over.dot()
    assert kept(server) == [arrives]


async def test_any_body_of_dots_and_line_breaks_arrives_as_one_mail(server: Mailbox, relay: Relay) -> None:
    dice = random.Random(4512)
    bodies = ["".join(dice.choices([".", "\r\n", "\r\n.", "a", "..", "\r\n.\r\n"], k=20)) for _ in range(100)]
    for body in bodies:
        await deliver(relay, replace(a_letter(), body=body.encode()))
    assert kept(server) == [(body if body.endswith("\r\n") else f"{body}\r\n").encode() for body in bodies]


async def test_a_long_body_arrives_whole(server: Mailbox, relay: Relay) -> None:
    message = a_letter(text="Hello, hello.\n" * 200_000)
    await deliver(relay, message)
    assert kept(server) == [message.body]


async def test_an_address_outside_ascii_goes_to_a_server_that_takes_it(server: Mailbox, relay: Relay) -> None:
    await deliver(relay, a_letter("zoé@exämple.org"))
    assert server.accepted()[0].recipients == ["zoé@xn--exmple-cua.org"]


async def test_and_is_refused_for_a_server_that_does_not() -> None:
    async def script(server: Script) -> None:
        await server.greet("8BITMIME")
        await server.answer("RSET", "250 ok")
        await server.goodbye()

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        with pytest.raises(Refused) as caught:
            await relay.prepare(a_letter("zoé@example.org"))
        await relay.aclose()
        await server.end()
    assert (caught.value.code, caught.value.enhanced) == (553, "5.6.7")


async def test_an_envelope_made_by_hand_cannot_smuggle_a_command(relay: Relay) -> None:
    for address in (
        "a@b.org>\r\nRCPT TO:<eve@example.org",
        "a@b.org> SIZE=1",
        "a@b.org,eve@example.org",
        "",
        "-x",
    ):
        for message in (replace(a_letter(), recipients=(address,)), replace(a_letter(), sender=address)):
            with pytest.raises(ValueError, match="each one plain address"):
                await relay.prepare(message)
