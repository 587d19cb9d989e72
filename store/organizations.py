"""Organizations: the tenants."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant; a single-tenant install has one, `main`."""

    id: UUID
    key: str
    name: str
    zone: str
    language: str


_FETCH = text("select id, key, name, zone, language from organizations where key = :key")

_ENSURE = text("""
    insert into organizations (key, name, zone, language, sender_address, sender_name)
    values (:key, :name, :zone, :language, :sender_address, :sender_name)
    on conflict (key) do nothing
""")


async def fetch_organization(db: AsyncConnection, key: str) -> Organization:
    """Return the organization; raise LookupError when there is none."""
    row = (await db.execute(_FETCH, {"key": key})).one_or_none()
    if row is None:
        raise LookupError(f"there is no organization {key!r}; `relance migrate` makes the first one")
    return Organization(**row._mapping)


async def ensure_organization(
    db: AsyncConnection,
    key: str,
    *,
    name: str,
    zone: str,
    language: str,
    sender_address: str,
    sender_name: str,
) -> Organization:
    """Return the organization, made with these values where it was missing; may be repeated."""
    values = {"name": name, "zone": zone, "language": language}
    sender = {"sender_address": sender_address, "sender_name": sender_name}
    await db.execute(_ENSURE, {"key": key, **values, **sender})
    return await fetch_organization(db, key)
