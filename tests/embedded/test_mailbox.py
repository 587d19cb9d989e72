"""The local mailbox: what it says it has, it has; and it fails in every way a mail server can."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import Envelope

from embedded.faults import Drop, Faults, FaultsByAddress
from embedded.mailbox import ACCEPTED, Accepted, Mailbox
from mail.transport import Ambiguous, Refused, Relay, RelaySettings, Unreachable
from tests.mail.letters import a_letter
from tests.mail.servers import Moody, deliver, kept, settings

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def standing(folder: Path, faults: Faults | None = None) -> AsyncIterator[tuple[Mailbox, Relay]]:
    mailbox = Mailbox(folder, faults)
    await mailbox.start()
    relay = Relay(settings(mailbox))
    try:
        yield mailbox, relay
    finally:
        await relay.aclose()
        await mailbox.stop()


def files(mailbox: Mailbox) -> list[str]:
    return [path.name for path in mailbox.folder.iterdir()]


async def talk(port: int, *commands: str) -> str:
    """Write commands in one piece, as pipelining allows (RFC 2920), and return all that the server says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(f"{command}\r\n" for command in commands).encode())
    said = (await reader.read()).decode()
    writer.close()
    return said


async def test_a_mail_is_on_disk_and_in_the_log_before_its_client_hears_of_it(tmp_path: Path) -> None:
    moody = Moody()
    moody.holds_reply = True
    async with standing(tmp_path / "box", moody) as (mailbox, relay):
        message = a_letter("claire@example.org", "boss@example.org")
        hand_over = await relay.prepare(message)
        assert files(mailbox) == []
        waiting = asyncio.create_task(hand_over.dot())
        await moody.reached.wait()
        assert kept(mailbox) == [message.body]
        assert not waiting.done()
        moody.go_on.set()
        assert (await waiting).code == 250
        (line,) = (mailbox.folder / ACCEPTED).read_text().splitlines()
    assert json.loads(line) == {
        "message_id": "<one@example.org>",
        "accepted_at": mailbox.accepted()[0].accepted_at,
        "recipients": ["claire@example.org", "boss@example.org"],
        "nth": 1,
        "file": mailbox.accepted()[0].file,
    }


async def test_it_counts_how_often_it_got_the_same_mail_also_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        async with standing(tmp_path) as (mailbox, relay):
            for _ in range(2):
                await deliver(relay)
            await deliver(relay, a_letter(message_id=f"<{mailbox.port}@example.org>"))
    assert [line.nth for line in mailbox.accepted()] == [1, 2, 1, 3, 4, 1]
    assert len({line.file for line in mailbox.accepted()}) == 6


async def test_names_of_mails_sort_by_the_time_they_came(tmp_path: Path) -> None:
    async with standing(tmp_path) as (mailbox, relay):
        for _ in range(20):
            await deliver(relay)
    names = [line.file for line in mailbox.accepted()]
    assert names == sorted(names)


async def test_a_mail_cut_off_in_its_body_was_never_there(tmp_path: Path) -> None:
    async with standing(tmp_path) as (mailbox, relay):
        hand_over = await relay.prepare(a_letter())
        await mailbox.cut()
        with pytest.raises(Unreachable):
            await hand_over.dot()
        assert files(mailbox) == []


async def test_a_log_torn_by_a_crash_is_read_up_to_the_tear(tmp_path: Path) -> None:
    async with standing(tmp_path) as (mailbox, relay):
        await deliver(relay)
    with (tmp_path / ACCEPTED).open("a") as log:
        log.write('{"message_id": "<tw')
    assert [line.nth for line in mailbox.accepted()] == [1]


async def test_a_mailbox_that_cannot_write_asks_for_the_mail_again(tmp_path: Path) -> None:
    async with standing(tmp_path / "box") as (mailbox, relay):
        hand_over = await relay.prepare(a_letter())
        mailbox.folder.rmdir()
        with pytest.raises(Refused) as caught:
            await hand_over.dot()
        assert caught.value.code == 452
        mailbox.folder.mkdir()
        await deliver(relay)
        assert len(mailbox.accepted()) == 1


async def test_it_takes_what_modern_servers_take(tmp_path: Path) -> None:
    async with standing(tmp_path) as (mailbox, _):
        said = await talk(mailbox.port, "EHLO me", "MAIL FROM:<a@example.org> SIZE=30000001", "QUIT")
        for word in ("SIZE 30000000", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"):
            assert word in said
        assert "\r\n552 " in said
        said = await talk(
            mailbox.port,
            "EHLO me",
            "MAIL FROM:<zoé@example.org> BODY=8BITMIME SMTPUTF8",
            "RCPT TO:<zoé@example.org>",
            "DATA",
            "Message-ID: <é@example.org>\r\n\r\né\r\n.",
            "QUIT",
        )
        assert said.splitlines()[-2:][0].startswith("250 2.0.0 kept as")
        assert mailbox.accepted()[0].recipients == ["zoé@example.org"]


async def test_stopping_cuts_every_connection_and_a_new_start_takes_up_the_same_port(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    port = await mailbox.start()
    relay = Relay(settings(mailbox))
    await deliver(relay)
    await mailbox.stop()
    await mailbox.stop()
    with pytest.raises(Unreachable):
        await relay.prepare(a_letter())
    assert await mailbox.start(port=port) == port
    await deliver(relay)
    assert [line.nth for line in mailbox.accepted()] == [1, 2]
    await relay.aclose()
    await mailbox.stop()


async def test_a_client_that_hangs_up_while_it_is_held_leaves_its_mail_accepted(tmp_path: Path) -> None:
    moody = Moody()
    moody.holds_reply = True
    async with standing(tmp_path, moody) as (mailbox, relay):
        hand_over = await relay.prepare(a_letter())
        waiting = asyncio.create_task(hand_over.dot())
        await moody.reached.wait()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert len(mailbox.accepted()) == 1


async def test_a_client_that_hangs_up_while_its_mail_is_written_leaves_no_half_of_it(tmp_path: Path) -> None:
    class SlowDisk(Mailbox):
        async def keep(self, envelope: Envelope) -> Accepted:
            reached.set()
            await go_on.wait()
            accepted = await super().keep(envelope)
            done.set()
            return accepted

    reached, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    mailbox = SlowDisk(tmp_path)
    await mailbox.start()
    relay = Relay(settings(mailbox))
    hand_over = await relay.prepare(a_letter())
    waiting = asyncio.create_task(hand_over.dot())
    await reached.wait()
    waiting.cancel()
    await asyncio.wait({waiting})
    await mailbox.cut()
    go_on.set()
    await done.wait()
    assert kept(mailbox) == [a_letter().body]
    await mailbox.stop()


async def test_a_fault_can_cut_the_connection_before_the_body(tmp_path: Path) -> None:
    class CutAtData(Faults):
        async def at_data(self, addresses: Sequence[str]) -> Drop:
            return Drop.BEFORE

    async with standing(tmp_path, CutAtData()) as (_, relay):
        with pytest.raises(Unreachable) as caught:
            await relay.prepare(a_letter())
        assert caught.value.stage == "data"


@pytest.mark.parametrize(
    ("address", "error", "accepted"),
    [
        ("claire@example.org", None, 1),
        ("refuse-claire@example.org", None, 1),
        ("refuse-550@example.org", Refused(550, "5.0.0"), 0),
        ("later-451+claire@example.org", Refused(451, "4.0.0"), 0),
        ("dot-554@example.org", Refused(554, "5.0.0"), 0),
        ("dot-451@example.org", Refused(451, "4.0.0"), 0),
        ("drop-before@example.org", Ambiguous("connection"), 0),
        ("drop-after@example.org", Ambiguous("connection"), 1),
        ("wait-0s@example.org", None, 1),
        ("slow-0s@example.org", None, 1),
    ],
)
async def test_an_address_names_its_fault(
    tmp_path: Path, address: str, error: Exception | None, accepted: int
) -> None:
    async with standing(tmp_path, FaultsByAddress()) as (mailbox, relay):
        caught: Exception | None = None
        try:
            await deliver(relay, a_letter(address))
        except (Refused, Ambiguous) as raised:
            caught = raised
        assert repr(caught) == repr(error)
        assert len(mailbox.accepted()) == accepted


async def test_an_address_may_be_refused_twice_and_then_accepted(tmp_path: Path) -> None:
    async with standing(tmp_path, FaultsByAddress()) as (mailbox, relay):
        for _ in range(2):
            with pytest.raises(Refused):
                await deliver(relay, a_letter("twice-451@example.org"))
        await deliver(relay, a_letter("twice-451@example.org"))
        assert len(mailbox.accepted()) == 1


@asynccontextmanager
async def mailbox_process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Relay]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "embedded.mailbox",
        "--folder",
        str(folder),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield process, Relay(RelaySettings("127.0.0.1", port, tls="none"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_as_a_process_it_says_its_port_serves_and_stops_when_told(tmp_path: Path) -> None:
    async with mailbox_process(tmp_path) as (process, relay):
        await deliver(relay)
        with pytest.raises(Refused):
            await deliver(relay, a_letter("refuse-550@example.org"))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert [line.nth for line in Mailbox(tmp_path).accepted()] == [1]


async def test_killed_it_has_all_that_it_ever_said_it_had(tmp_path: Path) -> None:
    async with mailbox_process(tmp_path) as (process, relay):
        await asyncio.gather(*(deliver(relay) for _ in range(20)))
        process.kill()
        await process.wait()
    mailbox = Mailbox(tmp_path)
    assert sorted(line.nth for line in mailbox.accepted()) == list(range(1, 21))
    assert kept(mailbox) == [a_letter().body] * 20
