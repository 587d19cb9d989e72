"""The SMTP accounts that mails leave by, and how fast: turns are handed out one behind the other (PROTOCOLS 30)."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.facts import CLEAN, FACTS

_SET_RATE = text("""
    insert into senders as known (organization_id, rate, burst) select id, :rate, :burst from organizations
    on conflict (organization_id) do update
    set rate = excluded.rate, burst = excluded.burst, free_at = relance_now()
    where (known.rate, known.burst) is distinct from (excluded.rate, excluded.burst)
    returning organization_id
""")

# Whoever waits for a turn of the rate before is woken, and asks for another.
_TURNS_BACK = text("""
    with waiting as (
        select id from sends
        where organization_id = any(cast(:organizations as uuid[])) and status = 'scheduled'
          and turn_at > relance_now()
        order by id for no key update
    ),
    woken as (
        update sends
        set turn_at = null, next_attempt_at = null, version = version + 1, changed_at = relance_now()
        from waiting where sends.id = waiting.id
        returning session_id
    )
    select distinct o.key as organization, session.key, session.id
    from woken join sessions session on session.id = woken.session_id
    join organizations o on o.id = session.organization_id
""")

# A plan that has read these rows writes them first: it would not find them any more, and be taken for done.
_NO_PLANNING = text("""
    select pg_advisory_xact_lock(hashtextextended('plan ' || session_id, 0))
    from (select distinct session_id from sends
          where organization_id = any(cast(:organizations as uuid[])) and status = 'scheduled'
            and turn_at > relance_now() order by session_id) as planned
""")

# A bucket of `burst` tokens, filled at `rate`, told as the time its next token is there: a row of one instant, which
# every mail without a turn moves on. After a rest it lies in the past, by no more than the bucket holds.
_TAKE = text(f"""
    with send as (
        select s.id, s.organization_id from sends s, {FACTS} and {CLEAN}
          and s.id = :send and s.version = :version and s.turn_at is null
          and s.due_at <= relance_now() and s.latest_at > relance_now()
          and (s.status = 'scheduled' and coalesce(s.next_attempt_at, s.due_at) <= relance_now()
               or s.status = 'claimed' and s.lease_until <= relance_now())
    ),
    turn as (
        update senders
        set free_at = greatest(free_at, relance_now() - interval '1 s' * ((burst - 1) / rate))
                    + interval '1 s' * (1 / rate)
        from send where senders.organization_id = send.organization_id and senders.rate is not null
        returning send.id, free_at - interval '1 s' * (1 / rate) as at
    )
    update sends s set turn_at = turn.at, next_attempt_at = greatest(s.next_attempt_at, turn.at)
    from turn
    where s.id = turn.id and s.version = :version and s.turn_at is null and s.status in ('scheduled', 'claimed')
    returning turn.at <= relance_now()
""")


@dataclass(frozen=True, slots=True)
class Woken:
    """A session some of whose sends are to be told of another turn."""

    organization: str
    key: str
    id: UUID


async def set_rate(db: AsyncConnection, rate: float | None, burst: int) -> list[Woken]:
    """Let every organization's sender hand over at most `rate` mails a second, None: as fast as it goes.

    After a rest `burst` mails may leave at once. Returns the sessions of those that waited for a turn and ask again.
    May be repeated.
    """
    changed = (await db.execute(_SET_RATE, {"rate": rate, "burst": burst})).scalars().all()
    if not changed:
        return []
    await db.execute(_NO_PLANNING, {"organizations": list(changed)})
    woken = await db.execute(_TURNS_BACK, {"organizations": list(changed)})
    return [Woken(**row._mapping) for row in woken]


async def take_turn(db: AsyncConnection, send: UUID, version: int) -> bool:
    """Give a due send its turn at its sender; return whether that is now.

    A send that has its turn keeps it, so that a thousand late mails ask once each and then wait, in order. False also
    where there is nothing to wait for: no limit, or a send that may not leave now anyway.
    """
    return (await db.execute(_TAKE, {"send": send, "version": version})).scalar_one_or_none() is True
