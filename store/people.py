"""The people mails go to."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Person:
    """A row of `people`."""

    id: UUID
    key: str
    email: str | None
    first_name: str
    last_name: str
    language: str | None


_COLUMNS = "id, key, email, first_name, last_name, language"

# Planning reads none of this, so nothing becomes dirty; the version tells a fence that the address changed.
_PUT = text(f"""
    insert into people as p (organization_id, key, email, first_name, last_name, language)
    values (:organization, :key, :email, :first_name, :last_name, :language)
    on conflict (organization_id, key) do update
    set email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
        language = excluded.language,
        version = case
            when (p.email, p.first_name, p.last_name, p.language) is not distinct from
                 (excluded.email, excluded.first_name, excluded.last_name, excluded.language)
            then p.version else p.version + 1 end
    returning {_COLUMNS}
""")

_FIND = text(f"select {_COLUMNS} from people where organization_id = :organization and key = :key")


async def put_person(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    email: str | None,
    first_name: str,
    last_name: str,
    language: str | None,
) -> Person:
    """Create or replace a person; what waits uses the new address at the moment of sending (F038)."""
    values = {"email": email, "first_name": first_name, "last_name": last_name, "language": language}
    row = (await db.execute(_PUT, {"organization": organization, "key": key, **values})).one()
    return Person(**row._mapping)


async def find_person(db: AsyncConnection, organization: UUID, key: str) -> Person | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Person(**row._mapping) if row else None
