"""What fell between two lines: changes committed and never planned or told."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Left:
    """A session or rule that planning has left behind."""

    organization: str
    key: str
    id: UUID


_SESSIONS = text("""
    select o.key as organization, s.key, s.id
    from sessions s join organizations o on o.id = s.organization_id
    where s.id in (
        select id from sessions where version > planned_version and changed_at < relance_now() - :grace
        union select session_id from participations
              where version > planned_version and changed_at < relance_now() - :grace
        union select session_id from sends
              where signalled_version < version
                and changed_at < relance_now() - :grace
    )
    order by s.changed_at limit :limit
""")

# Telling a workflow that lives changes nothing, since it knows the version; one that is gone is started again.
_OVERDUE = text("""
    update sends set signalled_version = 0, changed_at = relance_now()
    where id in (
        select id from sends
        where (status = 'scheduled' or status = 'claimed' and lease_until < relance_now() - :late)
          and greatest(due_at, next_attempt_at) < relance_now() - :late
          and changed_at < relance_now() - :late and signalled_version > 0
        order by id limit :limit for no key update skip locked
    )
""")

_RULES = text("""
    select o.key as organization, r.key, r.id
    from rules r join organizations o on o.id = r.organization_id
    where r.version > r.planned_version and r.changed_at < relance_now() - :grace
    order by r.changed_at limit :limit
""")


async def forget_signals_of_overdue(db: AsyncConnection, late: timedelta, limit: int = 1000) -> None:
    """Have the workflows of mails that are late by more than `late` told, or started, once more."""
    await db.execute(_OVERDUE, {"late": late, "limit": limit})


async def list_sessions_left(db: AsyncConnection, grace: timedelta, limit: int) -> list[Left]:
    """Return sessions whose plan, or whose workflows, have been behind for longer than `grace`."""
    rows = await db.execute(_SESSIONS, {"grace": grace, "limit": limit})
    return [Left(**row._mapping) for row in rows]


async def list_rules_left(db: AsyncConnection, grace: timedelta, limit: int) -> list[Left]:
    """Return rules that have not been rolled out for longer than `grace`."""
    rows = await db.execute(_RULES, {"grace": grace, "limit": limit})
    return [Left(**row._mapping) for row in rows]
