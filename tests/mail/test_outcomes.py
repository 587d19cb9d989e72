"""How a hand-over ends: what the server has then, and what is said of it."""

import gc
import traceback
from pathlib import Path

import pytest

from embedded.faults import Drop
from embedded.mailbox import Mailbox
from mail.transport import Ambiguous, HandOver, Refused, Relay, RelayError
from tests.mail.letters import a_letter
from tests.mail.scripted import Script, scripted
from tests.mail.servers import Moody, deliver, settings

# A definite no


@pytest.mark.parametrize(
    ("reply", "permanent", "bad_address"),
    [
        ("550 5.1.1 no such user", True, True),
        ("550 no such user", True, False),
        ("552 5.2.2 the box is full", True, False),
        ("451 4.3.0 come back later", False, False),
        ("450 4.1.1 greylisted", False, False),
    ],
)
async def test_a_refused_recipient_ends_before_the_body_and_keeps_the_connection(
    server: Mailbox, relay: Relay, moody: Moody, reply: str, permanent: bool, bad_address: bool
) -> None:
    moody.rcpt = {"claire@example.org": reply}
    with pytest.raises(Refused) as caught:
        await relay.prepare(a_letter())
    assert caught.value.code == int(reply[:3])
    assert (caught.value.permanent, caught.value.bad_address) == (permanent, bad_address)
    assert caught.value.text == reply[4:]
    moody.rcpt = {}
    await deliver(relay)
    assert (len(server.accepted()), server.connections) == (1, 1)


@pytest.mark.parametrize(("reply", "permanent"), [("451 4.3.0 later", False), ("554 5.6.0 never", True)])
async def test_a_message_refused_at_the_dot_was_not_accepted_and_keeps_the_connection(
    server: Mailbox, relay: Relay, moody: Moody, reply: str, permanent: bool
) -> None:
    moody.dot = reply
    hand_over = await relay.prepare(a_letter())
    with pytest.raises(Refused) as caught:
        await hand_over.dot()
    assert (caught.value.code, caught.value.permanent) == (int(reply[:3]), permanent)
    moody.dot = None
    await deliver(relay)
    assert (len(server.accepted()), server.connections) == (1, 1)


async def test_a_message_refused_at_data_was_refused(relay: Relay, moody: Moody) -> None:
    moody.data = "554 5.7.1 no"
    with pytest.raises(Refused) as caught:
        await relay.prepare(a_letter())
    assert caught.value.code == 554


async def test_421_at_the_dot_is_a_no_and_the_end_of_the_connection(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    moody.dot = "421 4.3.2 going down"
    hand_over = await relay.prepare(a_letter())
    with pytest.raises(Refused) as caught:
        await hand_over.dot()
    assert not caught.value.permanent
    moody.dot = None
    await deliver(relay)
    assert (len(server.accepted()), server.connections) == (1, 2)


async def test_a_message_too_large_for_the_server_is_refused_at_once(tmp_path: Path) -> None:
    server = Mailbox(tmp_path, largest=1_000)
    await server.start()
    relay = Relay(settings(server))
    with pytest.raises(Refused) as caught:
        await relay.prepare(a_letter(text="x" * 2_000))
    assert (caught.value.code, caught.value.permanent) == (552, True)
    await relay.aclose()
    await server.stop()


async def test_a_refused_cc_is_noted_and_the_to_gets_the_mail(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    moody.rcpt = {"b@example.org": "550 5.1.1 no", "d@example.org": "451 4.3.0 later"}
    hand_over = await relay.prepare(
        a_letter("a@example.org", "b@example.org", "c@example.org", "d@example.org")
    )
    assert hand_over.refused_cc == ((1, 550), (3, 451))
    await hand_over.dot()
    assert server.accepted()[0].recipients == ["a@example.org", "c@example.org"]


async def test_when_the_to_is_refused_no_cc_gets_the_mail(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    moody.rcpt = {"a@example.org": "550 5.1.1 no"}
    with pytest.raises(Refused):
        await relay.prepare(a_letter("a@example.org", "b@example.org"))
    assert server.accepted() == []


# A doubt


@pytest.mark.parametrize(("drop", "accepted"), [(Drop.BEFORE, 0), (Drop.AFTER, 1)])
async def test_a_connection_lost_after_the_dot_is_a_doubt_whatever_the_server_did(
    server: Mailbox, relay: Relay, moody: Moody, drop: Drop, accepted: int
) -> None:
    moody.dot = drop
    hand_over = await relay.prepare(a_letter())
    with pytest.raises(Ambiguous) as caught:
        await hand_over.dot()
    assert caught.value.stage == "connection"
    assert len(server.accepted()) == accepted


async def test_a_reply_that_does_not_come_is_a_doubt(server: Mailbox, moody: Moody) -> None:
    moody.holds_reply = True
    relay = Relay(settings(server, reply_timeout=0.01))
    hand_over = await relay.prepare(a_letter())
    with pytest.raises(Ambiguous) as caught:
        await hand_over.dot()
    assert caught.value.stage == "time-out"
    await relay.aclose()


@pytest.mark.parametrize("reply", ["what?", "999 what?", "354 go on", "150 hm"])
async def test_a_reply_that_means_nothing_is_a_doubt(reply: str) -> None:
    async def script(server: Script) -> None:
        await server.greet()
        await server.take_envelope()
        await server.take_body()
        await server.say(reply)
        await server.wait_for_the_end()

    async with scripted(script) as server:
        hand_over = await Relay.from_url(server.url).prepare(a_letter())
        with pytest.raises(Ambiguous):
            await hand_over.dot()
        await server.end()


# What is said of it


async def test_no_exception_says_an_address_or_what_the_server_said(
    server: Mailbox, relay: Relay, moody: Moody
) -> None:
    canary = "canary@example.org"
    words = f"5.1.1 <{canary}> is unknown, says canary-server"
    for faults in ({"rcpt": {canary: f"550 {words}"}}, {"data": f"451 {words}"}, {"dot": f"554 {words}"}):
        moody.rcpt, moody.data, moody.dot = {}, None, None
        for name, value in faults.items():
            setattr(moody, name, value)
        with pytest.raises(RelayError) as caught:
            await deliver(relay, a_letter(canary))
        error = caught.value
        told = f"{error} {error!r} {error.args} {''.join(traceback.format_exception(error))}"
        assert "canary" not in told.replace("canary = ", "").replace("a_letter(canary)", "")
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None


async def test_the_words_of_a_server_are_fit_to_be_kept(relay: Relay, moody: Moody) -> None:
    moody.dot = "554 \x00\x1b[31m no é " + "x" * 2_000
    with pytest.raises(Refused) as caught:
        await deliver(relay)
    assert caught.value.text[:10] == "[31m no é x"[:10]
    assert len(caught.value.text) == 1_000


async def test_nothing_is_left_unlooked_at_for_the_loop_to_complain_about(
    server: Mailbox, relay: Relay, moody: Moody, caplog: pytest.LogCaptureFixture
) -> None:
    hand_over: HandOver | None = await relay.prepare(a_letter())
    await server.cut()
    await deliver(relay)  # on another connection: meanwhile the loss of the first is heard
    assert hand_over is not None
    hand_over.abandon()
    moody.dot = Drop.AFTER
    with pytest.raises(Ambiguous):
        await deliver(relay)
    hand_over = None
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []
