"""What one mail is written from, read when it is claimed (F038): in one statement, in two where others matter."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.mail_facts import Addressee, Attendee, Company, MailFacts, Occasion, PlaceFacts
from domain.participations import Role
from domain.rules import CcRole
from store.templates import Words

# So many participants a mail can name, and so many trainers can get a copy; by name.
MOST_NAMED = 500

_READ_AS_IS = (
    "organization", "recipient", "zone", "language", "organization_name", "sender_address", "sender_name", "template",
    "template_version", "subject", "html", "text", "allow_resend", "scope", "message_id", "received", "now",
    "session_data",
)  # fmt: skip

_OF_SEND = """
    select s.id as send_id, s.organization_id, s.session_id, s.scope_id, s.participation_id, s.recipient_id,
           s.message_id, r.template_id, r.definition -> 'cc' as cc, null as role,
           cast(null as uuid) as person_id, cast(null as uuid) as company_id
    from sends s join rules r on r.id = s.rule_id
    where s.id = :send
"""

# Nothing of a preview is compared with anything, so nothing stands where nothing is known.
_OF_PREVIEW = f"""
    select cast(null as uuid) as send_id, id as organization_id, cast(:session as uuid) as session_id,
           cast(:scope as uuid) as scope_id, cast(:participation as uuid) as participation_id,
           cast('{UUID(int=0)}' as uuid) as recipient_id, null as message_id, cast(null as uuid) as template_id,
           cast(null as jsonb) as cc, cast(:role as text) as role,
           cast(:person as uuid) as person_id, cast(:company as uuid) as company_id
    from organizations where id = :organization
"""

# As for planning, a module without dates of its own has those of its slots, and a slot may belong to no module.
_FACTS = """
    select s.organization_id as organization, s.session_id, s.scope_id as scope, s.recipient_id as recipient,
           s.message_id, coalesce(p.role, s.role) as role, s.cc,
           x.id as person, x.version, x.email, x.first_name, x.last_name, x.language as own_language,
           exists (select from suppressions where organization_id = x.organization_id
                   and address = lower(x.email)) as suppressed,
           c.id as company_id, c.version as company_version, c.name as company_name,
           session.name as session_name, session.starts_at as session_starts_at, session.ends_at as session_ends_at,
           session.room as session_room, session.data as session_data, coalesce(session.zone, o.zone) as zone,
           m.name as module_name, coalesce(m.starts_at, of_slots.starts_at) as module_starts_at,
           coalesce(of_slots.ends_at, m.ends_at) as module_ends_at, m.room as module_room,
           slot.name as slot_name, slot.starts_at as slot_starts_at, slot.ends_at as slot_ends_at,
           slot.room as slot_room,
           coalesce(c.language, o.language) as language,
           o.name as organization_name, o.sender_address, o.sender_name,
           t.id as template, t.version as template_version, t.subject, t.html, t.text, t.allow_resend,
           exists (select from receipts where template_id = t.id and scope_id = s.scope_id
                   and recipient_id = s.recipient_id and send_id <> s.send_id) as received,
           relance_now() as now
    from ({asked}) s
    join organizations o on o.id = s.organization_id
    left join participations p on p.id = s.participation_id
    left join sessions session on session.id = s.session_id
    left join templates t on t.id = s.template_id
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

# What part somebody has in the mail, besides its recipient.
_CONTACT, _FIXED = "contact", "fixed"

# A module or slot is for those who come to its slots; what has no slots is for everybody.
_OTHERS = text(f"""
    with asked (part, place, person, email, company_name) as (
        select '{_CONTACT}', 1, contact_id, null, null from participations
        where session_id = :session and company_id = :company and role = '{Role.COMPANY}'
        union all
        select '{_CONTACT}', 2, contact_id, null, null from companies where id = :company
        union all
        select '{_CONTACT}', 3, null, email, name from companies where id = :company
        union all
        select '{_FIXED}', place, null, address, null
        from unnest(cast(:fixed as text[])) with ordinality as fixed (address, place)
        union all
        select p.role, row_number() over (partition by p.role order by x.last_name, x.first_name, x.id), x.id, null,
               null
        from (select array_agg(id) as slots from slots
              where session_id = :session and (id = :scope or module_id = :scope) and removed_at is null) as here
        join participations p on p.slots is null or here.slots is null or p.slots && here.slots
        join people x on x.id = p.person_id
        where p.session_id = :session and p.removed_at is null
          and (cast(:company as uuid) is null or p.role <> '{Role.PARTICIPANT}' or p.company_id = :company)
    )
    select asked.part, x.id as person, coalesce(x.version, 0) as version, coalesce(x.email, asked.email) as email,
           coalesce(x.first_name, '') as first_name, coalesce(x.last_name, '') as last_name,
           coalesce(asked.company_name, '') as company_name, x.language,
           exists (select from suppressions where organization_id = :organization
                   and address = lower(coalesce(x.email, asked.email))) as suppressed
    from asked left join people x on x.id = asked.person
    where asked.part = any(:parts) and asked.place <= {MOST_NAMED} order by asked.place
""")


async def fetch_mail_facts(db: AsyncConnection, send: UUID) -> MailFacts:
    """Return what the mail is written from, as it stands now.

    A participant or trainer is written to at their own address. For a company that is the contact set on the
    session for it, else its main contact, else its own address (F057): of these, each without an address that
    mail can be sent to gives way to the next. Who gets a copy follows from whom the mail is about (F055): where
    that is a company, its contact is the To itself.
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
    role, words = Role(row["role"]), f"{row['subject']} {row['html']} {row['text']}"
    others = await _list_others(db, row, _parts(row, words))
    return MailFacts(
        **{name: row[name] for name in _READ_AS_IS},
        role=role,
        to=others[_CONTACT] if role is Role.COMPANY else [_own(row)],
        cc=[others[_CONTACT], *([one] for one in (*others[Role.TRAINER], *others[_FIXED]))],
        company=_company(row) if others[_CONTACT] or "company" in words else None,
        attendees=[Attendee(one.first_name, one.last_name) for one in others[Role.PARTICIPANT]],
        session=_place(row, "session"),
        module=_place(row, "module") if row["module_name"] is not None else None,
        slot=_place(row, "slot") if row["slot_name"] is not None else None,
    )


def _parts(row: Mapping[str, Any], words: str) -> list[str]:
    """Return who else has a part in this mail; a template that uses a tag has its name in its words."""
    cc = row["cc"] or []
    asked = {
        _CONTACT: row["role"] == Role.COMPANY or CcRole.COMPANY_CONTACT in cc,
        _FIXED: bool(_fixed(cc)),
        Role.TRAINER: CcRole.TRAINERS in cc,
        Role.PARTICIPANT: row["role"] != Role.PARTICIPANT and "participants" in words,
    }
    return [part for part, is_asked in asked.items() if is_asked]


async def _list_others(
    db: AsyncConnection, row: Mapping[str, Any], parts: Sequence[str]
) -> Mapping[str, list[Addressee]]:
    """Return who has these parts: contacts in the order of F057; of those who come to what the mail is about, by
    name, the trainers and the participants, of a company its own."""
    others: dict[str, list[Addressee]] = defaultdict(list)
    if parts:
        about = {"organization": row["organization"], "session": row["session_id"], "scope": row["scope"]}
        values = {**about, "company": row["company_id"], "fixed": _fixed(row["cc"] or []), "parts": parts}
        for one in await db.execute(_OTHERS, values):
            somebody = one._asdict()
            others[somebody.pop("part")].append(Addressee(**somebody))
    return others


def _fixed(cc: Sequence[str]) -> list[str]:
    return [copy for copy in cc if "@" in copy]


def _own(row: Mapping[str, Any]) -> Addressee:
    return Addressee(
        email=row["email"],
        suppressed=row["suppressed"],
        person=row["person"],
        version=row["version"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        language=row["own_language"],
    )


def _company(row: Mapping[str, Any]) -> Company | None:
    id = row["company_id"]
    return None if id is None else Company(id, row["company_version"], row["company_name"])


def _place(row: Mapping[str, Any], kind: str) -> PlaceFacts:
    return PlaceFacts(*(row[f"{kind}_{field}"] for field in ("name", "starts_at", "ends_at", "room")))
