"""What was answered to requests that carry an Idempotency-Key, so that the same request is not done twice."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to answer under a key; it ends when somebody takes it over."""

    organization: UUID
    key: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known under a key; without a status, the answer is still being made."""

    request_digest: str
    status: int | None
    media_type: str | None
    body: bytes | None


# Whoever asks again after a day asks anew. An attempt that has not answered for a minute has died: the same request
# may take it over, another one may not.
_BEGIN = text("""
    insert into answers as kept (organization_id, key, request_digest) values (:organization, :key, :digest)
    on conflict (organization_id, key) do update
    set request_digest = excluded.request_digest, status = null, media_type = null, body = null,
        asked_at = relance_now()
    where kept.asked_at <= relance_now() - interval '1 day'
       or (kept.status is null and kept.request_digest = excluded.request_digest
           and kept.asked_at <= relance_now() - interval '1 minute')
    returning asked_at
""")

_FIND = text("""
    select request_digest, status, media_type, body from answers where organization_id = :organization and key = :key
""")

# They may hold names and addresses. Skipped rows belong to whoever asks anew.
_CLEAR = text("""
    delete from answers where (organization_id, key) in (
        select organization_id, key from answers where asked_at <= relance_now() - interval '1 day'
        order by asked_at limit 10000 for update skip locked
    )
""")

_MINE = "organization_id = :organization and key = :key and asked_at = :asked_at and status is null"
_KEEP = text(f"update answers set status = :status, media_type = :media_type, body = :body where {_MINE}")
_FORGET = text(f"delete from answers where {_MINE}")


async def begin_answer(db: AsyncConnection, organization: UUID, key: str, digest: str) -> Attempt | None:
    """Return the right to answer a request, or None where somebody else has, or had, it; then `find_answer` tells."""
    values = {"organization": organization, "key": key, "digest": digest}
    row = (await db.execute(_BEGIN, values)).one_or_none()
    if row is None:
        return None
    return Attempt(organization, key, row.asked_at)


async def clear_answers(db: AsyncConnection) -> None:
    """Delete what was answered more than a day ago, some thousands at a time; may be repeated."""
    await db.execute(_CLEAR)


async def find_answer(db: AsyncConnection, organization: UUID, key: str) -> Kept | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return Kept(**row._mapping) if row else None


async def keep_answer(
    db: AsyncConnection, attempt: Attempt, status: int, media_type: str, body: bytes
) -> None:
    """Keep what was answered, unless somebody has taken the attempt over."""
    answer = {"status": status, "media_type": media_type, "body": body}
    await db.execute(_KEEP, _row(attempt) | answer)


async def forget_answer(db: AsyncConnection, attempt: Attempt) -> None:
    """Let the same request be tried again, unless somebody has taken the attempt over."""
    await db.execute(_FORGET, _row(attempt))


def _row(attempt: Attempt) -> dict[str, object]:
    return {"organization": attempt.organization, "key": attempt.key, "asked_at": attempt.asked_at}
