"""The delivery protocol's statements: look, claim, fence, record (DESIGN 8, PROTOCOLS 3.1).

PostgreSQL decides, Temporal wakes. Every step is a conditional update whose row count is the answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import RowState
from domain.sends import Outcome, Reason, Status
from store.database import Store
from store.facts import CLEAN, FACTS, FACTS_VERSION
from store.locks import trust_facts, trust_to_claim, trust_to_fence
from store.receipts import TELLS_ANOTHER_DATE, lock_receipt, take_receipt_back
from store.senders import take_turn
from store.series import PLANNED_ON, goes_on

_STATE = text(f"""
    select s.status, s.version, s.due_at, s.latest_at, s.next_attempt_at, s.lease_until, s.changed_at,
           relance_now() as now, ({CLEAN}) as clean
    from sends s, {FACTS} and s.id = :send
""")

# What time alone decides: a worker vanished after its fence, or the mail could not leave in time. Nothing expires
# while the plan is behind the facts: its session may just have been postponed.
_EXPIRES = f"""{CLEAN} and s.latest_at <= relance_now()
    and (s.status = 'scheduled' or s.status = 'claimed' and s.lease_until <= relance_now())"""
_SETTLE = text(f"""
    with {goes_on(_EXPIRES, read=f"sends s, {FACTS}")}
    update sends s
    set status = case when s.status = 'handing_over' then 'in_doubt' else 'expired' end,
        reason = case when s.status = 'handing_over' then 'lease_over' else 'too_late' end,
        ended_at = case when s.status = 'handing_over' then null else relance_now() end,
        lease_until = null, changed_at = relance_now(),
        trace = s.trace || jsonb_build_array(jsonb_build_object('at', relance_now(), 'step',
            case when s.status = 'handing_over' then 'in_doubt' else 'expired' end))
    from {FACTS} and s.id = :send and {PLANNED_ON}
      and (s.status = 'handing_over' and s.lease_until <= relance_now() or {_EXPIRES})
""")

_CLAIM = text(f"""
    update sends s
    set status = 'claimed', token = :token, lease_until = relance_now() + :lease, attempts = s.attempts + 1,
        facts_version = {FACTS_VERSION}, next_attempt_at = null, turn_at = null, changed_at = relance_now()
    from {FACTS} and s.id = :send and s.version = :version and {CLEAN}
      and s.due_at <= relance_now() and s.latest_at > relance_now()
      and (s.status = 'scheduled' and coalesce(s.next_attempt_at, s.due_at) <= relance_now()
           or s.status = 'claimed' and s.lease_until <= relance_now())
      and (s.turn_at <= relance_now()
           or not exists (select from senders where organization_id = s.organization_id and rate is not null))
    returning s.attempts
""")

# One receipt for one template, context, recipient and address: of two sends at once the second waits here, and loses.
# Another send of the same rule, which has its own reasons to come again, holds it for both. Whoever the letter was
# written to and about is still the same, and stays so until the commit; its words are today's.
_FENCE = text(f"""
    with same as (
        select (select count(*) from (
                   select from people join unnest(cast(:people as uuid[]), cast(:people_versions as bigint[]))
                       as read (id, version) using (id, version) order by id for share of people) as people)
             + (select count(*) from (
                   select from companies join unnest(cast(:companies as uuid[]), cast(:companies_versions as bigint[]))
                       as read (id, version) using (id, version) order by id for share of companies) as companies)
             = cardinality(cast(:people as uuid[])) + cardinality(cast(:companies as uuid[]))
           and (select coalesce(sum(version + read_version), 0) from participations
                where id = any(cast(:judged as uuid[]))) = :judged_version
           and exists (select from templates where id = :template and version = :template_version) as facts
    ),
    receipt as (
        insert into receipts (template_id, scope_id, recipient_id, address_digest, send_id)
        select :template, :scope, :recipient, :address_digest, :send from same where facts
        on conflict (template_id, scope_id, recipient_id, address_digest)
        do update set send_id = receipts.send_id
        returning send_id
    ),
    holder as (
        select receipt.send_id as send, other.rule_id as rule, other.anchor_at
        from receipt left join sends other on other.id = receipt.send_id
    ),
    fenced as (
        update sends s
        set status = 'handing_over', lease_until = relance_now() + :lease, message_id = :message_id,
            handed_at = relance_now(), changed_at = relance_now(),
            trace = s.trace || jsonb_build_array(
                jsonb_build_object('at', relance_now(), 'step', 'handing_over', 'attempt', s.attempts))
        from {FACTS} and s.id = :send and {CLEAN}
          and s.token = :token and s.version = :version and s.facts_version = {FACTS_VERSION}
          and s.status = 'claimed' and s.latest_at > relance_now()
          and exists (select from holder where :allow_resend or holder.send = :send or holder.rule = s.rule_id
                                               or {TELLS_ANOTHER_DATE})
        returning true
    )
    select exists (select from fenced) as fenced,
           not exists (select from fenced)
           and exists (select from holder join sends s on s.id = :send
                       where holder.rule <> s.rule_id and not {TELLS_ANOTHER_DATE}) as received
""")

# A trace of many attempts keeps how it began and how it ends.
_TRACE = "case when jsonb_array_length(trace) < 60 then trace else trace #- '{20}' #- '{20}' end"

_ENDS = """s.token = :token and s.status in ('claimed', 'handing_over', 'in_doubt')
    and cast(:status as text) not in ('scheduled', 'in_doubt')"""
_RECORD = text(f"""
    with {goes_on(_ENDS, untells="cast(:status as text) <> 'sent'")}
    update sends
    set status = cast(:status as text), reason = cast(:reason as text),
        -- Whoever waits for a decision is told of one.
        version = case when status = 'in_doubt' and :status <> 'in_doubt' then version + 1 else version end,
        reply_code = cast(:code as smallint), detail = :detail, refused_cc = cast(:refused_cc as jsonb),
        lease_until = null, token = case when :status = 'scheduled' then null else token end,
        next_attempt_at = case when :status = 'scheduled' then relance_now() + cast(:retry_after as interval) end,
        ended_at = case when :status in ('scheduled', 'in_doubt') then null else relance_now() end,
        changed_at = relance_now(),
        trace = ({_TRACE}) || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('at', relance_now(),
            'step', cast(:status as text), 'reason', cast(:reason as text), 'code', cast(:code as smallint))))
    where id = :send and token = :token and status in ('claimed', 'handing_over', 'in_doubt') and {PLANNED_ON}
    returning version, exists (select from goes_on) as goes_on
""")

# The row's status if its facts are no longer what they were when this attempt began.
_OUTDATED = text(f"""
    select s.status from sends s, {FACTS}
      and s.id = :send and s.token = :token and {FACTS_VERSION} is distinct from s.facts_version
""")

# Planning may be asked to look at it again, and a receipt is locked after it (`store.locks`).
_LOCK_PART = text("""
    select from participations where id = (select participation_id from sends where id = :send) for no key update
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
    """Return what the row says; one statement."""
    row = (await db.execute(_STATE, {"send": send})).one()
    return RowState(**{**row._mapping, "status": Status(row.status)})


async def settle(db: AsyncConnection, send: UUID) -> RowState:
    """Write what time alone has decided, `in_doubt` or `expired`, and return the row; may be repeated."""
    await trust_facts(db, send)
    await db.execute(_SETTLE, {"send": send})
    return await read_state(db, send)


async def look(store: Store, send: UUID) -> RowState:
    """Return the row, after time alone has settled what it can; may be repeated."""
    async with store.statement() as db:
        state = await read_state(db, send)
    if not state.lapsed:
        return state
    async with store.transaction() as db:
        return await settle(db, send)


async def claim(db: AsyncConnection, send: UUID, version: int, token: UUID, lease: timedelta) -> Claim | None:
    """Take the row for one attempt; None when it is not due, not clean, not this version, or somebody's.

    Where its sender's rate is limited, the row may be given a later turn instead: its `next_attempt_at`.
    """
    await trust_to_claim(db, send)
    values = {"send": send, "version": version, "token": token, "lease": lease}
    attempt = (await db.execute(_CLAIM, values)).scalar_one_or_none()
    if attempt is None and await take_turn(db, send, version):
        attempt = (await db.execute(_CLAIM, values)).scalar_one_or_none()
    return None if attempt is None else Claim(send, version, token, attempt)


@dataclass(frozen=True, slots=True)
class Fenced:
    """What the fence compares with what was read when the mail was written."""

    people: Mapping[UUID, int]  # the versions of everybody it goes to
    companies: Mapping[UUID, int]
    template: UUID
    template_version: int
    scope: UUID
    recipient: UUID
    address_digest: str
    allow_resend: bool
    message_id: str
    judged: Mapping[UUID, int] = field(default_factory=dict)  # the versions of the participations it is about


class NotFencedError(Exception):
    """The mail must not leave: something changed, or (with a reason) its recipient already has it."""

    def __init__(self, reason: Reason | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


async def fence(db: AsyncConnection, claim: Claim, facts: Fenced, lease: timedelta) -> None:
    """Pass the point of no return, or raise `NotFencedError`, which rolls everything back.

    The caller commits, and sends the dot only once the commit is known. Not repeatable.
    """
    await trust_to_fence(db, claim.send)
    values = {
        "send": claim.send,
        "token": claim.token,
        "version": claim.version,
        "lease": lease,
        "people": list(facts.people),
        "people_versions": list(facts.people.values()),
        "companies": list(facts.companies),
        "companies_versions": list(facts.companies.values()),
        "template": facts.template,
        "template_version": facts.template_version,
        "scope": facts.scope,
        "recipient": facts.recipient,
        "address_digest": facts.address_digest,
        "allow_resend": facts.allow_resend,
        "message_id": facts.message_id,
        "judged": list(facts.judged),
        "judged_version": sum(facts.judged.values()),
    }
    outcome = (await db.execute(_FENCE, values)).one()
    if not outcome.fenced:
        has_it = outcome.received and not facts.allow_resend
        raise NotFencedError(Reason.ALREADY_RECEIVED if has_it else None)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a row stands after an attempt was recorded."""

    version: int
    goes_on: bool = False  # a series: planning is to look for the next


async def record(
    db: AsyncConnection,
    outcome: Outcome,
    detail: str | None = None,
    refused_cc: Sequence[tuple[str, int]] = (),
) -> Recorded | None:
    """Write how an attempt ended, under its own token; None when it is not its own.

    May be repeated; `sent` and `in_doubt` are a single statement. A definite refusal takes the receipt back.
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
        "refused_cc": json.dumps(refused_cc) if refused_cc else None,
        "retry_after": outcome.retry_after,
    }
    row = (await db.execute(_RECORD, values)).one_or_none()
    if row is not None and outcome.status in (Status.SCHEDULED, Status.FAILED):
        await take_receipt_back(db, outcome.send)
    return None if row is None else Recorded(row.version, row.goes_on)


async def _reconsider(db: AsyncConnection, outcome: Outcome) -> Outcome:
    """Return what to write of an attempt during which the facts may have changed.

    What was decided before the fence, on facts that are no more, is decided again. What was handed over meanwhile
    and now waits again has been passed over by planning: it is planned before anybody can claim it.
    """
    await trust_facts(db, outcome.send)
    await db.execute(_LOCK_PART, {"send": outcome.send})
    await lock_receipt(db, outcome.send)
    ours = {"send": outcome.send, "token": outcome.token}
    outdated = (await db.execute(_OUTDATED, ours)).scalar_one_or_none()
    if outdated == Status.CLAIMED and outcome.status is not Status.SCHEDULED:
        return replace(outcome, status=Status.SCHEDULED, reason=None)
    if outdated in (Status.HANDING_OVER, Status.IN_DOUBT) and outcome.status is Status.SCHEDULED:
        await db.execute(_PLAN_AGAIN, {"send": outcome.send})
    return outcome
