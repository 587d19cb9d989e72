"""The people mails go to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
    source_version: int | None = None
    deleted: bool = False


class Details(TypedDict, total=False):
    """What a caller says of a person; what is left out stays as it was."""

    email: str | None
    first_name: str
    last_name: str
    language: str | None
    source_version: int | None


_PEOPLE = Register(
    "people",
    Column("email", "text"),
    Column("first_name", "text", ""),
    Column("last_name", "text", ""),
    Column("language", "text"),
)

_SELECT = """
    select id, key, email, first_name, last_name, language, source_version, deleted_at is not null as deleted
    from people where organization_id = :organization
"""
_FETCH = text(f"{_SELECT} and key = :key")
_FIND = text(f"{_SELECT} and key = :key and deleted_at is null")
_LIST = text(f"""
    {_SELECT} and deleted_at is null and key > coalesce(:after, '')
      and (cast(:text as text) is null
           or strpos(lower(concat_ws(' ', key, email, first_name, last_name)), lower(:text)) > 0)
    order by key limit :limit
""")


async def put_people(db: AsyncConnection, organization: UUID, people: Mapping[str, Details]) -> Written:
    """Create or edit people, by their callers' ids, in a few statements, however many there are.

    The same again writes no row. What waits uses the new address at the moment of sending (F038): nothing becomes
    dirty. In a transaction that writes sessions or participations too, the facts of those sessions are held before
    (`store.locks`).
    """
    return await _PEOPLE.put(db, organization, people)


async def put_person(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    email: str | None,
    first_name: str,
    last_name: str,
    language: str | None,
    source_version: int | None = None,
) -> Person:
    """Create or replace a person; one of a newer `source_version` stays, and comes back as they are."""
    said: Details = {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "language": language,
        "source_version": source_version,
    }
    await put_people(db, organization, {key: said})
    return Person(**(await db.execute(_FETCH, {"organization": organization, "key": key})).one()._mapping)


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
