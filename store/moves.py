"""People who go to another time zone, and their mails with them, where a rule goes by its recipient's clocks (DESIGN 6).

Whatever zone planning has read of somebody belongs to the version of their participation: both are written together,
and whoever comes to a session meanwhile comes before or after, since whoever moves somebody holds the directory alone.
A mail that is leaving is decided by the version of the person, which a fence compares.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.locks import change_directory, keep_directory
from store.written import look_anew

_MOVING = text("""
    select people.id
    from unnest(cast(:keys as text[]), cast(:zones as text[]), cast(:versions as bigint[]))
        as said (key, zone, source_version)
    join people on people.organization_id = :organization and people.key = said.key
     -- Without it PostgreSQL, where it thinks them few, reads all people of the organization.
     and people.key = any(cast(:keys as text[]))
    where people.zone is distinct from said.zone
      and (said.source_version is null or people.source_version is null
           or people.source_version <= said.source_version)
""")

# Together with those that are written next, in the order of `store.locks`.
_CONCERN = text("""
    with locked as (
        select id from participations
        where person_id = any(cast(:people as uuid[])) or session_id = any(cast(:within as uuid[]))
        order by role = 'company', id for no key update
    )
    update participations p set version = p.version + 1, said_at = relance_now(), changed_at = relance_now()
    from locked, sessions s
    where p.id = locked.id and p.person_id = any(cast(:people as uuid[])) and p.removed_at is null
      and s.id = p.session_id and s.deleted_at is null
    returning s.key, s.id
""")


async def hold_directory(
    db: AsyncConnection, organization: UUID, people: Mapping[str, Mapping[str, Any]]
) -> None:
    """Hold the directory as it must be held to say this of people, before anything else is locked (`store.locks`)."""
    while True:
        moves = bool(await _moving(db, organization, people))
        attempt = await db.begin_nested()
        await (change_directory if moves else keep_directory)(db, organization)
        if moves or not await _moving(db, organization, people):
            await attempt.commit()
            return
        # Somebody said otherwise meanwhile: two who hold it together would wait for each other to hold it alone.
        await attempt.rollback()


async def move_people(
    db: AsyncConnection,
    organization: UUID,
    people: Mapping[str, Mapping[str, Any]],
    within: Collection[UUID] = (),
) -> dict[str, UUID]:
    """Make dirty the participations of those whose zone is about to be another; return their sessions.

    The caller holds the directory. `within` are the sessions whose participations it writes next.
    """
    moving = await _moving(db, organization, people)
    if not moving:
        return {}
    await look_anew(db)
    rows = await db.execute(_CONCERN, {"people": moving, "within": list(within)})
    return {row.key: row.id for row in rows}


async def _moving(
    db: AsyncConnection, organization: UUID, people: Mapping[str, Mapping[str, Any]]
) -> list[UUID]:
    said = {key: one for key, one in people.items() if "zone" in one}
    if not said:
        return []
    values = {
        "organization": organization,
        "keys": list(said),
        "zones": [one["zone"] for one in said.values()],
        "versions": [one.get("source_version") for one in said.values()],
    }
    return list((await db.execute(_MOVING, values)).scalars())
