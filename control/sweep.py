"""The sweep: find what planning has left behind, and poke it again."""

import asyncio
import logging
from datetime import timedelta

from control.plans import Plans
from domain.failures import codes, place
from store.database import Store
from store.sweep import forget_signals_of_overdue, list_rules_left, list_sessions_left

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
GRACE = timedelta(seconds=60)

# A mail this late has perhaps no workflow any more: Temporal was lost, or somebody ended it by hand.
OVERDUE = timedelta(minutes=2)
AT_MOST = 1000  # a round; the rest waits for the next


async def sweep(store: Store, plans: Plans, grace: timedelta = GRACE) -> int:
    """Poke what has been left behind for longer than `grace`; return how much. May be repeated, by many workers."""
    async with store.transaction() as db:
        await forget_signals_of_overdue(db, OVERDUE)
        sessions = await list_sessions_left(db, grace, AT_MOST)
        rules = await list_rules_left(db, grace, AT_MOST)
    poked = 0
    for left, poke in [(sessions, plans.session_changed), (rules, plans.rule_changed)]:
        for one in left:
            if not await poke(one.organization, one.key, one.id):
                return poked  # Temporal is away: the next round begins again
            poked += 1
    return poked


async def sweep_for_ever(store: Store, plans: Plans) -> None:
    """Sweep at once, since the last process may have died between two lines, and then every half minute."""
    grace = timedelta(0)
    while True:
        try:
            repaired = await sweep(store, plans, grace)
        except Exception as error:  # whatever it was, the next round may do better
            log.warning("no sweep: %s in %s", codes(error), place(error))
        else:
            grace = GRACE
            if repaired:
                log.info("the sweep poked %d sessions and rules", repaired)
        await asyncio.sleep(EVERY.total_seconds())
