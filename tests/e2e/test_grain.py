"""What concerns one person costs one person's work, and what planning never reads costs it nothing (DESIGN 4)."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.planning import PlanningActivities, PlanRequest
from domain.rules import RuleDefinition
from store.database import Store
from store.rules import activate_rule, fetch_rule_version, insert_rule, mark_rolled_out
from store.signals import Unsignalled
from tests.e2e.processes import HouseApart, Told, house_apart, soon
from tests.organizations import example_organization
from tests.store.store_rows import Rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PEOPLE = 3000
COUNTED = 300  # the second so many are compared with the last
FEW = 20

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

WORK = text("""
    select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables) as "rows read",
           (select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables) as "rows written",
           (select sum(idx_tup_read) from pg_stat_user_indexes) as "index entries read"
""")


class NobodyToTell:
    """Temporal is not what is counted here."""

    async def backlog(self) -> int:
        return 0

    async def tell(self, send: Unsignalled) -> None:
        pass


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[Rows]:
    """One connection, since each counts for itself."""
    store = Store(database_url, pool_size=1)
    async with store.transaction() as db:
        organization = await example_organization(db)
    yield Rows(store, organization)
    await store.close()


async def test_the_three_thousandth_enrolment_reads_and_writes_what_the_first_ones_did(
    rows: Rows, told: Told
) -> None:
    """3,000 people of one company, one by one into one session with 5 rules, while a sixth is switched off."""
    # What autovacuum learns at a moment of its own choosing changes plans between two measurements.
    for table in ("people", "participations", "sends"):
        await rows.execute(f"alter table {table} set (autovacuum_enabled = off)")
    session = await rows.session()
    company = await rows.company("acme")
    for number in range(4):
        await rule(rows, f"participants-{number}", "participants", f"-P{number + 1}D")
    await rule(rows, "companies", "companies", "-P1D")
    await rule(rows, "switched-off", "participants", "-P2D", active=False)
    planning = PlanningActivities(rows.store, NobodyToTell())
    inside = ActivityEnvironment()

    async def enrol(session: UUID, count: int) -> None:
        for _ in range(count):
            await rows.participant(session, f"p-{next(numbers)}", company=company)
            await inside.run(planning.plan_session, PlanRequest(session))
            await inside.run(planning.fan_out, PlanRequest(session))

    numbers = itertools.count()
    await enrol(session, COUNTED)
    first = await work_of(rows, lambda: enrol(session, COUNTED))
    await enrol(session, PEOPLE - 3 * COUNTED)
    last = await work_of(rows, lambda: enrol(session, COUNTED))
    other = await rows.session("S-2")
    await enrol(other, 1)
    await vacuum(rows)  # of an index it reads dead entries too, until they are cleared away
    here = await work_of(rows, lambda: enrol(session, FEW), FEW)
    there = await work_of(rows, lambda: enrol(other, FEW), FEW)

    told("an enrolment after 300 people", first)
    told("an enrolment after 2,700 people", last)
    told("an enrolment after 3,000 people, all tables analyzed", here)
    told("an enrolment of the first few of another session", there)
    planned = await rows.one("select count(*) from sends where session_id = :session", session=session)
    assert planned == 4 * (PEOPLE + FEW) + 1
    for work in (first, last, here, there):
        assert work["rows read"] <= 100
        assert work["rows written"] == 11
    assert here["index entries read"] <= there["index entries read"] + 100


async def test_a_session_under_steady_updates_does_not_starve_its_mails(tmp_path: Path, told: Told) -> None:
    """300 mails are due at once and expire after a minute; names change and people join until all have left.

    A new name stands for all that planning never reads: attendance and completion come later.
    """
    async with house_apart(tmp_path) as house:
        await asyncio.gather(house.api(), house.worker())
        await house.rule("before", "-PT1H", anchor="session.end", deliver_within="PT1M")
        await house.activate("before")
        await house.planned()
        await house.crowd("talk", soon(0) + 30 * DAY, each=300)
        await house.bring_close("talk-0")

        updates = Steady(50, lambda n: rename(house, f"talk-0-{n % 300}", n))
        enrolments = Steady(5, lambda n: house.participant("talk-0", f"new-{n}"))
        async with updates, enrolments:
            await house.mails_taken(1)
            await house.ended()

        told("updates and enrolments while 300 mails left", [updates.done, enrolments.done])
        assert updates.done > 50
        assert enrolments.done > 5
        statuses = Counter(send.status for send in await house.sends() if send.person.startswith("talk-0-"))
        assert statuses == {"sent": 300}
        assert set(await house.statuses()) == {"sent"}  # of those who joined in time as well


async def rename(house: HouseApart, key: str, number: int) -> None:
    await house.call("PUT", f"/v1/people/{key}", {"email": f"{key}@example.org", "last_name": f"{number}"})


class Steady:
    """Something done so many times a second while the block runs; less often where the API cannot keep up."""

    def __init__(self, rate: float, do: Callable[[int], Awaitable[None]]) -> None:
        self.done = 0
        self._rate, self._do = rate, do
        self._gate = asyncio.Semaphore(20)

    async def __aenter__(self) -> None:
        self._doing = asyncio.create_task(self._for_ever())

    async def __aexit__(self, *_: object) -> None:
        self._doing.cancel()
        with suppress(asyncio.CancelledError):
            await self._doing

    async def _for_ever(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                await self._gate.acquire()
                group.create_task(self._once(number))
                await asyncio.sleep(1 / self._rate)

    async def _once(self, number: int) -> None:
        await self._do(number)
        self.done += 1
        self._gate.release()


async def vacuum(rows: Rows) -> None:
    async with rows.store.engine.connect() as db:
        await (await db.execution_options(isolation_level="AUTOCOMMIT")).execute(text("vacuum analyze"))


async def rule(rows: Rows, key: str, audience: str, offset: str, active: bool = True) -> UUID:
    """Make a rule, rolled out over a session in which nobody is."""
    trigger = {"type": "date", "anchor": "session.start", "offset": offset}
    definition = RuleDefinition.model_validate({"audience": audience, "trigger": trigger})
    template = await rows.template(key)
    async with rows.store.transaction() as db:
        made = await insert_rule(
            db, rows.organization, key, name=key, template=template, definition=definition
        )
        if active:
            await activate_rule(db, made.id)
        await mark_rolled_out(db, made.id, await fetch_rule_version(db, made.id))
    return made.id


async def work_of(rows: Rows, do: Callable[[], Awaitable[None]], times: int = COUNTED) -> dict[str, float]:
    """Return what PostgreSQL read and wrote for each of so many enrolments."""
    before = await statistics(rows)
    await do()
    after = await statistics(rows)
    return {what: float(after[what] - before[what]) / times for what in after}


async def statistics(rows: Rows) -> dict[str, Any]:
    await rows.execute("select pg_stat_force_next_flush()")
    async with rows.store.transaction() as db:
        return dict((await db.execute(WORK)).one()._mapping)
