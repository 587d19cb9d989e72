"""Handing mails over, with the point of no return between two calls.

Everything up to, not including, the final dot happens in `Relay.prepare`, and until then the server will throw
it all away. `HandOver.dot` is the rest. What lies between them, the fence (DESIGN 8), is the caller's.
"""

import ssl
from types import TracebackType
from typing import Self

from mail.compose import Message
from mail.conversation import BAD_SEQUENCE, CLOSING, Conversation, RefusedCc
from mail.outcomes import Ambiguous, Refused, RelayError, Reply, Unreachable
from mail.pool import Pool
from mail.relay import RelaySettings

__all__ = [
    "Ambiguous",
    "HandOver",
    "Message",
    "Refused",
    "Relay",
    "RelayError",
    "RelaySettings",
    "Reply",
    "Unreachable",
]


class HandOver:
    """A message the server has read up to its last line: say `dot`, or `abandon` it.

    As a context manager it abandons itself unless the dot was said. Either way its connection is free again.
    """

    def __init__(self, connection: Conversation, refused_cc: RefusedCc, pool: Pool[Conversation]) -> None:
        # The cc who get no mail: index in `Message.recipients`, and the server's code.
        self.refused_cc = refused_cc
        self._connection = connection
        self._pool = pool
        self._is_settled = False

    async def dot(self) -> Reply:
        """Send the final dot and return the server's 2xx: it has the mail.

        Raises Refused if it definitely has not; Unreachable if the connection was lost before the dot could
        leave; Ambiguous if nobody here can tell.
        """
        if self._is_settled:
            raise RuntimeError("this message was handed over or abandoned before")
        self._is_settled = True
        try:
            return await self._connection.dot()
        finally:
            self._pool.keep(self._connection)
            self._pool.leave()

    def abandon(self) -> None:
        """Close the connection without the dot: the server discards the message. Safe to repeat."""
        if not self._is_settled:
            self._is_settled = True
            self._connection.close()
            self._pool.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()


class Relay:
    """One SMTP server: connections are kept and used again, never more than the settings allow."""

    def __init__(self, settings: RelaySettings) -> None:
        self.settings = settings
        self._pool: Pool[Conversation] = Pool(settings.connections, settings.idle_timeout)
        self._name = settings.name
        self._tls = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca_file)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return a relay for `smtp://user:password@host:port?tls=…`; see `RelaySettings.from_url`."""
        return cls(RelaySettings.from_url(url))

    async def prepare(self, message: Message) -> HandOver:
        """Bring a message to the server up to its last line, waiting for a free connection if need be.

        Raises Refused if the server will not take it for the To, or at all, and Unreachable if it could not
        be brought there; in both cases nothing was handed over. A refused cc is noted in the hand-over only.
        """
        await self._pool.enter()
        try:
            return await self._prepare(message)
        except BaseException:
            self._pool.leave()
            raise

    async def check(self) -> None:
        """Greet the server, encrypt and log in, and keep the connection; raise Unreachable if that fails."""
        await self._pool.enter()
        try:
            self._pool.keep(await self._connected())
        finally:
            self._pool.leave()

    async def _prepare(self, message: Message) -> HandOver:
        kept = self._pool.take()
        if kept is not None:
            try:
                return await self._bring(kept, message)
            except Unreachable as error:
                # A server may close an idle connection at any moment, and says so only when spoken to.
                if error.stage == "body" or error.code not in (None, CLOSING, BAD_SEQUENCE):
                    raise
        fresh = await self._connected()
        return await self._bring(fresh, message)

    async def _connected(self) -> Conversation:
        connection = Conversation(self.settings, self._tls, self._name)
        try:
            await connection.open()
        except BaseException:
            connection.close()
            raise
        self._name = connection.name  # looked up once
        return connection

    async def _bring(self, connection: Conversation, message: Message) -> HandOver:
        try:
            refused_cc = await connection.envelope(message)
            await connection.send_body(message.body)
        except Refused:
            await connection.reset()
            self._pool.keep(connection)
            raise
        except BaseException:
            connection.close()
            raise
        return HandOver(connection, refused_cc, self._pool)

    async def aclose(self) -> None:
        """Close what is idle, politely. A message in hand may still be settled; no other is begun."""
        await self._pool.aclose()
