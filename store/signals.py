"""Which workflows have not yet been told what their rows say: the rows are their own outbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Status
from store.facts import CLEAN, FACTS
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
    where s.session_id = any(:sessions) and s.signalled_version < s.version and s.id <> all(:without)
    order by s.due_at limit :limit
""")

# Nothing but a busy worker keeps these: what waits for planning, a turn or a retry is not late here. First the few rows
# of these minutes, along the index of what waits, and only then, if there are any, what they are about.
_LATE = text(f"""
    with due as materialized (
        select * from sends
        where status in ('scheduled', 'claimed', 'handing_over')
          and due_at between (select relance_now()) - interval '5 minutes' and (select relance_now()) - interval '1 second'
    )
    select exists (select from due) and exists (
        select from due s, {FACTS} and {CLEAN}
          and s.status = 'scheduled' and s.attempts = 0 and s.turn_at is null and s.signalled_version >= s.version
    )
""")

# PostgreSQL would remember how it found rows when this connection first asked, which may be when there were few.
_LOOK_ANEW = text("set local plan_cache_mode = force_custom_plan")

_SIGNALLED = text("""
    update sends set signalled_version = greatest(sends.signalled_version, told.version)
    from unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as told (id, version)
    where sends.id = told.id
""")


async def list_unsignalled(
    db: AsyncConnection, sessions: Sequence[UUID], limit: int, *, without: Collection[UUID] = ()
) -> list[Unsignalled]:
    """Return the next sends to signal, the soonest due first, none of those `without`."""
    rows = await db.execute(_LIST, {"sessions": list(sessions), "limit": limit, "without": list(without)})
    return [Unsignalled(**{**row._mapping, "status": Status(row.status)}) for row in rows]


async def is_any_late(db: AsyncConnection) -> bool:
    """Return whether a mail that may leave has been due for a second, and for no more than five minutes."""
    return bool((await db.execute(_LATE)).scalar_one())


async def mark_signalled(db: AsyncConnection, told: Sequence[Unsignalled]) -> None:
    """Say which versions were sent; a newer one written meanwhile stays to be told."""
    await db.execute(_LOOK_ANEW)
    ids = [send.id for send in told]
    await lock_sends(db, ids)
    await db.execute(_SIGNALLED, {"ids": ids, "versions": [send.version for send in told]})
