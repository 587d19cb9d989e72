"""New zone data: what it moves is planned anew, what it does not move is left as it is (DESIGN 6)."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from activities.poke import Poke
from domain.planning import Change, plan
from domain.timing import local_of
from domain.upkeep import Repair
from domain.zones import find_zone, zone_data_version
from store.database import Store
from store.planning import is_dirty, load_snapshot
from store.upkeep import count_repairs
from store.zone_data import (
    Outdated,
    OutdatedSend,
    is_settled,
    list_outdated,
    move,
    read_outdated,
    settle_zone_data,
    stay,
)

log = logging.getLogger(__name__)

AT_MOST = 500  # of sessions by rules, a round; the rest waits for the next


class ZoneData:
    """Sends that wait, and were planned with an older release of the zone database than this process has.

    What a new release moves only planning can say, since it counts days and hours from an anchor: it is asked, as a
    roll-out would ask, and what it would change is made dirty.
    """

    def __init__(self, store: Store, poke: Poke) -> None:
        self._store = store
        self._poke = poke

    async def mend(self, grace: timedelta) -> Counter[Repair]:
        """Have planned anew what the new release moves, and count it; once nothing is behind, this is one query.

        May be repeated, and interrupted: whatever was not come to is found by the next round.
        """
        release = zone_data_version()
        async with self._store.statement() as db:
            if await is_settled(db, release):
                return Counter()
            outdated = await list_outdated(db, release, AT_MOST)
            if not outdated:
                await settle_zone_data(db, release)
                return Counter()
        moved = sum([await self._replan(release, one) for one in outdated])
        log.info("zone data %s: looked at %d sessions by rules, %d sends move", release, len(outdated), moved)
        return +Counter({Repair.ZONE_DATA: moved})

    async def _replan(self, release: str, one: Outdated) -> int:
        """Return how many sends of a session and a rule move; they are planned soon."""
        async with self._store.transaction() as db:
            loaded = await load_snapshot(db, one.session, one.rule)
            if await is_dirty(db, one.session):
                return 0  # it is about to be planned
            changes = plan(loaded.snapshot)
            moving = _concerned(changes)
            sends = await read_outdated(db, release, one)
            staying = [_as_shown(send) for send in sends if send.participation not in moving]
            await stay(db, release, staying)
        if not changes:
            return 0
        async with self._store.transaction() as db:
            await move(db, one.session, moving)
            await count_repairs(db, {Repair.ZONE_DATA: len(changes)})
        await self._poke.session_changed(one.organization, one.key, one.session)
        return len(changes)


def _concerned(changes: Sequence[Change]) -> set[UUID]:
    """Return the participations whose sends these are."""
    standing = {change.existing.participation for change in changes if change.existing}
    return standing | {change.wanted.participation.id for change in changes if change.wanted}


def _as_shown(send: OutdatedSend) -> OutdatedSend:
    return replace(send, due_local=local_of(send.due_at, send.due_local, find_zone(send.zone)))
