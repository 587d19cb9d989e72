"""Planning one large session by one rule and by ten, beside a bare `INSERT … SELECT` of the same rows."""

import psutil
from rich.console import Console
from sqlalchemy import event

from benchmarks.filled import A_WEEK_BEFORE, Filled, filled
from benchmarks.measure import compare
from domain.planning import plan
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
            statements, megabytes = await _first(house)
            await _compare(console, house, rules)
            console.print(f"  {statements} statements; {megabytes:.0f} MB more at the most")


async def _first(house: Filled) -> tuple[int, float]:
    """Plan once; return how many statements that took, and how much memory this process gained."""
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    process = psutil.Process()
    before = process.memory_info().rss
    event.listen(house.store.engine.sync_engine, "before_cursor_execute", count)
    await _plan(house)
    event.remove(house.store.engine.sync_engine, "before_cursor_execute", count)
    return statements, (process.memory_info().rss - before) / 1e6


async def _compare(console: Console, house: Filled, rules: int) -> None:
    async with house.store.transaction() as db:
        await db.exec_driver_sql(f"create table kept_sends as select {_COLUMNS} from sends")
        await db.exec_driver_sql("create table bare_sends (like kept_sends)")
        await db.exec_driver_sql("alter table bare_sends add primary key (id)")

    async def ours() -> None:
        async with house.store.transaction() as db:
            await db.exec_driver_sql("truncate sends cascade")
            await db.exec_driver_sql("update sessions set planned_version = 0")
        await _plan(house)

    async def bare() -> None:
        async with house.store.transaction() as db:
            await db.exec_driver_sql("truncate bare_sends")
        async with house.store.transaction() as db:
            await db.exec_driver_sql(_BARE)

    what = f"Sends planned, {PEOPLE:,} people in one session, {rules} rule{'s' if rules > 1 else ''}"
    await compare(console, what, PEOPLE * rules, ours, bare)


async def _plan(house: Filled) -> None:
    """Plan the session as if for the first time."""
    (session,) = house.sessions
    async with house.store.transaction() as db:
        await db.exec_driver_sql("update sessions set planned_version = 0")
        loaded = await load_snapshot(db, session)
        changes = plan(loaded.snapshot)
        await mark_planned(db, loaded)
        await write_changes(db, loaded.organization, session, changes)
