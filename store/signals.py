"""Which workflows have not yet been told what their rows say: the rows are their own outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Status
from store.locks import lock_sends


@dataclass(frozen=True, slots=True)
class Unsignalled:
    """A send whose workflow is behind its row, and what the workflow is to be told."""

    id: UUID
    organization: str
    rule: str
    session: str
    recipient: UUID
    status: Status
    reason: str | None
    version: int
    due_at: datetime


_LIST = text("""
    select s.id, o.key as organization, r.key as rule, ses.key as session, s.recipient_id as recipient,
           s.status, s.reason, s.version, s.due_at
    from sends s
    join organizations o on o.id = s.organization_id
    join rules r on r.id = s.rule_id
    join sessions ses on ses.id = s.session_id
    where s.session_id = any(:sessions) and s.signalled_version < s.version
    order by s.due_at limit :limit
""")

# PostgreSQL would remember how it found rows when this connection first asked, which may be when there were few.
_LOOK_ANEW = text("set local plan_cache_mode = force_custom_plan")

_SIGNALLED = text("""
    update sends set signalled_version = greatest(sends.signalled_version, told.version)
    from unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as told (id, version)
    where sends.id = told.id
""")


async def list_unsignalled(db: AsyncConnection, sessions: Sequence[UUID], limit: int) -> list[Unsignalled]:
    """Return the next sends to signal, the soonest due first."""
    rows = await db.execute(_LIST, {"sessions": list(sessions), "limit": limit})
    return [Unsignalled(**{**row._mapping, "status": Status(row.status)}) for row in rows]


async def mark_signalled(db: AsyncConnection, told: Sequence[Unsignalled]) -> None:
    """Say which versions were sent; a newer one written meanwhile stays to be told."""
    await db.execute(_LOOK_ANEW)
    ids = [send.id for send in told]
    await lock_sends(db, ids)
    await db.execute(_SIGNALLED, {"ids": ids, "versions": [send.version for send in told]})
