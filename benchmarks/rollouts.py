"""A rule over many sessions: simulated, then rolled out, and what each send costs as they become more.

The workflows are not told here: `arming` measures that.
"""

import time
from collections.abc import Awaitable
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.planning import PlanningActivities, RollOutRequest
from benchmarks.filled import A_WEEK_BEFORE, Filled, filled
from domain.outlook import Kind
from store.foresight import foresee_rule, read_rule_forms
from store.signals import Unsignalled

PEOPLE = 20  # in each session
SESSIONS = (50, 500, 1_000, 5_000)


class Silent:
    """Tells nobody."""

    async def tell(self, send: Unsignalled) -> None: ...

    async def backlog(self) -> int:
        return 0


async def run(console: Console) -> None:
    """Print how long it takes, in all and for each send."""
    title = f"A rule over sessions of {PEOPLE}: planned and marked as told"
    table = Table("sends", "rolled out, s", "ms each", "simulated, s", "ms each", title=title)
    for column in table.columns:
        column.justify = "right"
    with console.status("") as status:
        for sessions in SESSIONS:
            count = sessions * PEOPLE
            status.update(f"{title}: {count:,} sends")
            async with filled(sessions, PEOPLE) as house:
                rule = await house.activate("r", A_WEEK_BEFORE)
                simulated = await _timed(_simulate(house, rule, count))
                rolled_out = await _timed(_roll_out(house, rule, count))
            figures = (f"{seconds:.1f} {seconds / count * 1000:.2f}" for seconds in (rolled_out, simulated))
            table.add_row(f"{count:,}", *" ".join(figures).split())
    console.print(table)


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _simulate(house: Filled, rule: UUID, count: int) -> None:
    async with house.store.transaction() as db:
        (form,) = await read_rule_forms(db, [rule])
    foreseen = await foresee_rule(house.store.engine, form)
    assert foreseen.outlook.count(Kind.APPEAR) == count, foreseen.outlook


async def _roll_out(house: Filled, rule: UUID, count: int) -> None:
    planning = PlanningActivities(house.store, Silent())
    progress = await ActivityEnvironment().run(planning.roll_out, RollOutRequest(rule))
    while progress.more:
        progress = await ActivityEnvironment().run(planning.roll_out, RollOutRequest(rule, progress))
    async with house.store.transaction() as db:
        told = await db.execute(text("select count(*) from sends where signalled_version = version"))
        assert told.scalar_one() == count
