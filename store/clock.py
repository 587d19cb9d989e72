"""The one clock of every decision: `relance_now()` of the database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

WORST_SKEW = timedelta(seconds=2)

_READ = text("select relance_now(), clock_timestamp(), current_setting('synchronous_commit')")


async def check_clock(db: AsyncConnection) -> None:
    """Raise RuntimeError when this database must not decide about real mail (PROTOCOLS 27, 32)."""
    decides, real, durable = (await db.execute(_READ)).one()
    if abs(decides - real) > WORST_SKEW:
        raise RuntimeError("relance_now() runs apart from the real clock: this is a test database")
    if abs(datetime.now(UTC) - real) > WORST_SKEW:
        raise RuntimeError("this machine's clock and the database's are more than 2 s apart: set one by NTP")
    if durable == "off":
        raise RuntimeError("synchronous_commit is off: a crash could forget that a mail has left; turn it on")
