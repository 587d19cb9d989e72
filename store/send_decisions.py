"""What people decide about one send: each a conditional update of its row, in the states it is meant for.

Whoever delivers must win the same row too: whichever comes second sees the first. What would let a mail leave goes
through planning, which says whether it is still wanted: until it has, nothing leaves (DESIGN 4). `by` is the name of
the token that was shown, for the trace; None where pages are open and nobody showed one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.planning import latest_at
from domain.rules import RuleDefinition
from domain.sends import Decision, Reason, Status
from domain.zones import find_zone
from store.effective import DEFINITION, EFFECTIVE
from store.locks import change_facts
from store.receipts import held_by_another, role_of
from store.series import PLANNED_ON, goes_on

_DEFINITION = TypeAdapter(RuleDefinition)

# From where a mail can be sent by hand; from elsewhere there is something to decide first, or it has left.
SENDABLE = frozenset({Status.SCHEDULED, Status.FAILED, Status.EXPIRED, Status.SKIPPED, Status.MISSED})

# Whoever decides about it at the same time, and has not committed, is waited for: their word comes before ours.
_WAIT = text("select from sends where organization_id = :organization and id = :send for no key update")

_CANCEL = text("""
    update sends
    set status = 'cancelled', reason = :reason, version = version + 1, token = null, lease_until = null,
        ended_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'at', relance_now(), 'step', 'cancelled', 'by', cast(:by as text))))
    where organization_id = :organization and id = :send and status in ('scheduled', 'claimed')
    returning session_id
""")

# Planning takes back what it had set; a time that was set by hand went with the cancellation.
_REACTIVATE = text("""
    update sends
    set status = 'scheduled', reason = :reason, version = version + 1, due_override_at = null, ended_at = null,
        next_attempt_at = null, turn_at = null, changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'at', relance_now(), 'step', 'reactivated', 'by', cast(:by as text))))
    where id = :send and status = 'cancelled'
    returning true
""")

# The Message-ID stays: it is the same mail. What the attempt before left behind goes.
_LEAVE_NOW = text("""
    update sends
    set status = 'scheduled', reason = null, version = version + 1, due_override_at = :now,
        due_at = :now, latest_at = :latest_at, due_local = :due_local,
        token = null, lease_until = null, next_attempt_at = null, turn_at = null,
        ended_at = null, reply_code = null, detail = null, refused_cc = null, changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'at', relance_now(), 'step', cast(:step as text), 'due_at', cast(:now as timestamptz),
            'by', cast(:by as text))))
    where id = :send and status = any(cast(:statuses as text[]))
    returning true
""")

_DOUBTED = "s.organization_id = :organization and s.status = 'in_doubt'"
_SETTLE_DOUBT = text(f"""
    with {goes_on(_DOUBTED, untells="cast(:status as text) <> 'sent'")}
    update sends
    set status = cast(:status as text), reason = cast(:reason as text), version = version + 1,
        token = null, lease_until = null, ended_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'at', relance_now(), 'step', cast(:status as text), 'reason', cast(:reason as text),
            'decision', cast(:decision as text), 'by', cast(:by as text))))
    where organization_id = :organization and id = :send and status = 'in_doubt' and {PLANNED_ON}
    returning session_id
""")

_READ = text(f"""
    select s.session_id as session, s.due_zone as zone, {DEFINITION} as definition, relance_now() as now,
           not coalesce(cast({DEFINITION} ->> 'allow_resend' as boolean), t.allow_resend) and exists (
               select from {held_by_another("written_to.role")}) as received
    from sends s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    {EFFECTIVE}
    join templates t on t.id = coalesce(s.template_id, r.template_id)
    cross join lateral (select {role_of(DEFINITION, "s.occurrence")}) as written_to (role)
    where s.organization_id = :organization and s.id = :send
""")

# Somebody with two roles has two; the send is planned for one of them. In the order of `store.locks`.
_LOCK_PARTS = text("""
    select p.id from participations p join sends s on s.session_id = p.session_id
    where s.id = :send and s.recipient_id = case when p.role = 'company' then p.company_id else p.person_id end
    order by p.role = 'company', p.id for no key update of p
""")

# Whoever takes a cancellation back asks for the mail anew; whoever says when it leaves does not.
_PLAN_AGAIN = text("""
    update participations
    set version = version + 1, changed_at = relance_now(),
        said_at = case when :asks then relance_now() else said_at end
    where id = any(cast(:participations as uuid[]))
""")


@dataclass(frozen=True, slots=True)
class SentNow:
    """A send that leaves as soon as it is planned."""

    session: UUID
    received: bool  # its recipient already has what its template sends only once: it will be skipped


async def cancel_send(
    db: AsyncConnection, organization: UUID, send: UUID, *, by: str | None = None
) -> UUID | None:
    """Cancel a send that can still be called back and return its session; None when it came too late.

    Once committed it is final: no mail leaves.
    """
    values = {"organization": organization, "send": send, "reason": Reason.CANCELLED_BY_HAND, "by": by}
    await db.execute(_WAIT, values)
    return await _session(db, _CANCEL, values)


async def reactivate_send(
    db: AsyncConnection, organization: UUID, send: UUID, *, by: str | None = None
) -> UUID | None:
    """Take a cancellation back and return the session; None when the send is not cancelled.

    Planning decides: it waits again, or is missed, or is no longer wanted.
    """
    found = await _read(db, organization, send)
    if found is None:
        return None
    values = {"send": send, "reason": Reason.REACTIVATED, "by": by}
    return found.session if await _planned_again(db, found.session, _REACTIVATE, values) else None


async def send_now(
    db: AsyncConnection, organization: UUID, send: UUID, *, by: str | None = None
) -> SentNow | None:
    """Have a send leave now, whatever its due time; None when it is not among `SENDABLE`.

    Its time stays until it has left; only if nobody wants it any more, planning removes it.
    """
    found = await _read(db, organization, send)
    if found is None or not await _leave_now(db, send, found, SENDABLE, step="send_now", by=by):
        return None
    return SentNow(found.session, found.received)


async def resolve_send(
    db: AsyncConnection, organization: UUID, send: UUID, decision: Decision, *, by: str | None = None
) -> UUID | None:
    """Settle a doubt and return the session; None when there is none about this send.

    What may have arrived keeps its receipt, so nothing else brings it; sent again, it leaves under its own
    Message-ID.
    """
    if decision is Decision.SEND_AGAIN:
        found = await _read(db, organization, send)
        doubt = frozenset({Status.IN_DOUBT})
        again = found is not None and await _leave_now(db, send, found, doubt, step=decision, by=by)
        return found.session if found is not None and again else None
    arrived = decision is Decision.ARRIVED
    values = {
        "organization": organization,
        "send": send,
        "status": Status.SENT if arrived else Status.FAILED,
        "reason": None if arrived else Reason.DOUBT_DROPPED,
        "decision": decision,
        "by": by,
    }
    return await _session(db, _SETTLE_DOUBT, values)


@dataclass(frozen=True, slots=True)
class _Found:
    session: UUID
    zone: str
    deliver_within: timedelta | None
    now: datetime
    received: bool


async def _read(db: AsyncConnection, organization: UUID, send: UUID) -> _Found | None:
    row = (await db.execute(_READ, {"organization": organization, "send": send})).one_or_none()
    if row is None:
        return None
    definition = _DEFINITION.validate_python(row.definition)
    return _Found(row.session, row.zone, definition.deliver_within, row.now.astimezone(UTC), row.received)


async def _leave_now(
    db: AsyncConnection, send: UUID, found: _Found, statuses: frozenset[Status], *, step: str, by: str | None
) -> bool:
    values = {
        "send": send,
        "statuses": sorted(statuses),
        "step": step,
        "by": by,
        "now": found.now,
        "latest_at": latest_at(found.now, found.now, found.deliver_within),
        "due_local": found.now.astimezone(find_zone(found.zone)).replace(tzinfo=None),
    }
    return await _planned_again(db, found.session, _LEAVE_NOW, values)


async def _planned_again(
    db: AsyncConnection, session: UUID, update: TextClause, values: dict[str, Any]
) -> bool:
    """Write a row, where it stands as the update asks, and have planning decide about it."""
    await change_facts(db, session)
    parts: Sequence[UUID] = (await db.execute(_LOCK_PARTS, {"send": values["send"]})).scalars().all()
    if (await db.execute(update, values)).scalar_one_or_none() is None:
        return False
    await db.execute(_PLAN_AGAIN, {"participations": list(parts), "asks": update is _REACTIVATE})
    return True


async def _session(db: AsyncConnection, update: TextClause, values: dict[str, Any]) -> UUID | None:
    session: UUID | None = (await db.execute(update, values)).scalar_one_or_none()
    return session
