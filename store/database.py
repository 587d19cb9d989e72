"""The connection to PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# For a connection of the pool, where all are in use; then the caller fails, and is repeated.
POOL_WAIT = timedelta(seconds=30)


def driver_url(url: str) -> str:
    """Return `url` with our driver named: plain `postgresql://` is what everybody else writes.

    Raises ValueError, never quoting the URL, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("a database is written postgresql://user:password@host:port/name") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError(f"DATABASE_URL must name PostgreSQL (postgresql://…), not {parsed.drivername!r}")
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Store:
    """One pool of connections; a transaction is one request or one activity."""

    def __init__(
        self, url: str, pool_size: int = 10, *, ping: bool = True, prepare_at_once: bool = False
    ) -> None:
        """`ping` asks a pooled connection whether it lives before it is used.

        Who repeats what failed, as activities do, need not pay for that: one dead connection empties the pool.
        `prepare_at_once` has each statement prepared when a connection first meets it, for those who ask few, often.
        """
        self.engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT.total_seconds(),
            pool_pre_ping=ping,
            pool_use_lifo=True,  # the fewer are in use, the better each knows our statements
            hide_parameters=True,
            connect_args={"prepare_threshold": 0} if prepare_at_once else {},
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "connect", _speak_utc)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Begin at READ COMMITTED; commit at the end, roll back on an exception."""
        async with self.engine.begin() as db:
            yield db

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection on which every statement is a transaction of its own: two journeys fewer."""
        async with self._autocommit.connect() as db:
            yield db

    async def close(self) -> None:
        await self.engine.dispose()


def _speak_utc(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Read instants as UTC, whatever the server's own zone; and never wait on a lock for ever."""
    cursor = connection.cursor()
    cursor.execute("set time zone 'UTC'")
    cursor.execute("set lock_timeout = '30s'")
    cursor.close()
    connection.commit()
