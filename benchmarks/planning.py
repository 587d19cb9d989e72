"""Planning one large session by one rule and by ten, beside a bare `INSERT … SELECT` of the same rows."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Event, Thread
from typing import Self
from uuid import UUID

import psutil
from rich.console import Console
from sqlalchemy import event

from benchmarks.filled import A_WEEK_BEFORE, Filled, filled
from benchmarks.measure import compare
from domain.planning import plan
from store.database import Store
from store.planning import load_snapshot, mark_planned, write_changes

PEOPLE = 10_000
RULES = (1, 10)

_COLUMNS = """
    id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id, occurrence, status,
    rule_version, due_at, latest_at, anchor_at, due_local, due_zone, zone_data, trace
"""

_BARE = f"insert into bare_sends select gen_random_uuid(), {_COLUMNS.split(',', 1)[1]} from kept_sends"


async def run(console: Console) -> None:
    """Print how fast a session of 10,000 participants is planned for the first time, and what that takes."""
    for rules in RULES:
        async with filled(1, PEOPLE) as house:
            for number in range(rules):
                await house.activate(f"r{number}", {**A_WEEK_BEFORE, "offset": f"-P{number + 1}D"})
            statements = await _statements(house)
            await _forget(house)
            new, known = _apart(house), _apart(house)
            await _compare(console, house, rules)
            console.print(
                f"  {statements} statements; {new:.0f} MB for new sends, {known:.0f} MB for known ones"
            )


def _apart(house: Filled) -> float:
    """Plan in a process of its own; return how many MB that took at the most, besides what the process is."""
    (session,) = house.sessions
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(_megabytes, house.url, session).result()


def _megabytes(url: str, session: UUID) -> float:
    async def peak() -> float:
        store = Store(url)
        async with store.transaction() as db:
            await db.exec_driver_sql("select 1")
        with _Peak() as memory:
            await _plan(store, session)
        await store.close()
        return memory.megabytes

    return asyncio.run(peak())


class _Peak:
    """What a process takes at the most while a block runs, besides what it had; looked at every few milliseconds."""

    def __enter__(self) -> Self:
        self._process, self._over = psutil.Process(), Event()
        self._before = self._rss()
        self._most = self._before
        self._watching = Thread(target=self._watch)
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()

    @property
    def megabytes(self) -> float:
        return (self._most - self._before) / 1e6

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._most = max(self._most, self._rss())

    def _rss(self) -> int:
        return int(self._process.memory_info().rss)


async def _statements(house: Filled) -> int:
    """Plan once; return how many statements that took."""
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(house.store.engine.sync_engine, "before_cursor_execute", count)
    await _plan(house.store, *house.sessions)
    event.remove(house.store.engine.sync_engine, "before_cursor_execute", count)
    return statements


async def _forget(house: Filled) -> None:
    async with house.store.transaction() as db:
        await db.exec_driver_sql("truncate sends cascade")


async def _compare(console: Console, house: Filled, rules: int) -> None:
    async with house.store.transaction() as db:
        await db.exec_driver_sql(f"create table kept_sends as select {_COLUMNS} from sends")
        await db.exec_driver_sql("create table bare_sends (like kept_sends)")
        await db.exec_driver_sql("alter table bare_sends add primary key (id)")

    async def ours() -> None:
        await _forget(house)
        await _plan(house.store, *house.sessions)

    async def bare() -> None:
        async with house.store.transaction() as db:
            await db.exec_driver_sql("truncate bare_sends")
        async with house.store.transaction() as db:
            await db.exec_driver_sql(_BARE)

    what = f"Sends planned, {PEOPLE:,} people in one session, {rules} rule{'s' if rules > 1 else ''}"
    await compare(console, what, PEOPLE * rules, ours, bare)


async def _plan(store: Store, session: UUID) -> None:
    """Plan a session as if it had just changed."""
    async with store.transaction() as db:
        await db.exec_driver_sql("update sessions set planned_version = 0")
        loaded = await load_snapshot(db, session)
        changes = plan(loaded.snapshot)
        await mark_planned(db, loaded)
        await write_changes(db, loaded.organization, session, changes)
