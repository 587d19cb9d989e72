"""Rehearsals: a write is made as for real, what it does to the mails is looked at, and then it never was.

What it made dirty is found by PostgreSQL's own mark on the rows (`xmin`), so that no write needs to know of this: it
leaves no savepoint behind, which would have marks of its own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outlook import Outlook
from store.caught_up import read_clock
from store.database import Store
from store.foresight import (
    Foreseen,
    Looked,
    RuleForm,
    foresee_rule,
    foresee_sessions,
    read_rule_forms,
    settle,
)
from store.locks import REHEARSAL
from store.written import look_anew

# Rows of this transaction alone. Whatever was behind before goes on being so, and is told with the rest of its session.
_MINE = "version > planned_version and xmin = cast(pg_current_xact_id() as xid)"

_TOUCHED = text(f"""
    with mine as (
        select id as session_id from sessions where {_MINE}
        union select session_id from participations where {_MINE}
        union select session_id from rules where {_MINE} and session_id is not null
    )
    select session_id from mine
""")

_TOUCHED_RULES = text(f"select id from rules where {_MINE} and session_id is null order by key")


async def rehearse(
    store: Store, write: Callable[["Rehearsal", AsyncConnection], Awaitable[None]]
) -> Foreseen:
    """Return what a write would come to; nothing of it lasts."""
    rehearsal = Rehearsal(store)
    try:
        async with rehearsal.transaction() as db:
            await write(rehearsal, db)
    except Rehearsed as rehearsed:
        return rehearsed.foreseen
    raise AssertionError("a rehearsal ends by raising")


class Rehearsed(Exception):  # noqa: N818 - nothing went wrong here
    """It was written, looked at, and taken back: this is what it would have come to."""

    def __init__(self, foreseen: Foreseen) -> None:
        super().__init__()
        self.foreseen = foreseen


class Rehearsal(Store):
    """A store whose transactions are taken back when they end, by raising `Rehearsed`; no mail waits for them.

    What they do to sessions is looked at in the transaction itself; the mails of a rule are so afterwards, without a
    lock, since they may be many.
    """

    def __init__(self, store: Store) -> None:
        self.engine, self._autocommit = store.engine, store._autocommit
        self._rules: set[UUID] = set()
        self._noted = Outlook()

    def look_at(self, rule: UUID) -> None:
        """Have a rule's mails looked at, whether it is written or not; call it in the transaction."""
        self._rules.add(rule)

    def note(self, outlook: Outlook) -> None:
        """Note what the transaction does to mails itself, leaving nothing of it to planning."""
        self._noted = self._noted.merge(outlook)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self.engine.connect() as db:
            await db.execution_options(**{REHEARSAL: True})
            transaction = await db.begin()
            try:
                since = await read_clock(db)
                yield db
                looked, forms = await self._look(db, since)
            finally:
                await transaction.rollback()
        foreseen = await settle(self.engine, looked)
        for form in forms:
            foreseen = foreseen.merge(await foresee_rule(self.engine, form))
        raise Rehearsed(foreseen)

    async def _look(self, db: AsyncConnection, since: datetime) -> tuple[Looked, list[RuleForm]]:
        await look_anew(db)
        sessions = set((await db.execute(_TOUCHED)).scalars())
        rules = {*(await db.execute(_TOUCHED_RULES)).scalars(), *self._rules}
        return await foresee_sessions(db, sessions, since, self._noted), await read_rule_forms(db, rules)
