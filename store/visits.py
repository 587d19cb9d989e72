"""Tokens as the pages use them: whoever showed one comes and goes until somebody revokes it."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class VisitToken:
    """What is kept of a token that somebody signed in with."""

    name: str
    digest: str


_BY_WORDS = text("""
    select id from tokens where digest = :digest and organization_id = :organization and revoked_at is null
""")

_BY_ID = text("""
    select name, digest from tokens where id = :id and organization_id = :organization and revoked_at is null
""")


async def find_token_id(db: AsyncConnection, organization: UUID, words: str) -> UUID | None:
    """Return the id of the organization's token of these words, unless it was revoked."""
    digest = sha256(words.encode()).hexdigest()
    row = (await db.execute(_BY_WORDS, {"organization": organization, "digest": digest})).one_or_none()
    return UUID(str(row.id)) if row else None


async def find_visit_token(db: AsyncConnection, organization: UUID, id: UUID) -> VisitToken | None:
    """Return what is kept of a token, None once it was revoked."""
    row = (await db.execute(_BY_ID, {"organization": organization, "id": id})).one_or_none()
    return VisitToken(row.name, row.digest) if row else None
