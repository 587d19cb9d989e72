"""The companies that participants come from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.register import Column, Register
from store.written import Written


@dataclass(frozen=True, slots=True)
class Company:
    """A row of `companies`, with the key of its main contact."""

    id: UUID
    key: str
    name: str
    email: str | None
    language: str | None
    contact: str | None
    source_version: int | None = None
    deleted: bool = False


class Details(TypedDict, total=False):
    """What a caller says of a company; what is left out stays as it was. A new one needs a name."""

    name: str
    email: str | None
    language: str | None
    contact_id: UUID | None
    source_version: int | None


_COMPANIES = Register(
    "companies",
    Column("name", "text"),
    Column("email", "text"),
    Column("language", "text"),
    Column("contact_id", "uuid"),
)

_SELECT = """
    select c.id, c.key, c.name, c.email, c.language, people.key as contact, c.source_version,
           c.deleted_at is not null as deleted
    from companies c left join people on people.id = c.contact_id
    where c.organization_id = :organization
"""
_FETCH = text(f"{_SELECT} and c.key = :key")
_FIND = text(f"{_SELECT} and c.key = :key and c.deleted_at is null")
_LIST = text(f"""
    {_SELECT} and c.deleted_at is null and c.key > coalesce(:after, '')
      and (cast(:text as text) is null
           or strpos(lower(concat_ws(' ', c.key, c.name, c.email)), lower(:text)) > 0)
    order by c.key limit :limit
""")


async def put_companies(db: AsyncConnection, organization: UUID, companies: Mapping[str, Details]) -> Written:
    """Create or edit companies, by their callers' ids, in a few statements, however many; as `put_people` does."""
    return await _COMPANIES.put(db, organization, companies)


async def put_company(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    email: str | None,
    language: str | None,
    contact: UUID | None,
    source_version: int | None = None,
) -> Company:
    """Create or replace a company; what waits uses the contact of the moment of sending (F056, F057).

    One of a newer `source_version` stays, and comes back as it is.
    """
    said: Details = {
        "name": name,
        "email": email,
        "language": language,
        "contact_id": contact,
        "source_version": source_version,
    }
    await put_companies(db, organization, {key: said})
    return Company(**(await db.execute(_FETCH, {"organization": organization, "key": key})).one()._mapping)


async def find_company(db: AsyncConnection, organization: UUID, key: str) -> Company | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Company(**row._mapping) if row else None


async def find_companies(db: AsyncConnection, organization: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Return the internal ids of those of these companies that are known."""
    return await _COMPANIES.find_ids(db, organization, keys)


async def list_companies(
    db: AsyncConnection, organization: UUID, limit: int, *, after: str | None = None, text: str | None = None
) -> list[Company]:
    """Return companies by id; `text` is looked for in id, name and address."""
    values = {"organization": organization, "limit": limit, "after": after, "text": text}
    return [Company(**row._mapping) for row in await db.execute(_LIST, values)]
