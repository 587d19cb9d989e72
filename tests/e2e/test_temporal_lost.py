"""Temporal's disk is gone: the rows bring everything back, and no mail leaves twice (DESIGN 4, 14.2)."""

import shutil
from pathlib import Path

import pytest

from domain.upkeep import Repair
from store.upkeep import list_repairs
from tests.e2e.processes import HOWEVER_LATE, HouseApart, house_apart, soon, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


async def test_a_temporal_without_its_state_is_filled_again_by_the_first_worker(tmp_path: Path) -> None:
    """Nobody pokes anything: the worker's first sweep finds that the epoch is gone."""
    async with house_apart(tmp_path) as house:
        await house.api()
        worker = await house.worker()
        await house.crowd("early", soon(5), each=10)
        await house.crowd("later", soon(3600), sessions=3, each=10)
        await house.rule("r", "PT0S", anchor="session.end", **HOWEVER_LATE)
        await house.activate("r")
        await until(lambda: swept_and_sent(house, 10))
        await worker.stop()

        await lose_temporal(house)
        await house.worker()

        await until(lambda: repaired(house))
        await house.planned()
        assert await house.disagreements() == []
        await house.session("later-0", soon(-60), soon(1))
        await until(lambda: swept_and_sent(house, 20))
        assert [mail.nth for mail in house.mails()] == [1] * 20
        async with house.store.transaction() as db:
            repairs = await list_repairs(db)
        assert {kind: count for kind, count in repairs.items() if count} == {Repair.EPOCH: 30}


async def swept_and_sent(house: HouseApart, count: int) -> bool:
    """Return whether the epoch has begun, and so many mails have left."""
    ((epoch,),) = await house.execute("select epoch from upkeep")
    return bool(epoch > 0 and (await house.statuses())["sent"] == count)


async def repaired(house: HouseApart) -> bool:
    async with house.store.transaction() as db:
        return sum((await list_repairs(db)).values()) > 0


async def lose_temporal(house: HouseApart) -> None:
    """Stop Temporal, and start it at the same address with nothing in it."""
    temporal = house.parts.temporal
    port, ui_port = (int(address.rpartition(":")[2]) for address in (temporal.address, temporal.ui_url))
    await temporal.stop()
    shutil.rmtree(temporal.folder)
    await temporal.start(port, ui_port)
