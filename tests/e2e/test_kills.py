"""A worker that is killed, or stopped, again and again while mails leave (DESIGN 8; PROTOCOLS 4, experiment A)."""

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests.e2e.forks import ForkedWorker
from tests.e2e.processes import HOWEVER_LATE, HouseApart, Told, house_apart, soon

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

MAILS, EACH = 500, 5
CONNECTIONS = 8  # of a worker: as many mails may be in doubt when it dies
HOUR = timedelta(hours=1)

SWEEPS = {"RELANCE_SWEEP_EVERY": "PT10S", "RELANCE_SWEEP_GRACE": "PT5S"}

# The mail server takes its time to answer, so that a kill finds mails in each of their states.
SLOW = "slow-0.15s+#@example.org"


@dataclass(frozen=True)
class Tally:
    """What became of the mails, by the mail server's log and by their rows."""

    accepted: int
    duplicated: int  # taken more than once
    lost: int  # `sent` and never taken, taken and not recorded, or nowhere
    held: int  # in doubt: a person decides


async def test_fifty_kills_of_the_worker_lose_and_double_no_mail(tmp_path: Path, told: Told) -> None:
    """Each time another one has just begun. A mail is held at most where a worker was killed with it in its hands."""
    async with house_apart(tmp_path, RELANCE_CLAIM_LEASE="PT3S", **SWEEPS) as house:
        await mails_that_leave_during(house, timedelta(seconds=30))
        await end_workers(house, 50, signal.SIGKILL)
        tally = await tally_at_the_end(house)
        told("500 mails, 50 kills", tally)
        assert (tally.duplicated, tally.lost) == (0, 0)
        assert tally.held <= 50 * CONNECTIONS


async def test_twenty_clean_stops_of_the_worker_lose_double_and_hold_no_mail(
    tmp_path: Path, told: Told
) -> None:
    """As an upgrade does: another one has just begun, and this one is told to go."""
    async with house_apart(tmp_path) as house:
        await mails_that_leave_during(house, timedelta(seconds=20))
        await end_workers(house, 20, signal.SIGTERM)
        tally = await tally_at_the_end(house)
        told("500 mails, 20 stops", tally)
        assert tally == Tally(accepted=MAILS, duplicated=0, lost=0, held=0)


async def mails_that_leave_during(house: HouseApart, time: timedelta) -> None:
    """Plan all mails, due one after the other from now on, and return when the first has left; no worker is left."""
    _, worker = await asyncio.gather(house.api(), house.worker())
    await house.rule("before", "-PT1H", anchor="session.end", **HOWEVER_LATE)
    sessions = MAILS // EACH
    await house.crowd(
        "talk", soon(25) + HOUR, sessions=sessions, each=EACH, apart=time / sessions, address=SLOW
    )
    await house.activate("before")
    await house.planned()
    assert await house.statuses() == {"scheduled": MAILS}
    await house.mails_taken(1)
    await worker.stop()


async def end_workers(house: HouseApart, times: int, how: signal.Signals) -> None:
    """Start workers and end them, so often, in the midst of whatever they do; only at the end is there none."""
    dice = Random(times)
    worker = await ForkedWorker(house.parts.folder, house.parts.environment).ready()
    for left in reversed(range(times)):
        another = ForkedWorker(house.parts.folder, house.parts.environment) if left else None
        await asyncio.sleep(dice.uniform(0.1, 0.6))
        assert await worker.stop(how) == (-how if how is signal.SIGKILL else 0)
        if another:
            worker = await another.ready()


async def tally_at_the_end(house: HouseApart) -> Tally:
    """Wait for the rest, and compare what the mail server took with what the rows say of it.

    The leases of hand-overs that nobody ended, minutes long, are ended by hand: these are the mails in doubt. The
    sweep looks after those whose workflows were told to wait for the lease.
    """
    doubtful = set(await house.let_leases_pass())
    await house.worker()
    await house.ended()
    taken = Counter(mail.send for mail in house.mails())
    status = {send.id: send.status for send in await house.sends()}
    assert len(status) == MAILS
    assert {send for send, said in status.items() if said == "in_doubt"} == doubtful
    lost = {
        send for send, said in status.items() if said != "in_doubt" and (said == "sent") != (send in taken)
    }
    return Tally(
        accepted=len(taken),
        duplicated=sum(times > 1 for times in taken.values()),
        lost=len(lost | {send for send, said in status.items() if said not in ("sent", "in_doubt")}),
        held=sum(said == "in_doubt" for said in status.values()),
    )
