"""Which sessions there are, by their callers' ids."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_KEYS = text("select key from sessions where organization_id = :organization and deleted_at is null")


async def list_session_keys(db: AsyncConnection, organization: UUID) -> frozenset[str]:
    """Return the ids of all sessions that are not deleted."""
    return frozenset((await db.execute(_KEYS, {"organization": organization})).scalars())
