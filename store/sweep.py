"""What fell between two lines: changes committed and never planned or told, mails long due, hand-overs nobody ended.

Everything here is only suspected: whoever works on it at this moment is known to Temporal, not to these rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Status
from domain.upkeep import Repair
from store.series import PLANNED_ON, goes_on
from store.signals import Unsignalled


@dataclass(frozen=True, slots=True)
class Left:
    """A rule, or a session, that planning seems to have left behind, by the caller's key and ours."""

    organization: str
    key: str
    id: UUID


@dataclass(frozen=True, slots=True)
class LeftSession(Left):
    """What of a session is behind."""

    dirty: dict[Repair, int] = field(default_factory=dict)  # how many rows nobody planned
    untold: dict[Left, int] = field(default_factory=dict)  # how many sends of each rule nobody told


@dataclass(frozen=True, slots=True)
class LeftSend:
    """A send that should have moved on, and what its workflow would be told."""

    send: Unsignalled
    now: datetime


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A chunk of sends that will be told again."""

    last: UUID  # the next chunk begins behind it
    sessions: list[Left]
    sends: int


# By chance, so that what cannot be repaired does not keep the rest from being seen.
_SESSIONS = text("""
    with behind as materialized (
        select id as session_id, 'session' as kind, cast(null as uuid) as rule_id, 1 as rows from sessions
        where version > planned_version and changed_at < relance_now() - :grace
        union all
        select session_id, 'participation', null, count(*) from participations
        where version > planned_version and changed_at < relance_now() - :grace
        group by session_id
        union all
        select session_id, 'signal', rule_id, count(*) from sends
        where signalled_version < version and changed_at < relance_now() - :grace
        group by session_id, rule_id
    ),
    chosen as (
        select session_id from behind where cast(:only as uuid[]) is null or session_id = any(:only)
        group by session_id order by random() limit :limit
    )
    select o.key as organization, s.key, s.id, behind.kind, behind.rows, r.key as rule_key, r.id as rule
    from chosen
    join behind using (session_id)
    join sessions s on s.id = session_id
    join organizations o on o.id = s.organization_id
    left join rules r on r.id = behind.rule_id
""")

_RULES = text("""
    select o.key as organization, r.key, r.id
    from rules r join organizations o on o.id = r.organization_id
    where r.version > r.planned_version and r.changed_at < relance_now() - :grace
      and (cast(:only as uuid[]) is null or r.id = any(:only))
    order by random() limit :limit
""")

_SEND = """
    select s.id, o.key as organization, r.key as rule, session.key as session, s.recipient_id as recipient,
           s.status, s.reason, s.version, s.due_at, relance_now() as now
    from sends s
    join organizations o on o.id = s.organization_id
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    join participations p on p.id = s.participation_id
"""

# Overdue is what was told, may leave, and has not been touched since; or what hangs after its fence.
_SENDS = text(f"""{_SEND}
    where s.status in ('scheduled', 'claimed', 'handing_over') and s.due_at < relance_now() - :grace
      and (s.status = 'handing_over' and s.lease_until < relance_now() - :grace
           or (s.status = 'scheduled' or s.status = 'claimed' and s.lease_until < relance_now() - 2 * :grace)
              and greatest(s.due_at, s.next_attempt_at, s.turn_at) < relance_now() - 2 * :grace
              and s.changed_at < relance_now() - 2 * :grace
              and s.signalled_version >= s.version
              and session.version = session.planned_version and p.version = p.planned_version
              and r.version = r.planned_version and r.active)
      and (cast(:only as uuid[]) is null or s.id = any(:only))
    order by random() limit :limit
""")

_DUE = text(f"""{_SEND}
    where s.status in ('scheduled', 'claimed', 'handing_over') and s.due_at < relance_now()
      and s.id > coalesce(cast(:after as uuid), '00000000-0000-0000-0000-000000000000')
    order by s.id limit :limit
""")

_BELIEVE = text(f"""
    with {goes_on("s.version = :version and s.status in ('scheduled', 'claimed', 'handing_over')")}
    update sends
    set status = 'sent', reason = null, lease_until = null, next_attempt_at = null, turn_at = null,
        ended_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_build_object('at', relance_now(), 'step', 'sent'))
    where id = :send and version = :version and status in ('scheduled', 'claimed', 'handing_over') and {PLANNED_ON}
""")

_BEHIND_SEND = text("""
    select o.key as organization, session.key, session.id
    from sends s
    join sessions session on session.id = s.session_id
    join organizations o on o.id = session.organization_id
    join participations p on p.id = s.participation_id
    where s.id = :send
      and (s.version > s.signalled_version or p.version > p.planned_version
           or session.version > session.planned_version)
""")

# A chunk at a time; the order is that of `store.locks`. While they wait to be told, `changed_at` gives them the grace.
_FORGET = text("""
    with waiting as (
        select id from sends
        where status in ('scheduled', 'claimed', 'handing_over', 'in_doubt') and signalled_version > 0
          and id > coalesce(cast(:after as uuid), '00000000-0000-0000-0000-000000000000')
        order by id limit :limit for no key update
    ),
    forgotten as (
        update sends set signalled_version = 0, changed_at = relance_now()
        from waiting where sends.id = waiting.id
        returning sends.session_id
    )
    select o.key as organization, s.key, s.id, forgotten.sends, (select id from waiting order by id desc limit 1) as last
    from (select session_id, count(*) as sends from forgotten group by session_id) as forgotten
    join sessions s on s.id = session_id
    join organizations o on o.id = s.organization_id
""")


async def list_sessions_left(
    db: AsyncConnection, grace: timedelta, limit: int, only: Sequence[UUID] | None = None
) -> list[LeftSession]:
    """Return sessions whose plan, or whose workflows, have been behind for longer than `grace`."""
    sessions: dict[UUID, LeftSession] = {}
    for row in await db.execute(_SESSIONS, {"grace": grace, "limit": limit, "only": _ids(only)}):
        session = sessions.setdefault(row.id, LeftSession(row.organization, row.key, row.id))
        if row.rule is None:
            session.dirty[Repair(row.kind)] = row.rows
        else:
            session.untold[Left(row.organization, row.rule_key, row.rule)] = row.rows
    return list(sessions.values())


async def list_rules_left(
    db: AsyncConnection, grace: timedelta, limit: int, only: Sequence[UUID] | None = None
) -> list[Left]:
    """Return rules that have not been rolled out for longer than `grace`."""
    rows = await db.execute(_RULES, {"grace": grace, "limit": limit, "only": _ids(only)})
    return [Left(**row._mapping) for row in rows]


async def list_sends_left(
    db: AsyncConnection, grace: timedelta, limit: int, only: Sequence[UUID] | None = None
) -> list[LeftSend]:
    """Return mails late by more than twice `grace`, and hand-overs whose lease is over for longer than it."""
    rows = await db.execute(_SENDS, {"grace": grace, "limit": limit, "only": _ids(only)})
    return [_left_send(dict(row._mapping)) for row in rows]


async def find_session_behind(db: AsyncConnection, send: UUID) -> Left | None:
    """Return the session of a send where planning, or telling, is behind for it."""
    row = (await db.execute(_BEHIND_SEND, {"send": send})).one_or_none()
    return Left(**row._mapping) if row else None


async def list_due(db: AsyncConnection, after: UUID | None, limit: int) -> list[LeftSend]:
    """Return the next page of sends that could have left by now."""
    rows = await db.execute(_DUE, {"after": after, "limit": limit})
    return [_left_send(dict(row._mapping)) for row in rows]


async def believe_sent(db: AsyncConnection, send: Unsignalled) -> bool:
    """Write that a mail has left, which only its workflow remembers; False when the row has moved on."""
    return (await db.execute(_BELIEVE, {"send": send.id, "version": send.version})).rowcount == 1


async def forget_signals(db: AsyncConnection, after: UUID | None, limit: int) -> Forgotten | None:
    """Have the next `limit` sends that wait told once more, as if nobody ever had; None when there are no more."""
    rows = (await db.execute(_FORGET, {"after": after, "limit": limit})).all()
    if not rows:
        return None
    sessions = [Left(row.organization, row.key, row.id) for row in rows]
    return Forgotten(rows[0].last, sessions, sum(row.sends for row in rows))


def _ids(only: Sequence[UUID] | None) -> list[UUID] | None:
    return None if only is None else list(only)


def _left_send(columns: dict[str, object]) -> LeftSend:
    now = columns.pop("now")
    send = Unsignalled(**{**columns, "status": Status(str(columns["status"]))})  # type: ignore[arg-type]
    return LeftSend(send, now)  # type: ignore[arg-type]
