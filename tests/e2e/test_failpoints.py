"""What a crash between two lines leaves, and that it is mended: one case for each place (DESIGN 4 and 8)."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from embedded.processes import Child
from store import failpoints
from tests.e2e.processes import HOWEVER_LATE, HouseApart, house_apart, soon, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PEOPLE = [f"person-{n}" for n in range(12)]

HOUR = timedelta(hours=1)

# The first sweep after a start comes within a second, the second one this much later.
SWEEPS = {"RELANCE_SWEEP_EVERY": "PT25S", "RELANCE_SWEEP_GRACE": "PT1S"}


@pytest.mark.parametrize(
    "place",
    [
        failpoints.DOMAIN_CHANGED,
        failpoints.PLANNED,
        f"{failpoints.MID_CHUNK}:10",
        failpoints.TOLD,
        f"{failpoints.CLAIMED}:3",
        f"{failpoints.FENCED}:3",
        f"{failpoints.REPLIED}:3",
    ],
)
async def test_whoever_dies_there_rows_and_workflows_agree_again_and_nothing_is_lost_or_doubled(
    place: str, tmp_path: Path
) -> None:
    """The hand-over's lease lasts minutes: it is moved into the past by hand once its worker is dead."""
    async with house_apart(tmp_path, RELANCE_CLAIM_LEASE="PT3S", **SWEEPS) as house:
        await house.api()
        worker = await house.worker()
        await two_rules_for_everybody(house)
        if place == failpoints.DOMAIN_CHANGED:
            dying = await house.api(RELANCE_FAILPOINT=place)
        else:
            await worker.stop()
            dying = await house.worker(RELANCE_FAILPOINT=place)

        # The session moves: one mail of each person is due in a moment, the other one waits a day longer.
        with suppress(httpx.RemoteProtocolError):
            await house.session("talk", soon(5) + HOUR)
        await killed(dying)
        accepted = {mail.send for mail in house.mails()}
        doubtful = set(await house.let_leases_pass())
        await (house.api() if place == failpoints.DOMAIN_CHANGED else house.worker())

        assert await sweeps_until(house, lambda: no_disagreement(house)) <= 2
        await nothing_is_lost_or_doubled(house, doubtful)
        truly_in_doubt(place, doubtful, accepted)


async def two_rules_for_everybody(house: HouseApart) -> None:
    """Plan two mails to each person, about a session far away."""
    await house.rule("hour-before", "-PT1H", **HOWEVER_LATE)
    await house.rule("day-after", "P1D", **HOWEVER_LATE)
    await house.session("talk", soon(0) + timedelta(days=30))
    await asyncio.gather(*(house.participant("talk", person) for person in PEOPLE))
    await asyncio.gather(house.activate("hour-before"), house.activate("day-after"))
    await house.planned()
    assert await house.disagreements() == []


async def killed(process: Child) -> None:
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


async def sweeps_until(house: HouseApart, condition: Callable[[], Awaitable[bool]]) -> int:
    """Wait for something that the sweep may have to bring about; return how many sweeps began meanwhile."""
    began = {await last_sweep(house)}

    async def happened() -> bool:
        began.add(await last_sweep(house))
        return await condition()

    await until(happened, say=house.disagreements)
    return len(began) - 1


async def last_sweep(house: HouseApart) -> datetime | None:
    (upkeep,) = await house.execute("select swept_at from upkeep")
    at: datetime | None = upkeep.swept_at
    return at


async def no_disagreement(house: HouseApart) -> bool:
    """Return whether all mails that are due are done with, and rows and workflows agree."""
    waiting = await house.statuses("hour-before")
    return set(waiting) <= {"sent", "in_doubt"} and not await house.disagreements()


async def nothing_is_lost_or_doubled(house: HouseApart, doubtful: set[UUID]) -> None:
    """Every mail was taken once, except that of those in doubt some were not taken."""
    due = await house.sends("hour-before")
    taken = Counter(mail.send for mail in house.mails())
    assert len(due) == len(PEOPLE)
    assert {send.id for send in due if send.status == "in_doubt"} == doubtful
    assert {send.id for send in due if send.status == "sent"} == {send.id for send in due} - doubtful
    assert set(taken) >= {send.id for send in due} - doubtful
    assert set(taken.values()) == {1}
    assert await house.statuses("day-after") == {"scheduled": len(PEOPLE)}


def truly_in_doubt(place: str, doubtful: set[UUID], accepted: set[UUID]) -> None:
    """Past the fence nobody can know whether the dot left; before it, everybody can."""
    if place.startswith(failpoints.FENCED):
        assert doubtful - accepted
    elif place.startswith(failpoints.REPLIED):
        assert doubtful & accepted
    elif not place.startswith(failpoints.CLAIMED):
        assert not doubtful
