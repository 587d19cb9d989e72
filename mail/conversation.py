"""A conversation in SMTP (RFC 5321), split before the final dot. No other file knows the protocol.

It stands on aiosmtplib for what is delicate at the start, TLS and logging in, and on its reader of replies. The
library writes a message and its dot in one go; here they are two steps, and a server that answers between them
is heard.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from typing import cast

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol, normalize_message_line_endings

from mail.compose import Message
from mail.outcomes import Ambiguous, Refused, RelayError, Reply, Unreachable
from mail.relay import RelaySettings

RefusedCc = tuple[tuple[int, int], ...]  # index in `Message.recipients`, reply code

_ADDRESS = re.compile(r"[^\s<>,;:]+@[^\s<>,;:]+")
_DOT_AT_LINE_START = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")  # RFC 2034
CLOSING = 421  # the server ends the connection, whatever it was asked (RFC 5321, 3.8)
BAD_SEQUENCE = 503  # it has not forgotten the message before
_START_INPUT = 354
_TOO_LARGE = 552
_LONGEST_TEXT = 1_000
# Replies about us and the server even where a recipient was asked for: log in first, or differently (RFC 4954, 6).
_LOGIN_WANTED = frozenset({530, 534, 535, 538})

# All that a broken conversation raises; TimeoutError is an OSError.
_BROKEN = (SMTPException, OSError)


class Conversation:
    """One conversation with a server, from the greeting to the goodbye; one message at a time."""

    def __init__(self, settings: RelaySettings, tls: ssl.SSLContext | None, name: str | None) -> None:
        self._settings = settings
        self._reply: asyncio.Task[SMTPResponse] | None = None
        self._smtp = SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=name,
            timeout=None,  # ours are around whole stages
            use_tls=settings.tls == "implicit",
            start_tls=False,  # a step of its own below: never skipped, never silently tried
            tls_context=tls,
        )

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    @property
    def name(self) -> str | None:
        """How we greet; looked up by the first connection."""
        return self._smtp.local_hostname

    async def open(self) -> None:
        """Connect, encrypt as the settings say, log in."""
        stage = "connect"
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await self._smtp.connect()
                await self._smtp.ehlo()
                if self._settings.tls == "starttls":
                    stage = "tls"
                    await self._smtp.starttls()
                    await self._smtp.ehlo()
                if self._settings.username is not None:
                    stage = "login"
                    await self._smtp.login(self._settings.username, self._settings.password or "")
                return
        except _BROKEN as error:
            failure = Unreachable(stage, _code(error))
        raise failure

    async def envelope(self, message: Message) -> RefusedCc:
        """Say who sends what to whom, and return the cc the server will not serve."""
        until = asyncio.get_running_loop().time() + self._settings.body_timeout
        reply = await self._ask(until, "mail", f"FROM:<{message.sender}>", *self._options(message))
        if reply.code == _TOO_LARGE:
            raise _refused(reply)
        _expect(reply.code // 100 == 2, "mail", reply)
        refused = []
        for index, recipient in enumerate(message.recipients):
            reply = await self._ask(until, "rcpt", f"TO:<{recipient}>")
            _expect(reply.code // 100 in (2, 4, 5) and reply.code not in _LOGIN_WANTED, "rcpt", reply)
            if reply.code >= 400 and index == 0:
                raise _refused(reply)
            if reply.code >= 400:
                refused.append((index, reply.code))
        reply = await self._ask(until, "data")
        if 400 <= reply.code <= 599:
            raise _refused(reply)
        _expect(reply.code == _START_INPUT, "data", reply)
        return tuple(refused)

    def _options(self, message: Message) -> list[str]:
        """Return the parameters of MAIL (RFC 1870, RFC 6152, RFC 6531)."""
        if not all(map(_ADDRESS.fullmatch, (message.sender, *message.recipients))):
            raise ValueError("a message needs a sender and recipients, each one plain address")
        options = [f"SIZE={len(message.body)}"] if self._smtp.supports_extension("size") else []
        if message.body.isascii() and all(map(str.isascii, (message.sender, *message.recipients))):
            return options
        if not self._smtp.supports_extension("smtputf8"):
            raise Refused(553, "5.6.7", "an address is not ASCII, and the server takes no others")
        return [*options, "BODY=8BITMIME", "SMTPUTF8"]

    async def _ask(self, until: float, stage: str, *words: str) -> SMTPResponse:
        """Return the server's answer to one command, or raise Unreachable if it is gone or going."""
        try:
            async with asyncio.timeout_at(until):
                reply = await self._protocol.execute_command(
                    stage.upper().encode(), *(word.encode() for word in words)
                )
        except _BROKEN as error:
            failure = Unreachable(stage, _code(error))
        else:
            if reply.code != CLOSING:
                return reply
            failure = Unreachable(stage, reply.code)
        raise failure

    async def send_body(self, body: bytes) -> None:
        """Write the message without its last line, and return once it has left this process."""
        lines = normalize_message_line_endings(body)  # ended by CRLF; no bare CR or LF for a server to repair
        try:
            protocol = self._protocol
            # The reader runs from here on: a server that answers or leaves before the dot is heard at once.
            self._reply = asyncio.create_task(protocol.read_response())
            transport = cast("asyncio.WriteTransport", protocol.transport)
            transport.set_write_buffer_limits(high=0)  # so that drained means empty
            async with asyncio.timeout(self._settings.body_timeout):
                protocol.write(_DOT_AT_LINE_START.sub(b"..", lines))
                await protocol._drain_helper()
            failure = self._answered()
        except _BROKEN:
            failure = self._answered() or Unreachable("body")
        if failure is not None:
            raise failure

    def _answered(self) -> RelayError | None:
        """Return what it means if a server did not wait for the dot."""
        if self._reply is None or not self._reply.done():
            return None
        if self._reply.exception() is not None:
            return Unreachable("body")
        reply = self._reply.result()
        if reply.code == CLOSING or not 400 <= reply.code <= 599:
            return Unreachable("body", reply.code)
        return _refused(reply)

    async def dot(self) -> Reply:
        """Send the final dot and return the 2xx to it, or close the connection and raise."""
        if self._reply is None:
            raise RuntimeError("there is no message to end")
        failure = self._answered()
        if failure is None:
            try:
                self._protocol.write(b".\r\n")
                response, self._reply = await self._answer(self._reply), None
                return _concluded(response)
            except Refused as refused:
                if refused.code != CLOSING:  # the connection is good for another message
                    raise
                failure = refused
            except Ambiguous as ambiguous:
                failure = ambiguous
            except _BROKEN:  # it was closed before the dot was written
                failure = Unreachable("body")
            except asyncio.CancelledError:
                self.close()
                raise
        self.close()
        raise failure

    async def _answer(self, reply: asyncio.Task[SMTPResponse]) -> SMTPResponse:
        """Return the reply to the dot; without one, nobody here can tell what became of the message."""
        try:
            async with asyncio.timeout(self._settings.reply_timeout):
                return await reply
        except TimeoutError:
            stage = "time-out"
        except _BROKEN:
            stage = "connection"
        raise Ambiguous(stage)

    async def reset(self) -> None:
        """Make the connection fit for another message, or close it."""
        if self._reply is None:
            try:
                async with asyncio.timeout(self._settings.body_timeout):
                    if (await self._protocol.execute_command(b"RSET")).code // 100 == 2:
                        return
            except _BROKEN:
                pass
            except asyncio.CancelledError:
                self.close()
                raise
        self.close()  # in the middle of a message, a command would be read as a part of it

    @property
    def _protocol(self) -> SMTPProtocol:
        if self._smtp.protocol is None:
            raise ConnectionResetError
        return self._smtp.protocol

    def close(self) -> None:
        """Drop the connection at once: what is not written yet never will be."""
        if self._reply is not None:
            self._reply.cancel()  # one that has failed is not logged about either, once this was called
        self._reply = None
        if self._smtp.transport is not None:
            cast("asyncio.WriteTransport", self._smtp.transport).abort()
        self._smtp.close()

    async def quit(self) -> None:
        with suppress(*_BROKEN):
            async with asyncio.timeout(1):  # it is only politeness
                await self._smtp.quit()
        self.close()


def _expect(condition: bool, stage: str, reply: SMTPResponse) -> None:
    if not condition:
        raise Unreachable(stage, reply.code)


def _concluded(reply: SMTPResponse) -> Reply:
    """Return what a reply to the dot means (RFC 5321, 4.2.1), or raise it."""
    if 200 <= reply.code <= 299:
        return Reply(reply.code, _enhanced(reply), _text(reply))
    if 400 <= reply.code <= 599:
        raise _refused(reply)
    raise Ambiguous("reply")


def _refused(reply: SMTPResponse) -> Refused:
    return Refused(reply.code, _enhanced(reply), _text(reply))


def _text(reply: SMTPResponse) -> str:
    """Return a server's words as a database can hold them: no stray bytes, no control characters, not endless."""
    clean = reply.message.encode("utf-8", "replace").decode()
    return "".join(letter for letter in clean if letter == "\n" or letter.isprintable())[:_LONGEST_TEXT]


def _enhanced(reply: SMTPResponse) -> str | None:
    found = _ENHANCED.match(reply.message)
    return found[1] if found else None


def _code(error: Exception) -> int | None:
    """Return the reply code inside an error, if the server said one."""
    code = error.code if isinstance(error, SMTPResponseException) else 0
    return code if 200 <= code <= 599 else None
