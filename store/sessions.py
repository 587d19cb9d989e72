"""Sessions and who takes part in them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Session:
    """A row of `sessions`."""

    id: UUID
    key: str
    name: str
    zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in a session, under their own system's id."""

    person: str
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


_COLUMNS = "id, key, name, zone, starts_at, ends_at, version, planned_version"

# A new name is read when the mail is written; only what planning reads makes the session dirty.
_PUT = text(f"""
    insert into sessions as s (organization_id, key, name, zone, starts_at, ends_at)
    values (:organization, :key, :name, :zone, :starts_at, :ends_at)
    on conflict (organization_id, key) do update
    set name = excluded.name, zone = excluded.zone, starts_at = excluded.starts_at,
        ends_at = excluded.ends_at, deleted_at = null,
        (version, changed_at) = (
            select case when moved then s.version + 1 else s.version end,
                   case when moved then relance_now() else s.changed_at end
            from (select (s.zone, s.starts_at, s.ends_at, s.deleted_at) is distinct from
                         (excluded.zone, excluded.starts_at, excluded.ends_at, null)) as compared (moved)
        )
    returning {_COLUMNS}
""")

_FIND = text(f"""
    select {_COLUMNS} from sessions
    where organization_id = :organization and key = :key and deleted_at is null
""")

_DELETE = text(f"""
    update sessions set deleted_at = relance_now(), version = version + 1, changed_at = relance_now()
    where organization_id = :organization and key = :key and deleted_at is null
    returning {_COLUMNS}
""")

_ADD = text("""
    insert into participations as p (session_id, person_id) values (:session, :person)
    on conflict (session_id, person_id) do update
    set removed_at = null,
        version = case when p.removed_at is null then p.version else p.version + 1 end,
        changed_at = case when p.removed_at is null then p.changed_at else relance_now() end
    returning version, planned_version
""")

_REMOVE = text("""
    update participations as p
    set removed_at = relance_now(), version = p.version + 1, changed_at = relance_now()
    from people
    where people.id = p.person_id and people.key = :person and p.session_id = :session
      and p.removed_at is null
    returning p.version, p.planned_version
""")

_LIST_PARTICIPANTS = text("""
    select people.key as person, p.version, p.planned_version
    from participations p join people on people.id = p.person_id
    where p.session_id = :session and p.removed_at is null
    order by people.key limit :limit
""")

_LIST_IDS = text("""
    select id from sessions
    where organization_id = (select organization_id from rules where id = :rule)
      and (deleted_at is null or exists (select from sends where session_id = sessions.id and rule_id = :rule))
      and id > coalesce(cast(:after as uuid), '00000000-0000-0000-0000-000000000000')
    order by id limit :limit
""")


async def put_session(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    zone: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> Session:
    """Create or replace a session; the same values again change nothing."""
    values = {"name": name, "zone": zone, "starts_at": starts_at, "ends_at": ends_at}
    row = (await db.execute(_PUT, {"organization": organization, "key": key, **values})).one()
    return Session(**row._mapping)


async def find_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Session(**row._mapping) if row else None


async def delete_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    """Leave a tombstone, which planning turns into the removal of what waits."""
    row = (await db.execute(_DELETE, {"organization": organization, "key": key})).one_or_none()
    return Session(**row._mapping) if row else None


async def add_participant(db: AsyncConnection, session: UUID, person: UUID, key: str) -> Participant:
    """Put a person into a session, again where they had been removed; makes only that participation dirty."""
    row = (await db.execute(_ADD, {"session": session, "person": person})).one()
    return Participant(key, row.version, row.planned_version)


async def remove_participant(db: AsyncConnection, session: UUID, person: str) -> Participant | None:
    """Take a person out of a session; None when they were not in it."""
    row = (await db.execute(_REMOVE, {"session": session, "person": person})).one_or_none()
    return Participant(person, row.version, row.planned_version) if row else None


async def list_participants(db: AsyncConnection, session: UUID, limit: int) -> list[Participant]:
    rows = await db.execute(_LIST_PARTICIPANTS, {"session": session, "limit": limit})
    return [Participant(**row._mapping) for row in rows]


async def list_session_ids(db: AsyncConnection, rule: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next page of the sessions that a rule may concern."""
    rows = await db.execute(_LIST_IDS, {"rule": rule, "after": after, "limit": limit})
    return [row.id for row in rows]
