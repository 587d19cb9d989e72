"""A mail server with moods, and what tests do with it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from embedded.faults import Drop, Faults
from embedded.mailbox import Mailbox
from mail.compose import Message
from mail.transport import Relay, RelaySettings
from tests.mail.letters import a_letter


class Moody(Faults):
    """A server whose answers a test sets, and which it can hold up."""

    def __init__(self) -> None:
        self.rcpt: dict[str, str] = {}
        self.data: str | Drop | None = None
        self.dot: str | Drop | None = None
        self.holds_rcpt = self.holds_reply = False
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def at_rcpt(self, address: str) -> str | None:
        if self.holds_rcpt:
            await self._hold()
        return self.rcpt.get(address)

    async def at_data(self, addresses: Sequence[str]) -> str | Drop | None:
        return self.data

    async def at_dot(self, addresses: Sequence[str]) -> str | Drop | None:
        return self.dot

    async def before_reply(self, addresses: Sequence[str]) -> None:
        if self.holds_reply:
            await self._hold()

    async def _hold(self) -> None:
        self.reached.set()
        await self.go_on.wait()


def settings(server: Mailbox, **more: Any) -> RelaySettings:
    return RelaySettings("127.0.0.1", server.port, tls="none", **more)


async def deliver(relay: Relay, message: Message | None = None) -> None:
    with await relay.prepare(message or a_letter()) as hand_over:
        await hand_over.dot()


def kept(server: Mailbox) -> list[bytes]:
    """Return the mails the server accepted, in order."""
    return [(server.folder / line.file).read_bytes() for line in server.accepted()]
