"""What upkeep remembers: when the last sweep began, the epoch, and how often something had to be repaired."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.upkeep import Repair

# A clock that was set back must not keep everybody from sweeping.
_BEGIN = text("""
    update upkeep set swept_at = relance_now()
    where swept_at is null or swept_at not between relance_now() - cast(:every as interval) and relance_now()
""")

_EPOCH = text("select epoch from upkeep for update")
_ADVANCE = text("update upkeep set epoch = :epoch")

_COUNT = text("""
    insert into repairs as r (kind, count, last_at)
    select kind, count, relance_now()
    from unnest(cast(:kinds as text[]), cast(:counts as bigint[])) as counted (kind, count) order by kind
    on conflict (kind) do update set count = r.count + excluded.count, last_at = excluded.last_at
""")

_LIST = text("select kind, count from repairs")


async def begin_round(db: AsyncConnection, every: timedelta) -> bool:
    """Return whether it is our turn to sweep: of all who ask within `every` only the first is told so."""
    return (await db.execute(_BEGIN, {"every": every})).rowcount == 1


async def lock_epoch(db: AsyncConnection) -> int:
    """Return the epoch that Temporal should know; nobody else looks at it until the transaction ends."""
    return int((await db.execute(_EPOCH)).scalar_one())


async def set_epoch(db: AsyncConnection, epoch: int) -> None:
    await db.execute(_ADVANCE, {"epoch": epoch})


async def count_repairs(db: AsyncConnection, repairs: Mapping[Repair, int]) -> None:
    """Add to what was repaired; call it in the transaction of the repair, where it has one."""
    counted = {kind: count for kind, count in repairs.items() if count}
    if counted:
        await db.execute(_COUNT, {"kinds": list(counted), "counts": list(counted.values())})


async def list_repairs(db: AsyncConnection) -> dict[Repair, int]:
    """Return how often each kind was repaired, 0 included."""
    found: dict[str, int] = dict((await db.execute(_LIST)).all())
    return {kind: found.get(kind, 0) for kind in Repair}
