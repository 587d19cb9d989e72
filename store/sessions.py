"""Sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.locks import change_facts
from store.places import Module, Slot, put_places


@dataclass(frozen=True, slots=True)
class Session:
    """A row of `sessions`."""

    id: UUID
    key: str
    name: str
    zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    stage: str | None
    mode: str | None
    category: str | None
    room: str | None
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


_COLUMNS = "id, key, name, zone, starts_at, ends_at, stage, mode, category, room, version, planned_version"

_MAKE = text("""
    insert into sessions (organization_id, key, name, zone, starts_at, ends_at, stage, mode, category, room)
    values (:organization, :key, :name, :zone, :starts_at, :ends_at, :stage, :mode, :category, :room)
    on conflict (organization_id, key) do nothing
""")

# A tombstone, too: the session comes back as itself.
_LOCATE = text("select id from sessions where organization_id = :organization and key = :key")

# A new name or room is read when the mail is written; only what planning reads makes the session dirty.
_REPLACE = text("""
    update sessions as s
    set name = said.name, zone = said.zone, starts_at = said.starts_at, ends_at = said.ends_at, stage = said.stage,
        mode = said.mode, category = said.category, room = said.room, deleted_at = null,
        (version, changed_at) = (
            select case when moved then s.version + 1 else s.version end,
                   case when moved then relance_now() else s.changed_at end
            from (select :places_changed
                      or (s.zone, s.starts_at, s.ends_at, s.stage, s.mode, s.category, s.deleted_at) is distinct from
                         (said.zone, said.starts_at, said.ends_at, said.stage, said.mode, said.category, null)
                 ) as compared (moved))
    from (select cast(:name as text), cast(:zone as text), cast(:starts_at as timestamptz),
                 cast(:ends_at as timestamptz), cast(:stage as text), cast(:mode as text), cast(:category as text),
                 cast(:room as text)
         ) as said (name, zone, starts_at, ends_at, stage, mode, category, room)
    where s.id = :session
      and (:places_changed
           or (s.name, s.zone, s.starts_at, s.ends_at, s.stage, s.mode, s.category, s.room, s.deleted_at)
              is distinct from (said.name, said.zone, said.starts_at, said.ends_at, said.stage, said.mode,
                                said.category, said.room, null))
""")

_FIND = text(f"""
    select {_COLUMNS} from sessions
    where organization_id = :organization and key = :key and deleted_at is null
""")

_DELETE = text(f"""
    update sessions set deleted_at = relance_now(), version = version + 1, changed_at = relance_now()
    where id = :session and deleted_at is null
    returning {_COLUMNS}
""")

_OF_RULE = """
    where organization_id = (select organization_id from rules where id = :rule)
      and (deleted_at is null or exists (select from sends where session_id = sessions.id and rule_id = :rule))
"""
_COUNT_IDS = text(f"select count(*) from sessions {_OF_RULE}")
_LIST_IDS = text(f"""
    select id from sessions {_OF_RULE}
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
    stage: str | None = None,
    mode: str | None = None,
    category: str | None = None,
    room: str | None = None,
    modules: Sequence[Module] = (),
    slots: Sequence[Slot] = (),
) -> Session:
    """Create or replace a session with its modules and slots; the same values again change nothing."""
    named = {"organization": organization, "key": key}
    dates = {"zone": zone, "starts_at": starts_at, "ends_at": ends_at}
    values = {"name": name, **dates, "stage": stage, "mode": mode, "category": category, "room": room}
    is_new = (await db.execute(_MAKE, {**named, **values})).rowcount == 1
    session = (await db.execute(_LOCATE, named)).scalar_one()
    await change_facts(db, session)
    places_changed = await put_places(db, session, modules, slots)
    if not is_new:
        await db.execute(_REPLACE, {"session": session, "places_changed": places_changed, **values})
    return Session(**(await db.execute(_FIND, named)).one()._mapping)


async def find_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Session(**row._mapping) if row else None


async def delete_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    """Leave a tombstone, which planning turns into the removal of what waits."""
    session = await find_session(db, organization, key)
    if session is None:
        return None
    await change_facts(db, session.id)
    row = (await db.execute(_DELETE, {"session": session.id})).one_or_none()
    return Session(**row._mapping) if row else None


async def list_session_ids(db: AsyncConnection, rule: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next page of the sessions that a rule may concern."""
    rows = await db.execute(_LIST_IDS, {"rule": rule, "after": after, "limit": limit})
    return [row.id for row in rows]


async def count_sessions(db: AsyncConnection, rule: UUID) -> int:
    """Return how many sessions a rule may concern."""
    return int((await db.execute(_COUNT_IDS, {"rule": rule})).scalar_one())
