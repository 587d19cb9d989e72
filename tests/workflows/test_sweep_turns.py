"""Who calls for the sweep: a schedule of Temporal's, and a loop in each worker for the day Temporal is sick."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleDescription
from temporalio.testing import WorkflowEnvironment

from activities.sweep import Sweeper, Swept
from control.schedule import ensure_schedule
from control.sweep import build_sweeper, sweep_for_ever
from domain.upkeep import Sweeping
from embedded.mailbox import Mailbox
from tests.house import LivedInHouse, lived_in_house

SECOND = timedelta(seconds=1)
HALF_MINUTE = 30 * SECOND


@pytest.fixture
async def house(
    dev_server: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(dev_server, database_url, sink) as house:
        yield house


async def the_schedule(client: Client) -> ScheduleDescription:
    return await client.get_schedule_handle("relance-sweep").describe()


async def test_many_workers_make_one_schedule(dev_server: WorkflowEnvironment) -> None:
    await asyncio.gather(*[ensure_schedule(dev_server.client, HALF_MINUTE) for _ in range(5)])

    (interval,) = (await the_schedule(dev_server.client)).schedule.spec.intervals
    assert interval.every == HALF_MINUTE


async def test_a_new_setting_reaches_the_schedule_and_an_operators_pause_stays(
    dev_server: WorkflowEnvironment,
) -> None:
    await ensure_schedule(dev_server.client, HALF_MINUTE)
    await dev_server.client.get_schedule_handle("relance-sweep").pause(note="somebody looks at it")

    await ensure_schedule(dev_server.client, 2 * HALF_MINUTE)

    found = (await the_schedule(dev_server.client)).schedule
    assert [interval.every for interval in found.spec.intervals] == [2 * HALF_MINUTE]
    assert (found.state.paused, found.state.note) == (True, "somebody looks at it")


async def test_temporal_calls_for_sweeps_and_only_the_first_of_an_interval_is_one(
    house: LivedInHouse,
) -> None:
    await ensure_schedule(house.env.client, timedelta(hours=1))
    handle = house.env.client.get_schedule_handle("relance-sweep")

    results = []
    for called in (1, 2):
        await handle.trigger()

        async def has_called(called: int = called) -> bool:
            return len((await handle.describe()).info.recent_actions) == called

        await house.until(has_called)
        ran = (await handle.describe()).info.recent_actions[-1].action
        assert isinstance(ran, ScheduleActionExecutionStartWorkflow)
        workflow = house.env.client.get_workflow_handle(ran.workflow_id, result_type=Swept)
        results.append(await workflow.result())

    assert results == [Swept(0, turn=True), Swept(0, turn=False)]


async def test_of_many_who_call_at_once_one_sweeps(house: LivedInHouse) -> None:
    sweepers = [build_sweeper(house.env.client, house.store) for _ in range(8)]

    swept = await asyncio.gather(*[sweeper.take_turn(Sweeping()) for sweeper in sweepers])

    assert sorted(one.turn for one in swept) == [False] * 7 + [True]


class Recording(Sweeper):
    """Fails the first time, then it is somebody else's turn; says what it was called with."""

    def __init__(self) -> None:
        self.calls: list[Sweeping] = []
        self.enough = asyncio.Event()

    async def take_turn(self, sweeping: Sweeping) -> Swept:
        self.calls.append(sweeping)
        if len(self.calls) == 1:
            raise RuntimeError("PostgreSQL is away")
        if len(self.calls) == 5:
            self.enough.set()
        return Swept(0, turn=len(self.calls) > 2)


async def test_a_worker_first_asks_what_the_last_one_left_behind_and_does_not_stop_at_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until it has swept once it leaves nothing for a whole grace: only as long as a poke may take."""
    monkeypatch.setattr("control.sweep.PATIENCE", SECOND / 100)
    sweeper = Recording()
    sweeping = Sweeping(every=SECOND / 50, grace=SECOND)
    loop = asyncio.create_task(sweep_for_ever(sweeper, sweeping))
    await sweeper.enough.wait()
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop

    assert sweeper.calls == [Sweeping(SECOND / 100, SECOND / 100)] * 3 + [sweeping] * 2
