"""Whose turn is it to sweep, what was repaired, and how far has the epoch come?"""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from domain.upkeep import Repair
from store.figures import Figures, read_figures
from store.signals import list_unsignalled, mark_signalled
from store.upkeep import begin_round, count_repairs, list_repairs, lock_epoch, set_epoch
from tests.store.store_rows import WEEK, Rows

HALF_MINUTE = timedelta(seconds=30)


async def turn(rows: Rows) -> bool:
    async with rows.store.transaction() as db:
        return await begin_round(db, HALF_MINUTE)


async def test_however_many_ask_one_sweeps_each_interval(rows: Rows) -> None:
    rounds = []
    for _ in range(3):
        rounds.append(sum(await asyncio.gather(*[turn(rows) for _ in range(10)])))
        await rows.advance(HALF_MINUTE)

    assert rounds == [1, 1, 1]


async def test_a_clock_set_back_does_not_keep_everybody_from_sweeping(rows: Rows) -> None:
    await rows.advance(WEEK)
    assert await turn(rows)
    await rows.advance(-WEEK)

    assert await turn(rows)
    assert not await turn(rows)


async def test_repairs_add_up_and_those_never_made_are_told_as_none(rows: Rows) -> None:
    for counted in ({Repair.SESSION: 2, Repair.RULE: 0}, {Repair.SESSION: 1, Repair.DOUBT: 1}, {}):
        async with rows.store.transaction() as db:
            await count_repairs(db, counted)

    async with rows.store.transaction() as db:
        repairs = await list_repairs(db)
    assert {kind: count for kind, count in repairs.items() if count} == {Repair.SESSION: 3, Repair.DOUBT: 1}
    assert set(repairs) == set(Repair)
    assert await rows.one("select count(*) from repairs where last_at is not null") == 2


async def test_nobody_looks_at_the_epoch_while_somebody_advances_it(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        await set_epoch(db, await lock_epoch(db) + 1)
        async with rows.store.transaction() as other:
            await other.exec_driver_sql("set local lock_timeout = '50ms'")
            with pytest.raises(OperationalError):
                await lock_epoch(other)
    async with rows.store.transaction() as db:
        assert await lock_epoch(db) == 1


async def figures(rows: Rows) -> Figures:
    async with rows.store.transaction() as db:
        return await read_figures(db)


async def test_the_figures_of_an_empty_house_are_all_there_and_0(rows: Rows) -> None:
    found = await figures(rows)

    assert set(found.repairs.values()) == set(found.sends.values()) == set(found.dirty.values()) == {0}
    assert set(found.dirty) == {"sessions", "participations", "rules"}
    assert (found.unsignalled, found.overdue_seconds) == (0, 0)


async def test_the_figures_tell_what_is_behind_and_since_when_a_mail_could_have_left(rows: Rows) -> None:
    session = await rows.planned("ada", "bob")
    async with rows.store.transaction() as db:
        await mark_signalled(db, (await list_unsignalled(db, [session], 10))[:1])
    await rows.edit_rule(offset="-P8D")
    await rows.session("S-2")
    await rows.participant(session, "cyd")
    await rows.advance(WEEK + timedelta(hours=1))
    await rows.execute(
        "update sends set next_attempt_at = relance_now() - interval '20 minutes' where signalled_version = 0"
    )

    found = await figures(rows)
    assert found.dirty == {"sessions": 1, "participations": 1, "rules": 1}
    assert found.unsignalled == 1
    assert {status: count for status, count in found.sends.items() if count} == {"scheduled": 2}
    assert 3600 <= found.overdue_seconds < 3700

    await rows.execute("update sends set turn_at = relance_now() + interval '1 minute'")
    assert (await figures(rows)).overdue_seconds == 0
