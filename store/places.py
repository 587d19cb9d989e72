"""The modules and slots of a session: what a mail can be about, besides the session itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
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


def _putting(table: str, columns: Mapping[str, str], *, planned: Sequence[str], given: str) -> TextClause:
    """Return the statement that has sessions consist of the places given, and names those that planning reads anew.

    It writes what differs. What comes back is itself again. Whoever holds the facts of a session is alone there, so
    nothing changes meanwhile.
    """
    own, read = ", ".join(columns), ", ".join(["session_id", "key", *planned])
    return text(f"""
        with given as ({given}),
        concerned as (select * from unnest(cast(:sessions as uuid[])) as concerned (session_id)),
        wanted as (select {read} from given),
        present as (select {read} from {table} join concerned using (session_id) where removed_at is null),
        written as (
            insert into {table} as known (session_id, key, {own})
            select session_id, key, {own} from given
            on conflict (session_id, key) do update
            set {", ".join(f"{name} = excluded.{name}" for name in columns)}, removed_at = null
            where ({", ".join(f"known.{name}" for name in columns)}, known.removed_at) is distinct from
                  ({", ".join(f"excluded.{name}" for name in columns)}, null)
        ),
        removed as (
            update {table} as known set removed_at = relance_now() from concerned
            where known.session_id = concerned.session_id and removed_at is null
              and not exists (select from given where given.session_id = known.session_id and given.key = known.key)
        )
        select session_id from (
            (table wanted except table present) union all (table present except table wanted)
        ) as differing
    """)


def _unnested(columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"cast(:{name} as {kind}[])" for name, kind in columns.items())
    return f"unnest(cast(:session as uuid[]), cast(:key as text[]), {arrays})"


# Names and rooms are read when the mail is written.
_MODULE = {
    "name": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "mode": "text",
    "category": "text",
    "room": "text",
}
_PUT_MODULES = _putting(
    "modules",
    _MODULE,
    planned=["starts_at", "ends_at", "mode", "category"],
    given=f"select * from {_unnested(_MODULE)} as given (session_id, key, {', '.join(_MODULE)})",
)

_SLOT = {
    "name": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "synchronous": "boolean",
    "room": "text",
}
_PUT_SLOTS = _putting(
    "slots",
    {**_SLOT, "module_id": "uuid"},
    planned=["starts_at", "ends_at", "synchronous", "module_id"],
    given=f"""
        select given.*, modules.id as module_id
        from {_unnested({**_SLOT, "module": "text"})} as given (session_id, key, {", ".join(_SLOT)}, module)
        left join modules on modules.session_id = given.session_id and modules.key = given.module
    """,
)

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


@dataclass(frozen=True, slots=True)
class Places:
    """What a session consists of; None: of what it did."""

    modules: Sequence[Module] | None = ()
    slots: Sequence[Slot] | None = ()


async def put_places(db: AsyncConnection, places: Mapping[UUID, Places]) -> set[UUID]:
    """Have sessions consist of these modules and slots; return those of which planning would read anything new.

    The keys of each are unique in their session, and the module of a slot is one of its own. The caller holds the
    facts of all these sessions.
    """
    modules = {session: one.modules for session, one in places.items() if one.modules is not None}
    slots = {session: one.slots for session, one in places.items() if one.slots is not None}
    changed = set()
    if modules:
        changed |= set((await db.execute(_PUT_MODULES, _columns(Module, modules))).scalars())
    if slots:
        changed |= set((await db.execute(_PUT_SLOTS, _columns(Slot, slots))).scalars())
    return changed


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


def _columns(
    kind: type[Module] | type[Slot], places: Mapping[UUID, Sequence[Module] | Sequence[Slot]]
) -> dict[str, list[Any]]:
    rows = [(session, asdict(place)) for session, of_it in places.items() for place in of_it]
    columns = {field.name: [values[field.name] for _, values in rows] for field in fields(kind)}
    return {"sessions": list(places), "session": [session for session, _ in rows], **columns}
