"""The delivery protocol's statements: look, claim, fence, record (DESIGN 8, PROTOCOLS 3.1).

PostgreSQL decides, Temporal wakes. Every step is a conditional update whose row count is the answer.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import RowState
from domain.sends import Outcome, Reason, Status

_STATE = text("""
    select s.status, s.version, s.due_at, s.latest_at, s.next_attempt_at, s.lease_until, relance_now() as now,
           (session.version = session.planned_version and r.version = r.planned_version and r.active
            and (p.id is null or p.version = p.planned_version)) as clean
    from sends s
    join sessions session on session.id = s.session_id
    join rules r on r.id = s.rule_id
    left join participations p on p.id = s.participation_id
    where s.id = :send
""")

# What time alone decides: a worker vanished after its fence, or the mail could not leave in time.
_SETTLE = text("""
    update sends
    set status = case when status = 'handing_over' then 'in_doubt' else 'expired' end,
        reason = case when status = 'handing_over' then 'lease_over' else 'too_late' end,
        ended_at = case when status = 'handing_over' then null else relance_now() end,
        lease_until = null, changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_build_object('at', relance_now(), 'step',
            case when status = 'handing_over' then 'in_doubt' else 'expired' end))
    where id = :send
      and (status = 'handing_over' and lease_until <= relance_now()
           or status = 'scheduled' and latest_at <= relance_now()
           or status = 'claimed' and lease_until <= relance_now() and latest_at <= relance_now())
""")

# Locks session, rule and participation in share mode, so that a change acknowledged before is seen here and one
# that comes later waits for this transaction. Returns the sum of their versions, by which claim and fence know that
# nothing changed between them, since versions only grow; or null while the plan is behind the facts.
_FACTS = text("""
    with send as (select session_id, rule_id, participation_id from sends where id = :send),
    session as (
        select s.version from sessions s join send on send.session_id = s.id
        where s.version = s.planned_version for share of s
    ),
    rule as (
        select r.version from rules r join send on send.rule_id = r.id
        where r.version = r.planned_version and r.active and r.deleted_at is null for share of r
    ),
    participation as (
        select p.version from participations p join send on send.participation_id = p.id
        where p.version = p.planned_version for share of p
    )
    select (select version from session) + (select version from rule)
         + case when exists (select from send where participation_id is null) then 0
                else (select version from participation) end
""")

_CLAIM = text("""
    update sends
    set status = 'claimed', token = :token, lease_until = relance_now() + :lease, attempts = attempts + 1,
        facts_version = :facts, next_attempt_at = null, changed_at = relance_now()
    where id = :send and version = :version
      and due_at <= relance_now() and latest_at > relance_now()
      and (status = 'scheduled' and coalesce(next_attempt_at, due_at) <= relance_now()
           or status = 'claimed' and lease_until <= relance_now())
    returning attempts
""")

_SAME_PERSON = text("select true from people where id = :person and version = :version for share")

# One receipt for one template, context, recipient and address: of two sends at once the second waits here, and loses.
_RECEIPT = text("""
    insert into receipts (template_id, scope_id, recipient_id, address_digest, send_id)
    values (:template, :scope, :recipient, :address_digest, :send)
    on conflict (template_id, scope_id, recipient_id, address_digest)
    do update set send_id = receipts.send_id
    returning send_id
""")

_FENCE = text("""
    update sends
    set status = 'handing_over', lease_until = relance_now() + :lease, message_id = :message_id,
        handed_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(
            jsonb_build_object('at', relance_now(), 'step', 'handing_over', 'attempt', attempts))
    where id = :send and token = :token and version = :version and facts_version = :facts and status = 'claimed'
      and latest_at > relance_now()
    returning true
""")

_RECORD = text("""
    update sends
    set status = cast(:status as text), reason = cast(:reason as text),
        -- Whoever waits for a decision is told of one.
        version = case when status = 'in_doubt' and :status <> 'in_doubt' then version + 1 else version end,
        reply_code = cast(:code as smallint), detail = :detail, lease_until = null,
        token = case when :status = 'scheduled' then null else token end,
        next_attempt_at = case when :status = 'scheduled' then relance_now() + cast(:retry_after as interval) end,
        ended_at = case when :status in ('scheduled', 'in_doubt') then null else relance_now() end,
        changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('at', relance_now(),
            'step', cast(:status as text), 'reason', cast(:reason as text), 'code', cast(:code as smallint))))
    where id = :send and token = :token and status in ('claimed', 'handing_over', 'in_doubt')
    returning true
""")

_TAKE_RECEIPT_BACK = text("delete from receipts where send_id = :send")

# The row's status if session, rule or participation are no longer what they were when this attempt began. The lock of
# the participation also keeps a fence that wants the receipt we take back from waiting for us while we wait for it.
_OUTDATED = text("""
    with send as (
        select session_id, rule_id, participation_id, facts_version, status from sends
        where id = :send and token = :token
    ),
    session as (select s.version from sessions s join send on send.session_id = s.id for share of s),
    rule as (select r.version from rules r join send on send.rule_id = r.id for share of r),
    participation as (
        select p.version from participations p join send on send.participation_id = p.id for no key update of p
    )
    select case when (select version from session) + (select version from rule)
                   + coalesce((select version from participation), 0)
                   is distinct from (select facts_version from send)
                then (select status from send) end
""")

_PLAN_AGAIN = text("""
    update participations set version = version + 1, changed_at = relance_now()
    where id = (select participation_id from sends where id = :send)
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to prepare one mail, while the lease lasts."""

    send: UUID
    version: int
    token: UUID
    attempt: int


async def read_state(db: AsyncConnection, send: UUID) -> RowState:
    """Return the row, after time alone has settled what it can: `in_doubt` or `expired`.

    Nothing expires while the plan is behind the facts: its session may just have been postponed.
    """
    state = await _state(db, send)
    lapsed = not state.leased and state.status is Status.HANDING_OVER
    late = not state.leased and state.status in _WAITING and state.latest_at <= state.now
    if lapsed or (late and await _facts(db, send) is not None):
        await db.execute(_SETTLE, {"send": send})
        state = await _state(db, send)
    return state


async def claim(db: AsyncConnection, send: UUID, version: int, token: UUID, lease: timedelta) -> Claim | None:
    """Take the row for one attempt; None when it is not due, not clean, not this version, or somebody's."""
    facts = await _facts(db, send)
    if facts is None:
        return None
    values = {"send": send, "version": version, "facts": facts, "token": token, "lease": lease}
    attempt = (await db.execute(_CLAIM, values)).scalar_one_or_none()
    return None if attempt is None else Claim(send, version, token, attempt)


@dataclass(frozen=True, slots=True)
class Fenced:
    """What the fence compares with what was read when the mail was written."""

    person: UUID
    person_version: int
    template: UUID
    scope: UUID
    recipient: UUID
    address_digest: str
    allow_resend: bool
    message_id: str


class NotFencedError(Exception):
    """The mail must not leave: something changed, or (with a reason) its recipient already has it."""

    def __init__(self, reason: Reason | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


async def fence(db: AsyncConnection, claim: Claim, facts: Fenced, lease: timedelta) -> None:
    """Pass the point of no return, or raise `NotFencedError`, which rolls everything back.

    The caller commits, and sends the dot only once the commit is known. Not repeatable.
    """
    await db.execute(text("set local synchronous_commit = on"))
    clean = await _facts(db, claim.send)
    if clean is None:
        raise NotFencedError
    same = {"person": facts.person, "version": facts.person_version}
    if (await db.execute(_SAME_PERSON, same)).scalar_one_or_none() is None:
        raise NotFencedError
    receipt = {
        "template": facts.template,
        "scope": facts.scope,
        "recipient": facts.recipient,
        "address_digest": facts.address_digest,
        "send": claim.send,
    }
    holder = (await db.execute(_RECEIPT, receipt)).scalar_one()
    if holder != claim.send and not facts.allow_resend:
        raise NotFencedError(Reason.ALREADY_RECEIVED)
    values = {"send": claim.send, "token": claim.token, "version": claim.version, "facts": clean}
    more = {"lease": lease, "message_id": facts.message_id}
    if (await db.execute(_FENCE, {**values, **more})).scalar_one_or_none() is None:
        raise NotFencedError


async def record(db: AsyncConnection, outcome: Outcome, detail: str | None = None) -> bool:
    """Write how an attempt ended, under its own token; False when the row is no longer this attempt's.

    May be repeated. A definite refusal takes the receipt back.
    """
    if outcome.status not in (Status.SENT, Status.IN_DOUBT):
        outcome = await _reconsider(db, outcome)
    values = {
        "send": outcome.send,
        "token": outcome.token,
        "status": outcome.status,
        "reason": outcome.reason,
        "code": outcome.code,
        "detail": detail,
        "retry_after": outcome.retry_after,
    }
    written = (await db.execute(_RECORD, values)).scalar_one_or_none() is True
    if written and outcome.status in (Status.SCHEDULED, Status.FAILED):
        await db.execute(_TAKE_RECEIPT_BACK, {"send": outcome.send})
    return written


_WAITING = frozenset({Status.SCHEDULED, Status.CLAIMED})


async def _facts(db: AsyncConnection, send: UUID) -> int | None:
    facts: int | None = (await db.execute(_FACTS, {"send": send})).scalar_one()
    return facts


async def _reconsider(db: AsyncConnection, outcome: Outcome) -> Outcome:
    """Return what to write of an attempt during which the facts may have changed.

    What was decided before the fence, on facts that are no more, is decided again. What was handed over meanwhile
    and now waits again has been passed over by planning: it is planned before anybody can claim it.
    """
    ours = {"send": outcome.send, "token": outcome.token}
    outdated = (await db.execute(_OUTDATED, ours)).scalar_one()
    if outdated == Status.CLAIMED and outcome.status is not Status.SCHEDULED:
        return replace(outcome, status=Status.SCHEDULED, reason=None)
    if outdated in (Status.HANDING_OVER, Status.IN_DOUBT) and outcome.status is Status.SCHEDULED:
        await db.execute(_PLAN_AGAIN, {"send": outcome.send})
    return outcome


async def _state(db: AsyncConnection, send: UUID) -> RowState:
    row = (await db.execute(_STATE, {"send": send})).one()
    return RowState(**{**row._mapping, "status": Status(row.status)})
