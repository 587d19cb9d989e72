"""Sends that wait, and were planned with an older release of the zone database than ours (DESIGN 6).

Never a newer one: of workers of two releases the older leaves alone what the newer has planned.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.locks import change_facts, lock_sends

# A worker of an older release, not yet stopped, may plan with it after nothing else was behind.
LOOK_AGAIN = timedelta(days=1)

_OUTDATED = """status in ('scheduled', 'claimed') and zone_data < cast(:release as text) collate "C" """

_IS_SETTLED = text("""
    select coalesce(zone_data > cast(:release as text) collate "C"
                    or zone_data = :release and zone_data_at > relance_now() - cast(:again as interval), false)
    from upkeep
""")

_SETTLE = text(f"""
    update upkeep set zone_data = :release, zone_data_at = relance_now()
    where not exists (select from sends where {_OUTDATED})
""")

# Whatever is dirty is planned with the new release soon, and its turn comes then.
_LIST = text(f"""
    select o.key as organization, session.key, session.id as session, r.id as rule
    from (select session_id, rule_id, min(due_at) as first_at from sends where {_OUTDATED}
          group by session_id, rule_id) as outdated
    join sessions session on session.id = session_id
    join rules r on r.id = rule_id
    join organizations o on o.id = session.organization_id
    where session.version = session.planned_version and r.version = r.planned_version
      and (select true from participations p where p.session_id = session.id and p.version > p.planned_version
           order by p.changed_at limit 1) is null
    order by first_at limit :limit
""")

_READ = text(f"""
    select id, participation_id as participation, due_at, due_local, due_zone as zone from sends
    where session_id = :session and rule_id = :rule and {_OUTDATED}
    order by id
""")

_STAY = text(f"""
    update sends set zone_data = :release, due_local = staying.due_local
    from unnest(cast(:ids as uuid[]), cast(:due_at as timestamptz[]), cast(:due_local as timestamp[]))
        as staying (id, due_at, due_local)
    where sends.id = staying.id and sends.due_at = staying.due_at and {_OUTDATED}
""")

_MOVE = text("""
    with locked as (
        select id from participations where id = any(cast(:participations as uuid[]))
        order by role = 'company', id for no key update
    )
    update participations p set version = version + 1, changed_at = relance_now()
    from locked where p.id = locked.id
""")


@dataclass(frozen=True, slots=True)
class Outdated:
    """A session and a rule of whose sends some were planned with an older release."""

    organization: str
    key: str  # of the session
    session: UUID
    rule: UUID


@dataclass(frozen=True, slots=True)
class OutdatedSend:
    """Such a send, and when it is due."""

    id: UUID
    participation: UUID
    due_at: datetime
    due_local: datetime
    zone: str


async def is_settled(db: AsyncConnection, release: str) -> bool:
    """Return whether nothing waited a short time ago that was planned with an older release."""
    values = {"release": release, "again": LOOK_AGAIN}
    return bool((await db.execute(_IS_SETTLED, values)).scalar_one())


async def settle_zone_data(db: AsyncConnection, release: str) -> bool:
    """Write down that nothing that waits was planned with an older release; False where something was."""
    return (await db.execute(_SETTLE, {"release": release})).rowcount == 1


async def list_outdated(db: AsyncConnection, release: str, limit: int) -> list[Outdated]:
    """Return what was planned with an older release, the mails that are due next first."""
    rows = await db.execute(_LIST, {"release": release, "limit": limit})
    return [Outdated(**row._mapping) for row in rows]


async def read_outdated(db: AsyncConnection, release: str, where: Outdated) -> list[OutdatedSend]:
    rows = await db.execute(_READ, {"release": release, "session": where.session, "rule": where.rule})
    return [OutdatedSend(**row._mapping) for row in rows]


async def stay(db: AsyncConnection, release: str, sends: Sequence[OutdatedSend]) -> None:
    """Write down that these are due as they were, by the new release too. No workflow is told: none need know."""
    if sends:
        ids = [send.id for send in sends]
        due = {"due_at": [send.due_at for send in sends], "due_local": [send.due_local for send in sends]}
        await lock_sends(db, ids)
        await db.execute(_STAY, {"release": release, "ids": ids, **due})


async def move(db: AsyncConnection, session: UUID, participations: Collection[UUID]) -> None:
    """Make dirty the participations whose sends the new release moves; planning follows."""
    await change_facts(db, session)
    await db.execute(_MOVE, {"participations": list(participations)})
