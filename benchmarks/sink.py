"""A mail server that takes everything, writes down when, and costs next to nothing: what it took we do not measure.

As a process: `python -m benchmarks.sink FILE`. The first line of output is the port; FILE gets one line a mail, the
instant and the Message-ID.
"""

import asyncio
import re
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

_REPLIES = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"


class _Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, log: IO[str]) -> None:
        self._log = log
        self._buffer = b""
        self._in_data = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        assert self._transport
        self._buffer += data
        replies = b""
        while (reply := self._next()) is not None:
            replies += reply
        if replies:
            self._transport.write(replies)

    def _next(self) -> bytes | None:
        """Return the reply to the next whole command or message, None while there is none."""
        said, end, rest = self._buffer.partition(_END if self._in_data else b"\r\n")
        if not end:
            return None
        self._buffer = rest
        if self._in_data:
            self._in_data = False
            return self._take(said)
        verb = said[:4].upper()
        self._in_data = verb == b"DATA"
        return _REPLIES.get(verb, b"250 ok\r\n")

    def _take(self, message: bytes) -> bytes:
        found = _MESSAGE_ID.search(message)
        assert found, "a mail without a Message-ID"
        self._log.write(f"{datetime.now(UTC).isoformat()} {found[1].decode()}\n")
        return b"250 taken\r\n"


async def run(file: Path) -> None:
    """Take mails until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with file.open("a", buffering=1) as log:
        server = await loop.create_server(lambda: _Sink(log), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()
        server.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
