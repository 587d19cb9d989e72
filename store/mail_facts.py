"""What one mail is written from, read when it is claimed (F038): in one statement, in two where others matter."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.mail_facts import Company, MailFacts, Occasion, ParticipationFacts, PlaceFacts
from domain.participations import Role
from domain.rules import RuleDefinition, ToRole
from domain.terms import Terms, terms_of, written_to
from store.effective import DEFINITION, EFFECTIVE, TEMPLATE
from store.mail_parts import Others, addressee, fetch_others, standing
from store.receipts import held_by_another, role_of
from store.templates import Words

_READ_AS_IS = (
    "organization", "recipient", "zone", "organization_name", "template", "template_version", "subject", "html",
    "text", "scope", "message_id", "received", "now", "session_data",
)  # fmt: skip

# What one session overrides of a rule besides its template concerns planning only.
_OF_SEND = f"""
    select s.id as send_id, s.organization_id, s.session_id, s.scope_id, s.participation_id, s.recipient_id,
           s.message_id, s.occurrence, s.anchor_at, s.covers, s.rule_id, coalesce(s.template_id, r.template_id) as template_id,
           case when s.template_id is not null then {TEMPLATE} end as usual_template_id,
           cast({DEFINITION} as text) as says, {role_of(DEFINITION, "s.occurrence")} as written_to, null as role,
           cast(null as uuid) as person_id, cast(null as uuid) as company_id
    from sends s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    {EFFECTIVE}
    where s.id = :send
"""

# Nothing of a preview is compared with anything, so nothing stands where nothing is known.
_OF_PREVIEW = f"""
    select cast(null as uuid) as send_id, id as organization_id, cast(:session as uuid) as session_id,
           cast(:scope as uuid) as scope_id, cast(:participation as uuid) as participation_id,
           cast('{UUID(int=0)}' as uuid) as recipient_id, null as message_id, '1' as occurrence,
           cast(null as timestamptz) as anchor_at,
           cast(null as uuid[]) as covers, cast(null as uuid) as rule_id, cast(null as uuid) as template_id,
           cast(null as uuid) as usual_template_id, null as says, null as written_to, cast(:role as text) as role,
           cast(:person as uuid) as person_id, cast(:company as uuid) as company_id
    from organizations where id = :organization
"""

# As for planning, a module without dates of its own has those of its slots, and a slot may belong to no module.
_FACTS = f"""
    select s.organization_id as organization, s.session_id, s.scope_id as scope, s.recipient_id as recipient,
           s.message_id, s.occurrence, s.covers, s.says, coalesce(p.role, s.role) as role,
           x.id as person, x.version, x.email, x.first_name, x.last_name, x.language, '' as company_name,
           exists (select from suppressions where organization_id = x.organization_id
                   and address = lower(x.email)) as suppressed,
           p.attendance, p.started_at is not null as started, p.completed_at is not null as completed, p.status,
           p.answered, coalesce(p.starts_at, session.starts_at) as own_starts_at,
           coalesce(p.ends_at, session.ends_at) as own_ends_at, p.deadline_at as own_deadline_at,
           c.id as company_id, c.version as company_version, c.name as company,
           session.name as session_name, session.starts_at as session_starts_at, session.ends_at as session_ends_at,
           session.room as session_room, session.data as session_data, coalesce(session.zone, o.zone) as zone,
           m.name as module_name, coalesce(m.starts_at, of_slots.starts_at) as module_starts_at,
           coalesce(of_slots.ends_at, m.ends_at) as module_ends_at, m.room as module_room,
           slot.name as slot_name, slot.starts_at as slot_starts_at, slot.ends_at as slot_ends_at,
           slot.room as slot_room,
           coalesce(c.language, o.language) as usual_language, o.name as organization_name,
           coalesce(center.sender_address, o.sender_address) as sender_address,
           coalesce(center.sender_name, o.sender_name) as sender_name, center.reply_to,
           t.id as template, t.version as template_version, t.subject, t.html, t.text, t.allow_resend,
           t.questionnaire, coalesce(usual.questionnaire, t.questionnaire) as of_series,
           exists (select from {held_by_another("s.written_to")}) as received,
           relance_now() as now
    from ({{asked}}) s
    join organizations o on o.id = s.organization_id
    left join participations p on p.id = s.participation_id
    left join sessions session on session.id = s.session_id
    left join centers center on center.organization_id = s.organization_id and center.key = session.center
    left join templates t on t.id = s.template_id
    left join templates usual on usual.id = s.usual_template_id
    left join people x on x.id = coalesce(p.person_id, s.person_id)
    left join companies c on c.id = coalesce(p.company_id, s.company_id)
    left join slots slot on slot.id = s.scope_id
    left join modules m on m.id = coalesce(slot.module_id, s.scope_id) and (slot.id is null or m.removed_at is null)
    left join lateral (
        select min(starts_at), max(ends_at) from slots
        where session_id = m.session_id and module_id = m.id and removed_at is null
    ) as of_slots (starts_at, ends_at) on m.starts_at is null
"""
_FACTS_OF_SEND = text(_FACTS.format(asked=_OF_SEND))
_FACTS_OF_PREVIEW = text(_FACTS.format(asked=_OF_PREVIEW))


async def fetch_mail_facts(db: AsyncConnection, send: UUID) -> MailFacts:
    """Return what the mail is written from, as it stands now.

    A participant or trainer is written to at their own address. For a company that is the contact set on the
    session for it, else its main contact, else its own address (F057): of these, each without an address that
    mail can be sent to gives way to the next. A rule may write to somebody else in their place (F056). All roles
    follow from whom the mail is about (F055): a participant's company, a person's manager, the session's.

    A center whose sender changes while the mail is written is not noticed: the mail leaves as it was written.
    """
    return await _told(db, (await db.execute(_FACTS_OF_SEND, {"send": send})).one()._asdict())


async def fetch_preview_facts(
    db: AsyncConnection, organization: UUID, occasion: Occasion, words: Words
) -> MailFacts:
    """Return what a mail with these words would be written from; empty where nothing is known."""
    asked = {"organization": organization, **asdict(occasion)}
    row = (await db.execute(_FACTS_OF_PREVIEW, asked)).one()._asdict()
    empty = {"template": UUID(int=0), "template_version": 0, "session_data": {}, "session_name": ""}
    known = {name: value for name, value in row.items() if value is not None}
    return await _told(db, {**row, **empty, **known, **words})


async def _told(db: AsyncConnection, row: Mapping[str, Any]) -> MailFacts:
    says = _definition(row["says"]) if row["says"] else None
    terms = _terms(says, row)
    to, cc = (written_to(says, row["occurrence"]), says.cc) if says else (None, [])
    others = await _fetch_others(db, row, to, cc, terms)
    role, person = Role(row["role"]), addressee(row)
    own = others.contacts if role is Role.COMPANY else [person]
    return MailFacts(
        **{name: row[name] for name in _READ_AS_IS},
        **_sender(says, row),
        role=role,
        person=None if role is Role.COMPANY else person,
        to=own if to is None else others.to(to),
        cc=others.copies(cc),
        company=_company(row) if others.contacts or "company" in _words(row) else None,
        attendees=others.attendees,
        session=_place(row, "session"),
        module=_place(row, "module") if row["module_name"] is not None else None,
        slot=_place(row, "slot") if row["slot_name"] is not None else None,
        language=row["usual_language"],
        allow_resend=_allows_resend(says, row),
        terms=terms,
        standing=standing(row),
        participation=_own_dates(row),
        written_to=to,
    )


async def _fetch_others(
    db: AsyncConnection, row: Mapping[str, Any], to: ToRole | None, cc: Sequence[str], terms: Terms
) -> Others:
    """A template that uses a tag has its name in its words; participants are not told of each other."""
    names = row["role"] != Role.PARTICIPANT and "participants" in _words(row)
    judges = row["role"] == Role.COMPANY and not terms.are_none
    return await fetch_others(db, row, to=to, cc=cc, names=names, judges=judges)


# The same few rules write thousands of mails.
@lru_cache(maxsize=1000)
def _definition(says: str) -> RuleDefinition:
    return RuleDefinition.model_validate_json(says)


def _terms(says: RuleDefinition | None, row: Mapping[str, Any]) -> Terms:
    if says is None:
        return Terms()
    of_series, questionnaire = row["of_series"], row["questionnaire"]
    return terms_of(says, row["occurrence"], questionnaire=questionnaire, of_series=of_series)


def _sender(says: RuleDefinition | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return whom the mail is from, and whom an answer goes to: the rule's word, else the center's (F076, L14)."""
    sender = says.sender if says else None
    return {
        "sender_address": sender.address if sender else row["sender_address"],
        "sender_name": (sender and sender.name) or row["sender_name"],
        "reply_to": (says and says.reply_to) or row["reply_to"],
    }


def _allows_resend(says: RuleDefinition | None, row: Mapping[str, Any]) -> bool:
    own = says.allow_resend if says else None
    return bool(row["allow_resend"] if own is None else own)


def _words(row: Mapping[str, Any]) -> str:
    return f"{row['subject']} {row['html']} {row['text']}"


def _company(row: Mapping[str, Any]) -> Company | None:
    id = row["company_id"]
    return None if id is None else Company(id, row["company_version"], row["company"])


def _own_dates(row: Mapping[str, Any]) -> ParticipationFacts:
    return ParticipationFacts(*(row[f"own_{field}"] for field in ("starts_at", "ends_at", "deadline_at")))


def _place(row: Mapping[str, Any], kind: str) -> PlaceFacts:
    return PlaceFacts(*(row[f"{kind}_{field}"] for field in ("name", "starts_at", "ends_at", "room")))
