"""What one mail is written from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class MailFacts:
    """Everything one mail is written from, read when it is claimed (F038)."""

    person: UUID
    person_version: int
    email: str | None
    first_name: str
    last_name: str
    language: str
    session_name: str
    zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    organization_name: str
    sender_address: str
    sender_name: str
    template: UUID
    subject: str
    html: str
    text: str | None
    allow_resend: bool
    scope: UUID
    message_id: str | None
    received: bool
    now: datetime


_FACTS = text("""
    select p.id as person, p.version as person_version, p.email, p.first_name, p.last_name,
           coalesce(p.language, o.language) as language,
           session.name as session_name, session.zone, session.starts_at, session.ends_at,
           o.name as organization_name, o.sender_address, o.sender_name,
           t.id as template, t.subject, t.html, t.text, t.allow_resend, s.scope_id as scope, s.message_id,
           exists (select from receipts where template_id = t.id and scope_id = s.scope_id
                   and recipient_id = s.recipient_id and send_id <> s.id) as received,
           relance_now() as now
    from sends s
    join people p on p.id = s.recipient_id
    join sessions session on session.id = s.session_id
    join rules r on r.id = s.rule_id
    join templates t on t.id = r.template_id
    join organizations o on o.id = s.organization_id
    where s.id = :send
""")


async def fetch_mail_facts(db: AsyncConnection, send: UUID) -> MailFacts:
    return MailFacts(**(await db.execute(_FACTS, {"send": send})).one()._mapping)
