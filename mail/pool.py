"""Connections kept open between messages: a greeting, a handshake and a login cost more than a mail."""

import asyncio
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection, as far as keeping it goes."""

    @property
    def is_open(self) -> bool: ...

    def close(self) -> None: ...

    async def quit(self) -> None: ...


ConnectionT = TypeVar("ConnectionT", bound=Closable)


class Pool(Generic[ConnectionT]):
    """Places for at most `size` connections in use, and those that wait, open, to be used again."""

    def __init__(self, size: int, idle_timeout: float) -> None:
        self._places = asyncio.Semaphore(size)
        self._idle_timeout = idle_timeout
        self._idle: list[
            tuple[float, ConnectionT]
        ] = []  # the last used is taken first: the others may grow old
        self._is_closed = False

    async def enter(self) -> None:
        """Wait for a place."""
        if self._is_closed:
            raise RuntimeError("no connections are made any more")
        await self._places.acquire()

    def take(self) -> ConnectionT | None:
        """Return a connection that was left open, if there is one."""
        self._drop_old()
        return self._idle.pop()[1] if self._idle else None

    def leave(self) -> None:
        """Give up a place."""
        self._places.release()

    def keep(self, connection: ConnectionT) -> None:
        """Keep a connection for the next message, if it is still open."""
        if self._is_closed:
            connection.close()
        elif connection.is_open:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        self._drop_old()

    def _drop_old(self) -> None:
        oldest = asyncio.get_running_loop().time() - self._idle_timeout
        kept = []
        for since, connection in self._idle:
            if since > oldest and connection.is_open:
                kept.append((since, connection))
            else:
                connection.close()
        self._idle = kept

    async def aclose(self) -> None:
        """Say goodbye on every idle connection; those in use close when their message is settled."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for _, connection in idle))
