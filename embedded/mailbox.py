"""The local mailbox: it speaks SMTP, keeps every mail as a file, and lets nothing leave this machine.

Tests use the same class, with faults. A message is accepted once its line is in `accepted.jsonl`: from then on
the mailbox has it, whether or not the client ever reads the 250.

As a process: `python -m embedded.mailbox --folder F --port P`, with faults by address (`faults.FaultsByAddress`).
"""

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from hmac import compare_digest
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from embedded.faults import Drop, Faults, FaultsByAddress

ACCEPTED = "accepted.jsonl"
LARGEST = 30_000_000

_log = logging.getLogger("relance.mailbox")
# aiosmtpd's own logger is told every address.
logging.getLogger("mail.log").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message the mailbox took: one line of `accepted.jsonl`."""

    message_id: str
    accepted_at: str  # ISO 8601, UTC
    recipients: list[str]
    nth: int  # how many times this message id has been accepted, this time included
    file: str


class Mailbox:
    """An SMTP server in the running event loop that keeps its mails in a folder."""

    def __init__(
        self,
        folder: Path,
        faults: Faults | None = None,
        *,
        tls: SSLContext | None = None,
        implicit_tls: bool = False,
        login: tuple[str, str] | None = None,
        largest: int = LARGEST,
    ) -> None:
        self.folder = folder
        self.faults = faults or Faults()
        self.port = 0
        self.connections = 0  # ever made
        self._tls, self._implicit_tls, self._login, self._largest = tls, implicit_tls, login, largest
        self._server: asyncio.Server | None = None
        self._open: set[_Protocol] = set()
        self._times: Counter[str] = Counter()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; 0 asks for a free one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._times = Counter(line.message_id for line in self.accepted())
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Protocol(self), host, port, ssl=self._tls if self._implicit_tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Stop listening and cut every connection. What was accepted stays. Safe to repeat."""
        if self._server is None:
            return
        self._server.close()
        await self.cut()
        await self._server.wait_closed()
        self._server = None

    async def cut(self) -> None:
        """Cut every connection, as a server does that goes down. New ones are welcome."""
        await asyncio.gather(*(protocol.cut() for protocol in list(self._open)))

    def accepted(self) -> list[Accepted]:
        """Return everything ever accepted, in order."""
        log = self.folder / ACCEPTED
        lines = log.read_text().splitlines(keepends=True) if log.exists() else []
        return [Accepted(**json.loads(line)) for line in lines if line.endswith("\n")]

    async def keep(self, envelope: Envelope) -> Accepted:
        """Write a message to its file, safe against a power cut, and then to the log: now it is accepted."""
        now = datetime.now(UTC)
        content = envelope.original_content or b""
        name = f"{now:%Y%m%dT%H%M%S.%f}Z-{secrets.token_hex(4)}.eml"
        await asyncio.to_thread(_write, self.folder, name, content)
        message_id = _message_id(content)
        self._times[message_id] += 1
        accepted = Accepted(
            message_id, now.isoformat(), list(envelope.rcpt_tos), self._times[message_id], name
        )
        with (self.folder / ACCEPTED).open("a") as log:
            log.write(json.dumps(asdict(accepted)) + "\n")
        return accepted


class _Protocol(SMTP):
    """One connection."""

    def __init__(self, mailbox: Mailbox) -> None:
        login = mailbox._login
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of passwords without encryption; ours open nothing
            super().__init__(
                _Handler(mailbox),
                data_size_limit=mailbox._largest,
                enable_SMTPUTF8=True,
                hostname="mailbox",
                ident="Relance",
                tls_context=None if mailbox._implicit_tls else mailbox._tls,
                auth_required=login is not None,
                auth_require_tls=False,
                auth_exclude_mechanism=() if login else ("PLAIN", "LOGIN"),
                authenticator=_authenticator(login),
            )
        self._mailbox = mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._mailbox._open:  # made a second time after STARTTLS
            self._mailbox.connections += 1
            self._mailbox._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mailbox._open.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name, as all of these
        addresses = self.envelope.rcpt_tos if self.envelope else []
        fault = await self._mailbox.faults.at_data(addresses) if addresses else None
        if fault is None:
            await super().smtp_DATA(arg)
        elif isinstance(fault, Drop):
            await self.drop()
        else:
            await self.push(fault)

    async def drop(self) -> None:
        """Cut the connection without a word; never returns, since losing it ends the task that waits here."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        await asyncio.get_running_loop().create_future()

    async def cut(self) -> None:
        """Cut the connection from outside, and return when its task has ended."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        if self._handler_coroutine is not None:
            await asyncio.wait({self._handler_coroutine})


class _Handler:
    """What aiosmtpd asks about: recipients and messages."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-ENHANCEDSTATUSCODES", "250-PIPELINING", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = await self._mailbox.faults.at_rcpt(address)
        if fault is not None:
            return fault
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 accepted"

    async def handle_DATA(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope
    ) -> str:
        faults, addresses = self._mailbox.faults, list(envelope.rcpt_tos)
        fault = await faults.at_dot(addresses)
        if isinstance(fault, str):
            return fault
        if fault is Drop.BEFORE:
            await server.drop()
        try:
            # A client that hangs up meanwhile ends this task, but not the keeping: half a mail is nobody's.
            accepted = await asyncio.shield(self._mailbox.keep(envelope))
        except OSError as error:
            _log.error("the mailbox cannot write: %s", type(error).__name__)
            return "452 4.3.1 the mailbox cannot write"
        if fault is Drop.AFTER:
            await server.drop()
        await faults.before_reply(addresses)
        return f"250 2.0.0 kept as {accepted.file}"


def _authenticator(login: tuple[str, str] | None) -> Any:
    """Return aiosmtpd's check of a name and a password."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        right = (
            login is not None
            and isinstance(given, LoginPassword)
            and compare_digest(given.login, login[0].encode())
            and compare_digest(given.password, login[1].encode())
        )
        return AuthResult(success=right, handled=False)

    return check


def _message_id(content: bytes) -> str:
    head = content.partition(b"\r\n\r\n")[0]
    return str(BytesHeaderParser().parsebytes(head).get("Message-ID", "")).strip()


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that is either there as a whole or not at all."""
    unfinished = folder / f".{name}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / name)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def run(folder: Path, host: str, port: int) -> None:
    """Be a mailbox until SIGTERM or SIGINT. The first line of output is the port."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    mailbox = Mailbox(folder, FaultsByAddress())
    sys.stdout.write(f"{await mailbox.start(host, port)}\n")
    sys.stdout.flush()
    await stop.wait()
    await mailbox.stop()


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m embedded.mailbox", description="Catch mails in a folder.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    given = parser.parse_args(arguments)
    asyncio.run(run(given.folder, given.host, given.port))


if __name__ == "__main__":
    main()
