"""The modules and slots of a session: what a mail can be about, besides the session itself."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Module:
    """A part of a session, under the caller's own id."""

    key: str
    name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    mode: str | None = None
    category: str | None = None
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A dated meeting of a session, or of the module of this key."""

    key: str
    name: str
    module: str | None
    starts_at: datetime
    ends_at: datetime
    synchronous: bool = True
    room: str | None = None


# Each statement writes what differs, and says whether any of it is what planning reads: names and rooms are not.
# What comes back is itself again. Whoever holds the session's facts is alone here, so nothing changes meanwhile.
_PUT_MODULES = text("""
    with given as (
        select * from unnest(
            cast(:key as text[]), cast(:name as text[]), cast(:starts_at as timestamptz[]),
            cast(:ends_at as timestamptz[]), cast(:mode as text[]), cast(:category as text[]), cast(:room as text[])
        ) as given (key, name, starts_at, ends_at, mode, category, room)
    ),
    wanted as (select key, starts_at, ends_at, mode, category from given),
    present as (
        select key, starts_at, ends_at, mode, category from modules
        where session_id = :session and removed_at is null
    ),
    written as (
        insert into modules as m (session_id, key, name, starts_at, ends_at, mode, category, room)
        select :session, key, name, starts_at, ends_at, mode, category, room from given
        on conflict (session_id, key) do update
        set name = excluded.name, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
            mode = excluded.mode, category = excluded.category, room = excluded.room, removed_at = null
        where (m.name, m.starts_at, m.ends_at, m.mode, m.category, m.room, m.removed_at) is distinct from
              (excluded.name, excluded.starts_at, excluded.ends_at, excluded.mode, excluded.category,
               excluded.room, null)
    ),
    removed as (
        update modules set removed_at = relance_now()
        where session_id = :session and removed_at is null and key <> all(cast(:key as text[]))
    )
    select exists ((table wanted except table present) union all (table present except table wanted))
""")

_PUT_SLOTS = text("""
    with given as (
        select given.*, modules.id as module_id
        from unnest(
            cast(:key as text[]), cast(:name as text[]), cast(:module as text[]), cast(:starts_at as timestamptz[]),
            cast(:ends_at as timestamptz[]), cast(:synchronous as boolean[]), cast(:room as text[])
        ) as given (key, name, module, starts_at, ends_at, synchronous, room)
        left join modules on modules.session_id = :session and modules.key = given.module
    ),
    wanted as (select key, starts_at, ends_at, module_id from given),
    present as (
        select key, starts_at, ends_at, module_id from slots where session_id = :session and removed_at is null
    ),
    written as (
        insert into slots as s (session_id, key, name, module_id, starts_at, ends_at, synchronous, room)
        select :session, key, name, module_id, starts_at, ends_at, synchronous, room from given
        on conflict (session_id, key) do update
        set name = excluded.name, module_id = excluded.module_id, starts_at = excluded.starts_at,
            ends_at = excluded.ends_at, synchronous = excluded.synchronous, room = excluded.room, removed_at = null
        where (s.name, s.module_id, s.starts_at, s.ends_at, s.synchronous, s.room, s.removed_at) is distinct from
              (excluded.name, excluded.module_id, excluded.starts_at, excluded.ends_at, excluded.synchronous,
               excluded.room, null)
    ),
    removed as (
        update slots set removed_at = relance_now()
        where session_id = :session and removed_at is null and key <> all(cast(:key as text[]))
    )
    select exists ((table wanted except table present) union all (table present except table wanted))
""")

_LIST_MODULES = text("""
    select key, name, starts_at, ends_at, mode, category, room from modules
    where session_id = :session and removed_at is null order by starts_at, key
""")

_LIST_SLOTS = text("""
    select slots.key, slots.name, modules.key as module, slots.starts_at, slots.ends_at, synchronous, slots.room
    from slots left join modules on modules.id = slots.module_id
    where slots.session_id = :session and slots.removed_at is null order by slots.starts_at, slots.key
""")

_SLOT_IDS = text("""
    select key, id from slots where session_id = :session and removed_at is null and key = any(cast(:keys as text[]))
""")


async def put_places(
    db: AsyncConnection, session: UUID, modules: Sequence[Module], slots: Sequence[Slot]
) -> bool:
    """Have a session consist of these modules and slots; return whether planning would read anything new.

    The keys of each are unique, and the module of a slot is one of `modules`. The caller holds the session's facts.
    """
    put_modules = await db.execute(_PUT_MODULES, {"session": session, **_columns(Module, modules)})
    put_slots = await db.execute(_PUT_SLOTS, {"session": session, **_columns(Slot, slots)})
    return bool(put_modules.scalar_one()) | bool(put_slots.scalar_one())


async def list_modules(db: AsyncConnection, session: UUID) -> list[Module]:
    """Return the modules of a session by date; those without one of their own come last."""
    return [Module(**row._mapping) for row in await db.execute(_LIST_MODULES, {"session": session})]


async def list_slots(db: AsyncConnection, session: UUID) -> list[Slot]:
    """Return the slots of a session by date."""
    return [Slot(**row._mapping) for row in await db.execute(_LIST_SLOTS, {"session": session})]


async def find_slots(db: AsyncConnection, session: UUID, keys: Sequence[str]) -> dict[str, UUID]:
    """Return the internal ids of those of these slots that the session has."""
    rows = await db.execute(_SLOT_IDS, {"session": session, "keys": list(keys)})
    return {row.key: row.id for row in rows}


def _columns(kind: type, rows: Sequence[Module] | Sequence[Slot]) -> dict[str, list[object]]:
    values = [asdict(row) for row in rows]
    return {field.name: [row[field.name] for row in values] for field in fields(kind)}
