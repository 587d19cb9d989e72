"""Sends as people see them: lists, one by one, and the cancel."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition, Scope
from domain.sends import Reason, Status

_DEFINITION = TypeAdapter(RuleDefinition)


class Kind(StrEnum):
    """What a mail goes to; a person and a company may have the same id."""

    PERSON = "person"
    COMPANY = "company"


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
    module: str | None  # that it is about, or that the slot it is about belongs to
    slot: str | None
    recipient: str
    recipient_kind: Kind
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

    @property
    def scope(self) -> Scope:
        """What it is about; its rule may have been given another scope since."""
        return Scope.SLOT if self.slot else Scope.MODULE if self.module else Scope.SESSION


# The address of a company is that of whoever stands for it now (F057).
_TELL = """
    select s.id, s.status, s.reason, s.due_at, s.due_local, s.due_zone as zone, s.latest_at,
           r.key as rule, r.name as rule_name, r.definition, session.key as session, session.name as session_name,
           module.key as module, slot.key as slot,
           coalesce(p.key, c.key) as recipient, case when c.id is null then 'person' else 'company' end as recipient_kind,
           coalesce(trim(p.first_name || ' ' || p.last_name), c.name) as recipient_name,
           case when c.id is null then p.email else coalesce(of_session.email, main.email, c.email)
           end as recipient_address,
           t.key as template,
           s.attempts, s.handed_at, s.ended_at, s.reply_code, s.detail, s.version, s.trace
    from found s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    join templates t on t.id = r.template_id
    join participations part on part.id = s.participation_id
    left join people p on p.id = part.person_id
    left join companies c on c.id = part.company_id and part.role = 'company'
    left join people of_session on of_session.id = part.contact_id
    left join people main on main.id = c.contact_id
    left join slots slot on slot.id = s.scope_id
    left join modules module on module.id = coalesce(slot.module_id, s.scope_id)
"""

# First the rows of one page, along the index of due times, and only then what these few are about.
_PAGE = """
    with found as materialized (
        select * from sends
        where organization_id = :organization
          and (cast(:session as text) is null or session_id = (
                   select id from sessions where organization_id = :organization and key = :session))
          and (cast(:rule as text) is null or rule_id in (
                   select id from rules where organization_id = :organization and key = :rule))
          and (cast(:recipient as text) is null or recipient_id in (
                   select id from people where organization_id = :organization and key = :recipient
                   union all
                   select id from companies where organization_id = :organization and key = :recipient))
          and (cast(:statuses as text[]) is null or status = any(:statuses))
"""

_FORWARD = text(f"""{_PAGE}
          and (cast(:after_due as timestamptz) is null or (due_at, id) > (:after_due, cast(:after_id as uuid)))
        order by due_at, id limit :limit
    )
    {_TELL} order by s.due_at, s.id
""")

_BACKWARD = text(f"""{_PAGE}
          and (cast(:after_due as timestamptz) is null or (due_at, id) < (:after_due, cast(:after_id as uuid)))
        order by due_at desc, id desc limit :limit
    )
    {_TELL} order by s.due_at desc, s.id desc
""")

_FIND = text(f"""
    with found as (select * from sends where organization_id = :organization and id = :send)
    {_TELL}
""")

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
    recipient: str | None = None,
    statuses: Iterable[Status] | None = None,
    latest_first: bool = False,
) -> list[Send]:
    """Return sends by due time, filtered by the caller's own ids."""
    filters = {"session": session, "rule": rule, "recipient": recipient}
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
    kinds = {"status": Status(values["status"]), "recipient_kind": Kind(values["recipient_kind"])}
    return Send(**{**values, **kinds})
