"""Where nothing goes wrong nothing is repaired, however much there is to do and however often the sweep looks."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from domain.upkeep import Repair
from tests.e2e.processes import HOWEVER_LATE, HouseApart, house_apart, soon, until

# RELANCE_LARGE=1 takes ten minutes or more.
LARGE = bool(os.environ.get("RELANCE_LARGE"))
SENDS, BURST = (20_000, 2_000) if LARGE else (2_000, 1_000)
EACH = 20  # people in a session

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800 if LARGE else 480)]

# Both a roll-out and a burst take many times as long.
GRACE = timedelta(seconds=3)
SWEEPS = {"RELANCE_SWEEP_EVERY": "PT2S", "RELANCE_SWEEP_GRACE": "PT3S"}

_SUSPECTS = """
    select (select count(*) from sends
            where signalled_version < version and changed_at < relance_now() - :grace) as untold,
           (select count(*) from sends
            where status = 'scheduled' and signalled_version = version
              and greatest(due_at, changed_at) < relance_now() - 2 * :grace) as overdue
"""


@dataclass
class Suspects:
    """The most sends at once that looked left behind to the sweep."""

    untold: int = 0
    overdue: int = 0


@asynccontextmanager
async def suspecting(house: HouseApart) -> AsyncIterator[Suspects]:
    """Look as the sweep does while the block runs: a test that nobody is ever suspected in shows nothing."""
    most = Suspects()

    async def look() -> None:
        while True:
            (row,) = await house.execute(_SUSPECTS, grace=GRACE)
            most.untold, most.overdue = max(most.untold, row.untold), max(most.overdue, row.overdue)
            await asyncio.sleep(0.2)

    looking = asyncio.create_task(look())
    try:
        yield most
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def test_a_healthy_run_ends_with_every_repair_at_0(tmp_path: Path) -> None:
    """A roll-out over thousands, a worker that joins in the middle of it, changes meanwhile; then many are due at once."""
    async with house_apart(tmp_path, **SWEEPS) as house:
        await house.api()
        await house.worker()
        await house.crowd("talk", soon(30 + SENDS / 75), sessions=BURST // EACH, each=EACH)
        await house.crowd("later", soon(10_000), sessions=(SENDS - BURST) // EACH, each=EACH)
        await house.rule("thanks", "PT0S", anchor="session.end", **HOWEVER_LATE)

        async with suspecting(house) as most:
            await house.activate("thanks")
            await until(lambda: told(house, SENDS // 10), pause=0.5)
            passing, so_far = await house.worker(), await sweeps(house)
            await house.participant("talk-0", "latecomer")
            await house.call("DELETE", "/v1/sessions/later-1/participants/later-1-0")
            await until(lambda: sweeps_reach(house, so_far + 4))
            await passing.stop()
            await until(lambda: rolled_out_and_sent(house), seconds=150 + SENDS / 15, pause=0.5)

        assert most.untold > 0
        assert most.overdue > 0
        statuses = await house.statuses()
        assert statuses["sent"] == len(house.mails()) == BURST + 1
        # Whoever left before it was their turn has no row at all.
        assert statuses["scheduled"] == SENDS - BURST - 1
        assert statuses.keys() <= {"sent", "scheduled", "removed"}
        assert await house.behind() == []
        assert await sweeps(house) > SENDS / 200
        assert await repairs(house) == dict.fromkeys(Repair, 0.0)


async def told(house: HouseApart, count: int) -> bool:
    """Return whether the workflows of so many sends know what their rows say."""
    ((known,),) = await house.execute("select count(*) from sends where signalled_version = version")
    return bool(known >= count)


async def rolled_out_and_sent(house: HouseApart) -> bool:
    """Return whether the rule has reached everybody, and nothing that is due waits any more."""
    ((ended,),) = await house.execute("""
        select not exists (select from rules where version > planned_version)
           and not exists (select from sends where signalled_version < version)
           and not exists (select from sends where due_at < relance_now() + interval '1 hour'
                                               and status in ('scheduled', 'claimed', 'handing_over'))
    """)
    return bool(ended)


async def sweeps(house: HouseApart) -> int:
    """Return how often somebody has swept: each sweep advances the epoch."""
    ((epoch,),) = await house.execute("select epoch from upkeep")
    return int(epoch)


async def sweeps_reach(house: HouseApart, count: int) -> bool:
    return await sweeps(house) >= count


async def repairs(house: HouseApart) -> dict[Repair, float]:
    """Return what the API's metrics say of repairs."""
    found = {}
    for line in (await house.http.get("/metrics")).text.splitlines():
        if line.startswith("relance_repairs_total"):
            kind, value = line.removeprefix('relance_repairs_total{kind="').split('"} ')
            found[Repair(kind)] = float(value)
    return found
