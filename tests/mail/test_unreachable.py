"""What lies between us and the server: nothing was handed over, and no recipient is to blame."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from embedded.mailbox import Mailbox
from mail.transport import Refused, Relay, RelaySettings, Unreachable
from tests.mail.letters import a_letter
from tests.mail.scripted import Script, scripted
from tests.mail.servers import deliver


async def test_a_server_that_is_not_there_is_unreachable(server: Mailbox, relay: Relay) -> None:
    await server.stop()
    with pytest.raises(Unreachable) as caught:
        await relay.prepare(a_letter())
    assert (caught.value.stage, caught.value.code) == ("connect", None)
    with pytest.raises(Unreachable):
        await relay.check()


async def test_a_server_that_says_nothing_is_unreachable() -> None:
    async def script(server: Script) -> None:
        await server.wait_for_the_end()

    async with scripted(script) as server:
        relay = Relay(replace(RelaySettings.from_url(server.url), connect_timeout=0.01))
        with pytest.raises(Unreachable) as caught:
            await relay.prepare(a_letter())
    assert (caught.value.stage, caught.value.code) == ("connect", None)


async def play_greeting(server: Script, reply: str) -> None:
    await server.say(reply)


async def play_ehlo(server: Script, reply: str) -> None:
    await server.say("220 scripted")
    await server.answer("EHLO", reply)


async def play_mail(server: Script, reply: str) -> None:
    await server.greet()
    await server.answer("MAIL FROM:<training@example.org>", reply)


async def play_rcpt(server: Script, reply: str) -> None:
    await server.greet()
    await server.answer("MAIL", "250 ok")
    await server.answer("RCPT TO:<claire@example.org>", reply)


async def play_data(server: Script, reply: str) -> None:
    await server.greet()
    await server.answer("MAIL", "250 ok")
    await server.answer("RCPT", "250 ok")
    await server.answer("DATA", reply)


@pytest.mark.parametrize(
    ("play", "reply", "stage", "code"),
    [
        (play_greeting, "554 no service", "connect", 554),
        (play_greeting, "421 too many connections", "connect", 421),
        (play_ehlo, "550 who are you", "connect", 550),
        (play_mail, "530 5.7.0 log in first", "mail", 530),
        (play_mail, "550 5.7.1 this sender may not", "mail", 550),
        (play_mail, "451 4.3.0 later", "mail", 451),
        (play_mail, "421 4.3.2 going down", "mail", 421),
        (play_mail, "gibberish", "mail", None),
        (play_rcpt, "530 5.7.0 log in first", "rcpt", 530),
        (play_rcpt, "421 4.3.2 going down", "rcpt", 421),
        (play_rcpt, "354 go on", "rcpt", 354),
        (play_data, "421 4.3.2 going down", "data", 421),
        (play_data, "250 ok", "data", 250),
    ],
)
async def test_what_is_our_fault_or_the_servers_is_not_the_recipients(
    play: Callable[[Script, str], Any], reply: str, stage: str, code: int | None
) -> None:
    async def script(server: Script) -> None:
        await play(server, reply)
        rest = await server.wait_for_the_end()
        assert not rest.startswith((b"RCPT", b"DATA", b"From"))

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        with pytest.raises(Unreachable) as caught:
            await relay.prepare(a_letter())
        await relay.aclose()
        await server.end()
    assert (caught.value.stage, caught.value.code) == (stage, code)


async def test_a_server_that_hangs_up_in_the_body_has_nothing() -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.hear("From")
        server.hang_up()

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        with pytest.raises(Unreachable) as caught:
            await relay.prepare(a_letter(text="x" * 20_000_000))
        await server.end()
    assert caught.value.stage == "body"


async def test_a_server_that_refuses_in_the_middle_of_the_body_has_refused() -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.hear("From")
        await server.say("552 5.3.4 enough")
        await server.wait_for_the_end()

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        with pytest.raises(Refused) as caught:
            await deliver(relay, a_letter(text="x" * 20_000_000))
        await server.end()
    assert caught.value.code == 552
    assert b"\r\n.\r\n" not in b"".join(server.visits[0].heard)


async def test_a_server_that_stops_reading_has_nothing_and_is_sent_no_more() -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await given_up.wait()
        assert len(await server.wait_for_the_end()) < len(message.body)

    message, given_up = a_letter(text="x" * 20_000_000), asyncio.Event()
    async with scripted(script) as server:
        relay = Relay(replace(RelaySettings.from_url(server.url), body_timeout=1))
        with pytest.raises(Unreachable) as caught:
            await relay.prepare(message)
        given_up.set()
        await server.end()
    assert caught.value.stage == "body"


async def take_all_but_the_dot(server: Script) -> None:
    await server.greet()
    await server.take_envelope()
    for _ in a_letter().body.splitlines():
        await server.hear()


@pytest.mark.parametrize(("last_words", "code"), [([], None), (["421 4.4.2 you slept"], 421)])
async def test_a_server_that_leaves_before_the_dot_has_nothing(
    relay: Relay, last_words: list[str], code: int | None
) -> None:
    async def script(server: Script) -> None:
        await take_all_but_the_dot(server)
        await server.say(*last_words)

    async with scripted(script) as server:
        hand_over = await Relay.from_url(server.url).prepare(a_letter())
        await server.end()
        await deliver(relay)  # elsewhere: the fence takes its time
        with pytest.raises(Unreachable) as caught:
            await hand_over.dot()
    assert (caught.value.stage, caught.value.code) == ("body", code)


@pytest.mark.parametrize("code", [451, 552])
async def test_a_server_that_refuses_before_the_dot_gets_none(relay: Relay, code: int) -> None:
    async def script(server: Script) -> None:
        await take_all_but_the_dot(server)
        await server.say(f"{code} changed my mind")
        said.set()
        assert await server.wait_for_the_end() == b""

    said = asyncio.Event()
    async with scripted(script) as server:
        hand_over = await Relay.from_url(server.url).prepare(a_letter())
        await said.wait()
        await deliver(relay)
        with pytest.raises(Refused) as caught:
            await hand_over.dot()
        await server.end()
    assert caught.value.code == code


async def test_replies_of_many_lines_in_many_pieces_are_one_reply() -> None:
    async def script(server: Script) -> None:
        await server.say("220-welcome", "220-to", "220 scripted")
        await server.answer("EHLO", "250-scripted", "250-SIZE 1000000", "250 HELP")
        await server.answer("MAIL", "250-2.1.0 well", "250 2.1.0 then")
        await server.answer("RCPT", "250-2.1.5 yes", "250 2.1.5 yes")
        await server.answer("DATA", "354-go", "354 on")
        await server.take_body()
        await server.say("250-2.0.0 taken", "250 2.0.0 thanks")
        await server.goodbye()

    async with scripted(script) as server:
        relay = Relay.from_url(server.url)
        hand_over = await relay.prepare(a_letter())
        reply = await hand_over.dot()
        await relay.aclose()
        await server.end()
    assert (reply.code, reply.enhanced, reply.text) == (250, "2.0.0", "2.0.0 taken\n2.0.0 thanks")
    assert f"SIZE={len(a_letter().body)}".encode() in server.visits[0].heard[1]
