"""Training centers whose mails have a sender, or an address for answers, of their own.

A session names its center by the caller's key, which needs no row here: planning reads the key alone, so nothing that is
written here makes anything dirty. A mail is written with the sender of the moment.
"""

from dataclasses import dataclass
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Center:
    """A row of `centers`; what is None is the organization's, and answers go to the sender."""

    key: str
    name: str
    sender_address: str | None
    sender_name: str | None
    reply_to: str | None


class Details(TypedDict):
    """What a caller says of a center."""

    name: str
    sender_address: str | None
    sender_name: str | None
    reply_to: str | None


_COLUMNS = "key, name, sender_address, sender_name, reply_to"
_ONE = "organization_id = :organization and key = :key"

_PUT = text(f"""
    insert into centers (organization_id, {_COLUMNS})
    values (:organization, :key, :name, :sender_address, :sender_name, :reply_to)
    on conflict (organization_id, key) do update
    set name = excluded.name, sender_address = excluded.sender_address, sender_name = excluded.sender_name,
        reply_to = excluded.reply_to
    returning {_COLUMNS}
""")
_FIND = text(f"select {_COLUMNS} from centers where {_ONE}")
_LIST = text(f"""
    select {_COLUMNS} from centers
    where organization_id = :organization and key > coalesce(:after, '')
    order by key limit :limit
""")
_DELETE = text(f"delete from centers where {_ONE} returning true")


async def put_center(db: AsyncConnection, organization: UUID, key: str, **said: Unpack[Details]) -> Center:
    """Create or replace a center."""
    row = (await db.execute(_PUT, {"organization": organization, "key": key, **said})).one()
    return Center(**row._mapping)


async def find_center(db: AsyncConnection, organization: UUID, key: str) -> Center | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Center(**row._mapping) if row else None


async def list_centers(
    db: AsyncConnection, organization: UUID, limit: int, *, after: str | None = None
) -> list[Center]:
    """Return centers by their callers' keys."""
    rows = await db.execute(_LIST, {"organization": organization, "limit": limit, "after": after})
    return [Center(**row._mapping) for row in rows]


async def delete_center(db: AsyncConnection, organization: UUID, key: str) -> bool:
    """Forget a center; False when nobody knows it. Mails of its sessions are the organization's again."""
    return (
        await db.execute(_DELETE, {"organization": organization, "key": key})
    ).scalar_one_or_none() is True
