"""Tokens: who may use the API. Each is told once; the row knows its SHA-256 digest alone."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# 32 random bytes: nobody guesses one, so a fast digest without salt keeps it safe.
_FORM = re.compile(r"relance_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A row of `tokens`."""

    id: UUID
    name: str
    centers: Sequence[str] | None  # that it is limited to; None: all
    created_at: datetime
    revoked_at: datetime | None


_COLUMNS = "id, name, centers, created_at, revoked_at"

_CREATE = text(f"""
    insert into tokens (organization_id, name, digest, centers) values (:organization, :name, :digest, :centers)
    returning {_COLUMNS}
""")

_FIND = text(f"""
    select {_COLUMNS} from tokens
    where digest = :digest and organization_id = :organization and revoked_at is null
""")

_FIND_BY_ID = text(f"select {_COLUMNS} from tokens where organization_id = :organization and id = :id")

_LIST = text(f"""
    select {_COLUMNS} from tokens
    where organization_id = :organization
      and (cast(:after_at as timestamptz) is null or (created_at, id) > (:after_at, cast(:after_id as uuid)))
    order by created_at, id limit :limit
""")

_REVOKE = text("""
    update tokens set revoked_at = coalesce(revoked_at, relance_now())
    where organization_id = :organization and id = :id
""")


async def create_token(
    db: AsyncConnection, organization: UUID, name: str, centers: Sequence[str] | None = None
) -> tuple[Token, str]:
    """Make a token; return it with its words, which nobody can read again."""
    words = f"relance_{secrets.token_urlsafe(32)}"
    values = {"organization": organization, "name": name, "digest": _digest(words), "centers": centers}
    return Token(**(await db.execute(_CREATE, values)).one()._mapping), words


async def find_token(db: AsyncConnection, organization: UUID, words: str) -> Token | None:
    """Return the organization's token with these words; None where there is none, or somebody has revoked it."""
    if not _FORM.fullmatch(words):
        return None
    values = {"organization": organization, "digest": _digest(words)}
    row = (await db.execute(_FIND, values)).one_or_none()
    return Token(**row._mapping) if row else None


async def is_token(db: AsyncConnection, organization: UUID, words: str) -> bool:
    """Return whether these are the words of one of the organization's tokens that nobody has revoked."""
    return await find_token(db, organization, words) is not None


async def find_token_by_id(db: AsyncConnection, organization: UUID, id: UUID) -> Token | None:
    """Return a token, revoked or not."""
    row = (await db.execute(_FIND_BY_ID, {"organization": organization, "id": id})).one_or_none()
    return Token(**row._mapping) if row else None


async def list_tokens(
    db: AsyncConnection, organization: UUID, limit: int, after: tuple[Any, ...] | None = None
) -> list[Token]:
    """Return tokens, revoked ones too, the oldest first; `after` is the instant and id of the last one of the page before."""
    after_at, after_id = after or (None, None)
    values = {"organization": organization, "limit": limit, "after_at": after_at, "after_id": after_id}
    return [Token(**row._mapping) for row in await db.execute(_LIST, values)]


async def revoke_token(db: AsyncConnection, organization: UUID, id: UUID) -> bool:
    """Let nobody in with this token any more; return whether there is one. May be repeated."""
    return (await db.execute(_REVOKE, {"organization": organization, "id": id})).rowcount == 1


def _digest(words: str) -> str:
    return sha256(words.encode()).hexdigest()
