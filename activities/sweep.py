"""The sweep: look for what was left behind, repair and count it."""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.behind import Behind
from activities.epoch import Epoch
from activities.heartbeat import heartbeating
from activities.overdue import Overdue
from activities.zone_data import ZoneData
from domain.upkeep import Repair, Sweeping
from store.answers import clear_answers
from store.database import Store
from store.upkeep import begin_round

log = logging.getLogger(__name__)

# Clocks that call for a sweep do so a little early or late.
SLACK = 0.9


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    repaired: int
    turn: bool = True  # False: somebody else has just swept


class Sweeper:
    """One round of upkeep, by whoever calls for it: the schedule, or the loop of a worker."""

    def __init__(
        self, store: Store, epoch: Epoch, behind: Behind, overdue: Overdue, zone_data: ZoneData
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._behind = behind
        self._overdue = overdue
        self._zone_data = zone_data

    async def take_turn(self, sweeping: Sweeping) -> Swept:
        """Sweep, unless somebody has within the interval."""
        async with self._store.transaction() as db:
            if not await begin_round(db, sweeping.every * SLACK):
                return Swept(0, turn=False)
            await clear_answers(db)
        repaired = await self.sweep(sweeping.grace)
        if repaired:
            log.warning(
                "the sweep repaired %s", ", ".join(f"{kind} {count}" for kind, count in repaired.items())
            )
        return Swept(repaired.total())

    async def sweep(self, grace: timedelta) -> Counter[Repair]:
        """Repair what nobody has worked on for longer than `grace`; return what. May be repeated, by many at once."""
        repaired, failed = Counter[Repair](), list[Exception]()
        for mend in (self._epoch.mend, self._behind.mend, self._overdue.mend, self._zone_data.mend):
            try:
                repaired += await mend(grace)
            except Exception as error:  # one sick part keeps no other from being mended
                failed.append(error)
        if failed:
            raise failed[0]
        return repaired


class SweepActivities:
    """The sweep as an activity."""

    def __init__(self, sweeper: Sweeper, sweeping: Sweeping) -> None:
        self._sweeper = sweeper
        self._sweeping = sweeping

    @activity.defn
    async def sweep(self) -> Swept:
        """Sweep, unless somebody has within the interval; what a run that died left is found by the next."""
        async with heartbeating():
            return await self._sweeper.take_turn(self._sweeping)
