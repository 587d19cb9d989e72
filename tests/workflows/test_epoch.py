"""Temporal or PostgreSQL was lost, or restored from an older copy: it is noticed, and every send that waits is told again."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from control.client import SEARCH_ATTRIBUTES, connect
from control.epoch import TemporalEpoch
from control.search_attributes import ensure_search_attributes
from control.sweep import build_sweeper
from domain.upkeep import Repair
from embedded.mailbox import Mailbox
from embedded.processes import free_port
from embedded.temporal import TemporalServer
from store.database import Store
from tests.conftest import BINARIES
from tests.house import LivedInHouse, lived_in_house

HOUR = timedelta(hours=1)
HOUR_BEFORE = {"anchor": "session.start", "offset": "-PT1H"}
HOWEVER_LATE: dict[str, Any] = {
    "late": {"send_within": "PT1H"}
}  # what a loaded machine does to the plan is not asked here

# A server on the state in this folder, and a house that uses it; the database and the mail server stay the same.
Living = Callable[[Path], AbstractAsyncContextManager[LivedInHouse]]


@pytest.fixture
def living(database_url: str, sink: Mailbox) -> Living:
    @asynccontextmanager
    async def living(folder: Path) -> AsyncIterator[LivedInHouse]:
        server = TemporalServer(folder)
        await server.start(free_port(), free_port())
        try:
            env = WorkflowEnvironment.from_client(await connect(server.address))
            async with lived_in_house(env, database_url, sink) as house:
                yield house
        finally:
            await server.stop()

    return living


@pytest.fixture
async def house(
    dev_server: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(dev_server, database_url, sink) as house:
        yield house


async def plan_mails(house: LivedInHouse, session: str, *people: str) -> None:
    """Plan one mail each, due in an hour."""
    await house.people(*people)
    await house.session(session, await house.now() + 2 * HOUR, *people)


async def waits(house: LivedInHouse, send: dict[str, Any]) -> bool:
    """Return whether a workflow sleeps for this send."""
    try:
        description = await house.workflow(send).describe()
    except RPCError:
        return False
    return description.status is WorkflowExecutionStatus.RUNNING


async def send_them_all(house: LivedInHouse, *sessions: str) -> None:
    for session in sessions:
        await house.session(session, await house.now() + HOUR + timedelta(seconds=2))


async def test_a_new_temporal_gets_every_workflow_again_and_each_mail_leaves_once(
    living: Living, tmp_path: Path
) -> None:
    """Its state was deleted: not even our search attributes are there."""
    async with living(tmp_path / "old") as house:
        await ensure_search_attributes(house.env.client)
        await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
        await plan_mails(house, "s", "ada", "bob")
        await plan_mails(house, "t", "cyd")
        assert await house.sweep() == {}
        doubt, *others = await house.sends()
        await write(
            house,
            "update sends set status = 'in_doubt', token = gen_random_uuid() where id = :id",
            id=doubt["id"],
        )

    async with living(tmp_path / "new") as house:
        assert await house.sweep() == {Repair.EPOCH: 3}
        await house.planned()
        assert [await waits(house, send) for send in await house.sends()] == [True] * 3
        assert await house.sweep() == {}

        await send_them_all(house, "s", "t")
        await house.mails(2)
        assert await house.workflow(others[0]).result() == "sent"
        assert await waits(house, doubt)
        assert await house.repairs() == {Repair.EPOCH: 3}


async def test_a_temporal_restored_from_an_older_copy_is_noticed(living: Living, tmp_path: Path) -> None:
    """Of what was planned since the copy it knows nothing; what has left since it would send again."""
    async with living(tmp_path / "var") as house:
        await ensure_search_attributes(house.env.client)
        await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
        await plan_mails(house, "s", "ada", "bob")
        assert await house.sweep() == {}
    shutil.copytree(tmp_path / "var" / "temporal", tmp_path / "copy" / "temporal")
    async with living(tmp_path / "var") as house:
        await send_them_all(house, "s")
        await house.mails(2)
        await plan_mails(house, "t", "cyd")
        assert [await house.sweep(), await house.sweep()] == [{}, {}]

    async with living(tmp_path / "copy") as house:
        (late,) = await house.sends(session="t")
        assert not await waits(house, late)
        assert await house.sweep() == {Repair.EPOCH: 1}
        await house.planned()
        assert await waits(house, late)

        await send_them_all(house, "t")
        await house.mails(3)
        assert await house.sweep() == {}


async def test_a_postgresql_restored_from_an_older_copy_sends_nothing_twice(house: LivedInHouse) -> None:
    """What has left since the copy only the workflows know; what still waits is told again."""
    await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
    await plan_mails(house, "s", "ada", "bob")
    await plan_mails(house, "t", "cyd")
    for _ in range(3):
        assert await house.sweep() == {}
    await send_them_all(house, "s")
    await house.mails(2)

    await write(house, "update sends set status = 'scheduled', ended_at = null where status = 'sent'")
    await write(house, "update upkeep set epoch = 1")

    assert await house.sweep() == {Repair.EPOCH: 1}
    await house.planned()
    assert await house.repairs() == {Repair.EPOCH: 1, Repair.REPLY: 2}
    assert [send["status"] for send in await house.sends(session="s")] == ["sent"] * 2
    await send_them_all(house, "t")
    await house.mails(3)


async def write(house: LivedInHouse, statement: str, **values: object) -> None:
    async with house.store.transaction() as db:
        await db.execute(text(statement), values)


async def epochs(house: LivedInHouse) -> tuple[int, int | None]:
    """Return PostgreSQL's and Temporal's."""
    async with house.store.transaction() as db:
        ours = (await db.execute(text("select epoch from upkeep"))).scalar_one()
    return ours, await TemporalEpoch(house.env.client).read()


async def test_each_sweep_advances_both_and_the_first_one_repairs_nothing(house: LivedInHouse) -> None:
    await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
    await plan_mails(house, "s", "ada")
    assert await epochs(house) == (0, None)

    for epoch in (1, 2, 3):
        assert await house.sweep() == {}
        assert await epochs(house) == (epoch, epoch)


@pytest.mark.parametrize("ours", [0, 2])
async def test_a_crash_between_the_two_is_no_loss(house: LivedInHouse, ours: int) -> None:
    await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
    await plan_mails(house, "s", "ada")
    await TemporalEpoch(house.env.client).advance(ours + 1)
    await write(house, "update upkeep set epoch = :ours", ours=ours)

    assert await house.sweep() == {}
    assert await epochs(house) == (ours + 1, ours + 1)  # as far as a step taken twice


@pytest.mark.parametrize("ours", [1, 7])
async def test_whichever_of_the_two_is_behind_all_that_waits_is_told_again_once(
    house: LivedInHouse, ours: int
) -> None:
    """PostgreSQL was restored from an older copy, or Temporal was."""
    await house.rule("r", HOUR_BEFORE, **HOWEVER_LATE)
    await plan_mails(house, "s", "ada", "bob")
    await TemporalEpoch(house.env.client).advance(4)
    await write(house, "update upkeep set epoch = :ours", ours=ours)

    assert await house.sweep() == {Repair.EPOCH: 2}
    await house.planned()
    assert await house.sweep() == {}
    farther = max(ours, 4)
    assert await epochs(house) == (farther + 2, farther + 2)


async def test_a_new_temporal_is_given_its_schedule_again(dev_server: WorkflowEnvironment) -> None:
    for _ in range(2):
        await TemporalEpoch(dev_server.client, HOUR).prepare()

    (interval,) = (
        await dev_server.client.get_schedule_handle("relance-sweep").describe()
    ).schedule.spec.intervals
    assert interval.every == HOUR


async def test_workers_that_do_not_answer_are_no_loss(
    dev_server: WorkflowEnvironment, database_url: str
) -> None:
    store = Store(database_url)
    await TemporalEpoch(dev_server.client).advance(9)

    assert await build_sweeper(dev_server.client, store).sweep(HOUR) == {}

    async with store.transaction() as db:
        assert (await db.execute(text("select epoch from upkeep"))).scalar_one() == 0
    await store.close()


async def test_the_epoch_survives_a_history_that_grew_too_long(database_url: str, sink: Mailbox) -> None:
    short = ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=12"]
    env = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BINARIES / "temporal"),
        dev_server_extra_args=short,
        data_converter=pydantic_data_converter,
        search_attributes=SEARCH_ATTRIBUTES,
    )
    async with env, lived_in_house(env, database_url, sink) as house:
        handle = env.client.get_workflow_handle("relance-epoch")
        assert await house.sweep() == {}
        first = (await handle.describe()).run_id

        for _ in range(8):
            assert await house.sweep() == {}

        assert (await handle.describe()).run_id != first
        assert await epochs(house) == (9, 9)
