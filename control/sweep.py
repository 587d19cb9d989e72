"""The sweep: what it is built from, and the loop that calls for it on the day Temporal is the sick part."""

import asyncio
import logging
from datetime import timedelta

from temporalio.client import Client

from activities.behind import Behind
from activities.epoch import Epoch
from activities.overdue import Overdue
from activities.sweep import Sweeper
from activities.zone_data import ZoneData
from control.epoch import TemporalEpoch
from control.plans import PATIENCE, Plans
from control.sends import SendWorkflows
from control.witness import TemporalWitness
from domain.failures import codes, place
from domain.upkeep import Sweeping
from store.database import Store

log = logging.getLogger(__name__)


def build_sweeper(client: Client, store: Store, every: timedelta | None = None) -> Sweeper:
    """Return one round of upkeep; a Temporal that has lost its schedule gets one again that calls this often."""
    plans, witness = Plans(client), TemporalWitness(client)
    overdue = Overdue(store, plans, SendWorkflows(client), witness)
    epoch = Epoch(store, plans, TemporalEpoch(client, every), overdue)
    return Sweeper(store, epoch, Behind(store, plans, witness), overdue, ZoneData(store, plans))


async def sweep_for_ever(sweeper: Sweeper, sweeping: Sweeping) -> None:
    """Sweep soon, since the last process may have died between two lines, and then whenever it is our turn.

    The first sweep leaves what was just changed no longer than its own poke may take.
    """
    soon = min(PATIENCE, sweeping.grace)
    turn, pause = Sweeping(min(soon, sweeping.every), soon), soon
    while True:
        await asyncio.sleep(pause.total_seconds())
        try:
            swept = await sweeper.take_turn(turn)
        except Exception as error:  # whatever it was, the next round may do better
            log.warning("no sweep: %s in %s", codes(error), place(error))
            pause = sweeping.every
        else:
            if swept.turn:
                turn, pause = sweeping, sweeping.every
