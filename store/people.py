"""The people mails go to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.moves import move_people
from store.register import Column, Register
from store.written import Written


@dataclass(frozen=True, slots=True)
class Person:
    """A row of `people`."""

    id: UUID
    key: str
    email: str | None
    first_name: str
    last_name: str
    language: str | None
    zone: str | None = None  # None: the organization's
    manager: str | None = None
    source_version: int | None = None
    deleted: bool = False
    # By the write that it comes back from: the sessions where their mails are to be planned anew.
    moved: Mapping[str, UUID] = field(default_factory=dict)


class Details(TypedDict, total=False):
    """What a caller says of a person; what is left out stays as it was."""

    email: str | None
    first_name: str
    last_name: str
    language: str | None
    zone: str | None
    manager: str | None  # known, or among those who are written together
    source_version: int | None


_PEOPLE = Register(
    "people",
    Column("email", "text"),
    Column("first_name", "text", ""),
    Column("last_name", "text", ""),
    Column("language", "text"),
    Column("zone", "text"),
    Column("manager_id", "uuid"),
)

_SELECT = """
    select p.id, p.key, p.email, p.first_name, p.last_name, p.language, p.zone, manager.key as manager,
           p.source_version, p.deleted_at is not null as deleted
    from people p left join people manager on manager.id = p.manager_id
    where p.organization_id = :organization
"""
_FETCH = text(f"{_SELECT} and p.key = :key")
_FIND = text(f"{_SELECT} and p.key = :key and p.deleted_at is null")
_LIST = text(f"""
    {_SELECT} and p.deleted_at is null and p.key > coalesce(:after, '')
      and (cast(:text as text) is null
           or strpos(lower(concat_ws(' ', p.key, p.email, p.first_name, p.last_name)), lower(:text)) > 0)
    order by p.key limit :limit
""")


async def put_people(
    db: AsyncConnection,
    organization: UUID,
    people: Mapping[str, Details],
    others: Collection[UUID] = (),
    within: Collection[UUID] = (),
) -> Written:
    """Create or edit people, by their callers' ids, in a few statements, however many there are.

    The same again writes no row. What waits uses the new address at the moment of sending (F038): nothing becomes
    dirty, but for those who go to another time zone. The caller holds the directory (`store.moves.hold_directory`)
    where a zone or a manager is said.

    In a transaction that writes sessions or participations too, the facts of those sessions are held before; `others`
    are the people whom it goes on to touch (`store.participations.list_trainers`, `store.locks`), and `within` the
    sessions whose participations it writes next.
    """
    moved = await move_people(db, organization, people, within)
    managers = {key: manager for key, said in people.items() if (manager := said.get("manager")) is not None}
    known = await _PEOPLE.find_ids(db, organization, set(managers.values()))
    rows = {key: _row(said, known) for key, said in people.items()}
    written = await _PEOPLE.put(db, organization, rows, others)
    # Managers who were not known either are now.
    new = {key: manager for key, manager in managers.items() if manager not in known}
    late = {key: {"manager_id": written.ids[new[key]]} for key in new.keys() - written.ignored}
    again = await _PEOPLE.put(db, organization, late) if late else written
    return replace(written, changed=written.changed | again.changed, moved=moved)


def _row(said: Details, managers: Mapping[str, UUID]) -> dict[str, Any]:
    row: dict[str, Any] = {**said}
    manager = row.pop("manager", None)
    if "manager" in said and (manager is None or manager in managers):
        row["manager_id"] = manager and managers[manager]
    return row


async def put_person(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    email: str | None,
    first_name: str,
    last_name: str,
    language: str | None,
    zone: str | None = None,
    manager: str | None = None,
    source_version: int | None = None,
) -> Person:
    """Create or replace a person; one of a newer `source_version` stays, and comes back as they are.

    Their manager is known, and the caller holds the directory (`store.moves.hold_directory`).
    """
    said: Details = {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "language": language,
        "zone": zone,
        "manager": manager,
        "source_version": source_version,
    }
    written = await put_people(db, organization, {key: said})
    row = (await db.execute(_FETCH, {"organization": organization, "key": key})).one()
    return Person(**row._mapping, moved=written.moved)


async def find_person(db: AsyncConnection, organization: UUID, key: str) -> Person | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Person(**row._mapping) if row else None


async def find_people(db: AsyncConnection, organization: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Return the internal ids of those of these people that are known."""
    return await _PEOPLE.find_ids(db, organization, keys)


async def list_people(
    db: AsyncConnection, organization: UUID, limit: int, *, after: str | None = None, text: str | None = None
) -> list[Person]:
    """Return people by id; `text` is looked for in id, address and name."""
    values = {"organization": organization, "limit": limit, "after": after, "text": text}
    return [Person(**row._mapping) for row in await db.execute(_LIST, values)]
