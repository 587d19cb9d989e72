"""The companies that participants come from."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Company:
    """A row of `companies`, with the key of its main contact."""

    id: UUID
    key: str
    name: str
    email: str | None
    language: str | None
    contact: str | None


# Planning reads none of this, so nothing becomes dirty; the version tells a fence that the mail would be another.
_PUT = text("""
    insert into companies as c (organization_id, key, name, email, language, contact_id)
    values (:organization, :key, :name, :email, :language, :contact)
    on conflict (organization_id, key) do update
    set name = excluded.name, email = excluded.email, language = excluded.language,
        contact_id = excluded.contact_id, version = c.version + 1
    where (c.name, c.email, c.language, c.contact_id) is distinct from
          (excluded.name, excluded.email, excluded.language, excluded.contact_id)
""")

_FIND = text("""
    select c.id, c.key, c.name, c.email, c.language, people.key as contact
    from companies c left join people on people.id = c.contact_id
    where c.organization_id = :organization and c.key = :key
""")


async def put_company(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    email: str | None,
    language: str | None,
    contact: UUID | None,
) -> Company:
    """Create or replace a company; what waits uses the contact of the moment of sending (F056, F057)."""
    named = {"organization": organization, "key": key}
    values = {"name": name, "email": email, "language": language, "contact": contact}
    await db.execute(_PUT, {**named, **values})
    return Company(**(await db.execute(_FIND, named)).one()._mapping)


async def find_company(db: AsyncConnection, organization: UUID, key: str) -> Company | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Company(**row._mapping) if row else None
