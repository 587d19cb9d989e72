"""Sessions."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.locks import change_facts
from store.places import Module, Places, Slot, put_places
from store.written import Written, look_anew


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
    center: str | None
    manager: str | None  # the key of a person
    data: Mapping[str, Any]
    source_version: int | None
    deleted: bool
    version: int
    planned_version: int

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSaid:
    """All that a caller says of a session; `modules` and `slots` stay as they are where they are None."""

    name: str
    zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    stage: str | None = None
    mode: str | None = None
    category: str | None = None
    room: str | None = None
    center: str | None = None
    manager_id: UUID | None = None
    data: Mapping[str, Any] | None = None  # as JSON writes it
    modules: Sequence[Module] | None = ()
    slots: Sequence[Slot] | None = ()
    source_version: int | None = None


# What planning reads: it makes the session dirty. The rest is read when the mail is written.
_PLANNED = {
    "zone": "text",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "stage": "text",
    "mode": "text",
    "category": "text",
    "center": "text",
}
_TOLD = {"name": "text", "room": "text", "manager_id": "uuid", "data": "jsonb"}
_SAID = {**_PLANNED, **_TOLD, "source_version": "bigint"}

_NAMES = ", ".join(_SAID)
_ARRAYS = ", ".join(f"cast(:{name} as {kind}[])" for name, kind in _SAID.items())


def _of(table: str, columns: Collection[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in columns)


_MAKE = text(f"""
    insert into sessions (organization_id, key, {_NAMES})
    select :organization, said.*
    from unnest(cast(:key as text[]), {_ARRAYS}) as said (key, {_NAMES}) order by said.key
    on conflict (organization_id, key) do nothing
    returning id
""")

# Tombstones, too: such a session comes back as itself.
_LOCATE = text("""
    select key, id from sessions where organization_id = :organization and key = any(cast(:keys as text[]))
""")

# Whoever holds its facts is the only one who writes a session: what stands there now stays until the commit.
_HEEDED = text("""
    select s.id from sessions s
    join unnest(cast(:id as uuid[]), cast(:source_version as bigint[])) as said (id, source_version) using (id)
    where said.source_version is null or s.source_version is null or s.source_version <= said.source_version
""")

_REPLACE = text(f"""
    with compared as (
        select said.*, coalesce(said.source_version, s.source_version) as newest,
               said.places_changed or s.deleted_at is not null
                   or ({_of("s", _PLANNED)}) is distinct from ({_of("said", _PLANNED)}) as moved,
               ({_of("s", _TOLD)}) is distinct from ({_of("said", _TOLD)}) as reworded
        from unnest(cast(:id as uuid[]), cast(:places_changed as boolean[]), {_ARRAYS})
            as said (id, places_changed, {_NAMES})
        join sessions s using (id)
    ),
    written as (
        update sessions as s
        set {", ".join(f"{name} = said.{name}" for name in {**_PLANNED, **_TOLD})},
            source_version = said.newest, deleted_at = null,
            version = case when moved then s.version + 1 else s.version end,
            -- A letter with a copy to the manager of before is written again: its fence compares this.
            read_version = s.read_version + (s.manager_id is distinct from said.manager_id)::int,
            changed_at = case when moved then relance_now() else s.changed_at end
        from compared as said
        where s.id = said.id and (moved or reworded or s.source_version is distinct from said.newest)
    )
    select id from compared where moved or reworded
""")

_SELECT = """
    select id, key, name, zone, starts_at, ends_at, stage, mode, category, room, center,
           (select key from people where people.id = sessions.manager_id) as manager,
           data, source_version, deleted_at is not null as deleted, version, planned_version
    from sessions where organization_id = :organization
"""
_FETCH = text(f"{_SELECT} and key = :key")
_FIND = text(f"{_SELECT} and key = :key and deleted_at is null")
_LIST = text(f"""
    {_SELECT} and deleted_at is null and key > coalesce(:after, '')
      and (cast(:stage as text) is null or stage = :stage)
      and (cast(:mode as text) is null or mode = :mode)
      and (cast(:category as text) is null or category = :category)
      and (cast(:center as text) is null or center = :center)
      and (cast(:starts_from as timestamptz) is null or starts_at >= :starts_from)
      and (cast(:starts_to as timestamptz) is null or starts_at < :starts_to)
      and (cast(:text as text) is null or strpos(lower(concat_ws(' ', key, name)), lower(:text)) > 0)
    order by key limit :limit
""")

_DELETE = text("""
    update sessions set deleted_at = relance_now(), version = version + 1, changed_at = relance_now()
    where id = any(cast(:ids as uuid[])) and deleted_at is null
    returning key, id
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


async def put_sessions(
    db: AsyncConnection,
    organization: UUID,
    sessions: Mapping[str, SessionSaid],
    others: Collection[UUID] = (),
) -> Written:
    """Create or replace sessions, by their callers' ids, in a few statements, however many there are.

    The same values again write nothing, and only what planning reads makes a session dirty; a deleted one comes
    back. This takes hold of the facts of all of them, and of `others`, which the transaction changes too: it comes
    first there, since whoever makes a session may have to wait for another who does (`store.locks`).
    """
    await look_anew(db)
    made = set((await db.execute(_MAKE, {"organization": organization, **_arrays(sessions)})).scalars())
    ids = await locate_sessions(db, organization, sessions.keys())
    await change_facts(db, *ids.values(), *others)
    heeded = await _heeded(db, {id: sessions[key] for key, id in ids.items()})
    moved = await put_places(db, {id: Places(said.modules, said.slots) for id, said in heeded.items()})
    changed = made | await _replace(db, {id: said for id, said in heeded.items() if id not in made}, moved)
    return Written(
        ids=ids,
        changed=frozenset(key for key, id in ids.items() if id in changed),
        ignored=frozenset(key for key, id in ids.items() if id not in heeded),
    )


async def _heeded(db: AsyncConnection, sessions: Mapping[UUID, SessionSaid]) -> dict[UUID, SessionSaid]:
    """Return those that are not older than what stands there."""
    versions = [said.source_version for said in sessions.values()]
    found = await db.execute(_HEEDED, {"id": list(sessions), "source_version": versions})
    return {id: sessions[id] for id in found.scalars()}


async def _replace(
    db: AsyncConnection, sessions: Mapping[UUID, SessionSaid], moved: Collection[UUID]
) -> set[UUID]:
    """Write sessions that were there before; return those that are not as they were."""
    if not sessions:
        return set()
    places = {"id": list(sessions), "places_changed": [id in moved for id in sessions]}
    return set((await db.execute(_REPLACE, {**places, **_arrays(sessions)})).scalars())


async def put_session(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    zone: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    **more: Any,
) -> Session:
    """Create or replace one session, `more` as `SessionSaid` has it; return it as it stands, deleted or not."""
    said = SessionSaid(name=name, zone=zone, starts_at=starts_at, ends_at=ends_at, **more)
    await put_sessions(db, organization, {key: said})
    return Session(**(await db.execute(_FETCH, {"organization": organization, "key": key})).one()._mapping)


async def locate_sessions(db: AsyncConnection, organization: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Return the internal ids of those of these sessions that there ever were."""
    found = await db.execute(_LOCATE, {"organization": organization, "keys": list(keys)})
    return {row.key: row.id for row in found}


async def find_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Session(**row._mapping) if row else None


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions to list; None: whatever."""

    stage: str | None = None
    mode: str | None = None
    category: str | None = None
    center: str | None = None
    starts_from: datetime | None = None
    starts_to: datetime | None = None  # excluded
    text: str | None = None  # in id or name


async def list_sessions(
    db: AsyncConnection,
    organization: UUID,
    limit: int,
    *,
    after: str | None = None,
    only: SessionFilter = SessionFilter(),
) -> list[Session]:
    """Return sessions by id: an order that no change of a date disturbs while pages are read."""
    values = {"organization": organization, "limit": limit, "after": after, **asdict(only)}
    return [Session(**row._mapping) for row in await db.execute(_LIST, values)]


async def delete_sessions(db: AsyncConnection, organization: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Leave tombstones, which planning turns into the removal of what waits; return those that were there."""
    ids = await locate_sessions(db, organization, keys)
    await change_facts(db, *ids.values())
    return {row.key: row.id for row in await db.execute(_DELETE, {"ids": list(ids.values())})}


async def delete_session(db: AsyncConnection, organization: UUID, key: str) -> Session | None:
    """Delete one session and return its tombstone; None where there is none to delete."""
    if not await delete_sessions(db, organization, [key]):
        return None
    return Session(**(await db.execute(_FETCH, {"organization": organization, "key": key})).one()._mapping)


async def list_session_ids(db: AsyncConnection, rule: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next page of the sessions that a rule may concern."""
    rows = await db.execute(_LIST_IDS, {"rule": rule, "after": after, "limit": limit})
    return [row.id for row in rows]


async def count_sessions(db: AsyncConnection, rule: UUID) -> int:
    """Return how many sessions a rule may concern."""
    return int((await db.execute(_COUNT_IDS, {"rule": rule})).scalar_one())


def _arrays(sessions: Mapping[Any, SessionSaid]) -> dict[str, list[Any]]:
    """Return the columns of what is said, as arrays; `key` is what each is said under."""
    columns = {name: [getattr(said, name) for said in sessions.values()] for name in _SAID}
    written = [json.dumps(said.data or {}) for said in sessions.values()]
    return {**columns, "key": list(sessions), "data": written}
