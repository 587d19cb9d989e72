"""A mail server that says exactly what a test wrote down, over a real connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


class Script:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard: list[bytes] = []

    async def say(self, *lines: str) -> None:
        """Write lines, each in a segment of its own."""
        for line in lines:
            self._writer.write(line.encode() + b"\r\n")
            await self._writer.drain()

    async def hear(self, line_starts: str = "") -> bytes:
        """Read one line, or all until the client hangs up; it starts as the test expects."""
        line = await self._reader.readline()
        self.heard.append(line)
        assert line.startswith(line_starts.encode()), f"{line!r} came in place of {line_starts}"
        return line

    async def greet(self, *extensions: str) -> None:
        await self.say("220 scripted")
        await self.hear("EHLO")
        await self.say("250-scripted", *(f"250-{word}" for word in extensions), "250 HELP")

    async def answer(self, command: str, *reply: str) -> None:
        await self.hear(command)
        await self.say(*reply)

    async def take_envelope(self) -> None:
        """Accept everything up to the body."""
        await self.answer("MAIL", "250 ok")
        await self.answer("RCPT", "250 ok")
        await self.answer("DATA", "354 go on")

    async def take_body(self) -> None:
        """Read until the final dot."""
        while await self.hear() not in (b".\r\n", b""):
            pass

    async def wait_for_the_end(self) -> bytes:
        """Return the rest of what the client writes, until it closes the connection in whatever way."""
        rest = bytearray()
        with suppress(ConnectionResetError):
            while piece := await self._reader.read(65536):
                rest += piece
        self.heard.append(bytes(rest))
        return bytes(rest)

    async def goodbye(self) -> None:
        await self.answer("QUIT", "221 bye")
        assert await self.wait_for_the_end() == b""

    def hang_up(self) -> None:
        self._writer.transport.abort()


class Server:
    """Where the script is played."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.visits: list[Script] = []
        self.played: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def end(self) -> None:
        """Wait until the script of one connection was played; fail as it failed."""
        error = await self.played.get()
        if error is not None:
            raise error


@asynccontextmanager
async def scripted(*scripts: Callable[[Script], Awaitable[None]]) -> AsyncIterator[Server]:
    """Serve the first connection by the first script, the second by the second."""
    waiting = list(scripts)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script, error = Script(reader, writer), None
        server.visits.append(script)
        try:
            await waiting.pop(0)(script)
        except BaseException as raised:
            error = raised
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        server.played.put_nowait(error)

    listening = await asyncio.start_server(play, "127.0.0.1", 0)
    server = Server(f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}?tls=none")
    async with listening:
        yield server
