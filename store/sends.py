"""Sends as people see them: lists, one by one, and the cancel."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition
from domain.sends import Reason, Status

_DEFINITION = TypeAdapter(RuleDefinition)


@dataclass(frozen=True, slots=True)
class Send:
    """A row of `sends` with the names of what it is about."""

    id: UUID
    status: Status
    reason: str | None
    due_at: datetime
    due_local: datetime
    zone: str
    latest_at: datetime
    rule: str
    rule_name: str
    definition: RuleDefinition
    session: str
    session_name: str
    person: str
    recipient_name: str
    recipient_address: str | None
    template: str
    attempts: int
    handed_at: datetime | None
    ended_at: datetime | None
    reply_code: int | None
    detail: str | None
    version: int
    trace: list[dict[str, object]]


_SELECT = """
    select s.id, s.status, s.reason, s.due_at, s.due_local, s.due_zone as zone, s.latest_at,
           r.key as rule, r.name as rule_name, r.definition, session.key as session, session.name as session_name,
           p.key as person, trim(p.first_name || ' ' || p.last_name) as recipient_name,
           p.email as recipient_address, t.key as template,
           s.attempts, s.handed_at, s.ended_at, s.reply_code, s.detail, s.version, s.trace
    from sends s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    join people p on p.id = s.recipient_id
    join templates t on t.id = r.template_id
    where s.organization_id = :organization
"""

_FILTERS = """
      and (cast(:session as text) is null or session.key = :session)
      and (cast(:rule as text) is null or r.key = :rule)
      and (cast(:person as text) is null or p.key = :person)
      and (cast(:statuses as text[]) is null or s.status = any(:statuses))
"""

_FORWARD = text(f"""{_SELECT}{_FILTERS}
      and (cast(:after_due as timestamptz) is null or (s.due_at, s.id) > (:after_due, cast(:after_id as uuid)))
    order by s.due_at, s.id limit :limit
""")

_BACKWARD = text(f"""{_SELECT}{_FILTERS}
      and (cast(:after_due as timestamptz) is null or (s.due_at, s.id) < (:after_due, cast(:after_id as uuid)))
    order by s.due_at desc, s.id desc limit :limit
""")

_FIND = text(f"{_SELECT} and s.id = :send")

# One update on the row that delivery must win too: whichever comes second sees the first.
_CANCEL = text("""
    update sends
    set status = 'cancelled', reason = :reason, version = version + 1, token = null, lease_until = null,
        ended_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_build_object('at', relance_now(), 'step', 'cancelled'))
    where organization_id = :organization and id = :send and status in ('scheduled', 'claimed')
    returning session_id
""")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: behind this send."""

    due_at: datetime
    id: UUID


async def list_sends(
    db: AsyncConnection,
    organization: UUID,
    *,
    limit: int,
    after: Cursor | None = None,
    session: str | None = None,
    rule: str | None = None,
    person: str | None = None,
    statuses: Iterable[Status] | None = None,
    latest_first: bool = False,
) -> list[Send]:
    """Return sends by due time, filtered by the caller's own ids."""
    filters = {"session": session, "rule": rule, "person": person}
    values = {
        "organization": organization,
        "limit": limit,
        "statuses": None if statuses is None else list(statuses),
        "after_due": after and after.due_at,
        "after_id": after and after.id,
    }
    return [
        _send(row) for row in await db.execute(_BACKWARD if latest_first else _FORWARD, {**filters, **values})
    ]


async def find_send(db: AsyncConnection, organization: UUID, send: UUID) -> Send | None:
    row = (await db.execute(_FIND, {"organization": organization, "send": send})).one_or_none()
    return _send(row) if row else None


async def cancel_send(db: AsyncConnection, organization: UUID, send: UUID) -> UUID | None:
    """Cancel a send that can still be called back and return its session; None when it came too late.

    Once committed it is final: no mail leaves.
    """
    values = {"organization": organization, "send": send, "reason": Reason.CANCELLED_BY_HAND}
    row = (await db.execute(_CANCEL, values)).one_or_none()
    return None if row is None else UUID(str(row.session_id))


def _send(row: object) -> Send:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    values["definition"] = _DEFINITION.validate_python(values["definition"])
    return Send(**{**values, "status": Status(values["status"])})
