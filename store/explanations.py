"""What explanations are told from: whoever they are about, their rows, and the names of what these belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.explanations import Asked, Explanation, explain
from domain.participations import Role
from domain.rules import RuleDefinition, Scope
from domain.sends import Reason, Status
from domain.subjects import Here, Received, Record
from domain.terms import terms_of
from domain.triggers import DateTrigger
from store.effective import DEFINITION, EFFECTIVE, TEMPLATE
from store.mail_parts import standing
from store.receipts import held_by_another, role_of
from store.snapshots import load_to_explain

_DEFINITION = TypeAdapter(RuleDefinition)
_TRIGGER = TypeAdapter(DateTrigger)

_OF_COMPANY = """
    left join participations of_company on of_company.session_id = session.id and of_company.role = 'company'
                                       and of_company.company_id = p.company_id and p.role = 'participant'
"""

_OF_SEND = text(f"""
    select s.session_id as session, session.key as session_key, s.participation_id as participation,
           p.role, of_company.id as of_company
    from sends s
    join sessions session on session.id = s.session_id
    join participations p on p.id = s.participation_id
    {_OF_COMPANY}
    where s.organization_id = :organization and s.id = :send
""")

# Whatever part somebody takes, or took; and that of the company that they come from.
_OF_PERSON = text(f"""
    select session.id as session, p.id as participation, p.role, of_company.id as of_company
    from sessions session
    join participations p on p.session_id = session.id
    join people x on x.id = p.person_id
    {_OF_COMPANY}
    where session.organization_id = :organization and session.key = :session and x.key = :person
    order by p.role
""")

# As `store.mail_facts` reads them when a mail is to leave.
_RECORDS = text(f"""
    select s.id, s.rule_id as rule, s.scope_id as scope, s.participation_id as participation, s.occurrence, s.status,
           s.reason, s.due_at, s.latest_at, s.due_zone as zone, s.covers, s.template_id as template, s.trace, s.anchor_at,
           s.due_override_at,
           s.next_attempt_at, coalesce(s.ended_at, s.handed_at) as ended_at, {DEFINITION} as definition,
           t.questionnaire, coalesce(usual.questionnaire, t.questionnaire) as of_series,
           other.send as other_send, other.name as other_rule, other.at as other_at
    from sends s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    {EFFECTIVE}
    join templates t on t.id = coalesce(s.template_id, r.template_id)
    left join templates usual on usual.id = case when s.template_id is not null then {TEMPLATE} end
    cross join lateral (select {role_of(DEFINITION, "s.occurrence")}) as written_to (role)
    left join lateral (
        select holder.id as send, r.name, coalesce(holder.ended_at, holder.handed_at) as at
        from {held_by_another("written_to.role")}
        order by 3 limit 1
    ) other on not coalesce(({DEFINITION} ->> 'allow_resend')::boolean, t.allow_resend)
    where s.participation_id = any(cast(:participations as uuid[]))
""")

# What the session says of rules, and what they say without it; the last: the rule would leave it alone.
_HERE = text(f"""
    select r.id, {DEFINITION} -> 'trigger' as trigger, usual.key as usual, other.key as template,
           other.id as template_id,
           override.active is true and not coalesce(({DEFINITION} ->> 'existing_sessions')::boolean, true)
           and not exists (select from rule_editions
                           where rule_editions.rule_id = r.id and rule_editions.since <= session.created_at)
           and r.session_id is null as switched_on
    from sessions session
    join rules r on r.id in (select rule_id from session_rules where session_id = :session)
    {EFFECTIVE}
    join templates usual on usual.id = coalesce(edition.template_id, r.template_id)
    left join templates other on other.id = override.template_id
    where session.id = :session
""")

_STANDINGS = text("""
    select id, attendance, started_at is not null as started, completed_at is not null as completed, status, answered
    from participations where id = any(cast(:participations as uuid[])) and role <> 'company'
""")

_RULE_NAMES = text("""
    select id, key, name, version > planned_version as dirty from rules where id = any(cast(:rules as uuid[]))
""")

_PLACES = text("""
    select id, 'module' as scope, key as module, null as slot, name from modules where session_id = :session
    union all
    select slots.id, 'slot', modules.key, slots.key, slots.name
    from slots left join modules on modules.id = slots.module_id where slots.session_id = :session
""")

_RECIPIENTS = text("""
    select p.id, p.role, coalesce(x.key, c.key) as key,
           coalesce(nullif(trim(x.first_name || ' ' || x.last_name), ''), x.key, c.name) as name
    from participations p
    left join people x on x.id = p.person_id
    left join companies c on c.id = p.company_id
    where p.id = any(cast(:participations as uuid[]))
""")


@dataclass(frozen=True, slots=True)
class RuleName:
    """A rule, as its callers know it."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaceName:
    """What a mail is about: the session itself, or a module or slot of it."""

    scope: Scope = Scope.SESSION
    module: str | None = None
    slot: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class RecipientName:
    """Somebody who takes part, as their callers know them."""

    key: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Story:
    """Explanations, and the names of what they are about."""

    session: str  # the caller's id
    planned: bool  # the mails have followed the last change
    explanations: Sequence[Explanation]
    rules: Mapping[UUID, RuleName]
    places: Mapping[UUID, PlaceName]
    recipients: Mapping[UUID, RecipientName]

    def of(self, send: UUID) -> Explanation | None:
        """Return why one send is where it is."""
        return next((one for one in self.explanations if one.record and one.record.id == send), None)

    def place(self, one: Explanation) -> PlaceName:
        return self.places.get(one.scope, PlaceName())

    def name(self, participation: str) -> str:
        """Return what somebody is called whom a step speaks of."""
        return self.recipients[UUID(participation)].name


async def explain_send(db: AsyncConnection, organization: UUID, send: UUID) -> Story | None:
    """Return why a send is where it is, and what other rules make of its recipient; None when there is no such send.

    In a transaction.
    """
    row = (await db.execute(_OF_SEND, {"organization": organization, "send": send})).one_or_none()
    return None if row is None else await _tell(db, row.session_key, [row])


async def explain_participant(
    db: AsyncConnection, organization: UUID, session: str, person: str
) -> Story | None:
    """Return what every rule makes of a person in a session; None when they never took part. In a transaction."""
    asked = {"organization": organization, "session": session, "person": person}
    parts = (await db.execute(_OF_PERSON, asked)).all()
    return await _tell(db, session, parts) if parts else None


async def _tell(db: AsyncConnection, session: str, parts: Sequence[Any]) -> Story:
    """Return what becomes of these parts that somebody takes, each with that of their company."""
    planned, explanations = True, list[Explanation]()
    for part in parts:
        with_company = [part.participation, *([part.of_company] if part.of_company else [])]
        about = None if part.role == Role.COMPANY else part.participation
        clean, told = await _explain(db, part.session, with_company, about)
        planned, explanations = planned and clean, [*explanations, *told]
    return await _name(db, session, parts[0].session, explanations, planned)


async def _explain(
    db: AsyncConnection, session: UUID, participations: Sequence[UUID], about: UUID | None = None
) -> tuple[bool, list[Explanation]]:
    """Return whether planning has followed, and what it makes of these."""
    loaded = await load_to_explain(db, session, participations)
    scope = {"participations": list(participations)}
    standings = {row.id: row._mapping for row in await db.execute(_STANDINGS, scope)}
    records = [_record(row, standings, about) for row in await db.execute(_RECORDS, scope)]
    here = {row.id: _here(row) for row in await db.execute(_HERE, {"session": session})}
    planned = not (loaded.session_dirty or loaded.participation_versions)
    return planned, explain(Asked(loaded.snapshot, records, about, here))


def _here(row: Any) -> Here:
    trigger = _TRIGGER.validate_python(row.trigger)
    return Here(trigger, row.usual, row.template, row.template_id, row.switched_on)


def _record(row: Any, standings: Mapping[UUID, Any], about: UUID | None) -> Record:
    """Return a row, with the terms of whoever it is about: of a company's, of the participant who is asked for."""
    values = dict(row._mapping)
    says = _DEFINITION.validate_python(values.pop("definition"))
    templates = {name: values.pop(name) for name in ("questionnaire", "of_series")}
    other = Received(values.pop("other_send"), values.pop("other_rule"), values.pop("other_at"))
    values["status"], values["reason"] = Status(row.status), row.reason and Reason(row.reason)
    one = standings.get(row.participation) or standings.get(about or row.participation)
    if one is not None:
        values["terms"], values["standing"] = terms_of(says, row.occurrence, **templates), standing(one)
    return Record(**values, received=None if row.other_send is None else other)


async def _name(
    db: AsyncConnection, key: str, session: UUID, explanations: Sequence[Explanation], planned: bool
) -> Story:
    rules = (await db.execute(_RULE_NAMES, {"rules": list({one.rule for one in explanations})})).all()
    places = await db.execute(_PLACES, {"session": session})
    asked = {
        "participations": list(
            {id for one in explanations for id in (one.participation, *(one.covers or ()))}
        )
    }
    recipients = await db.execute(_RECIPIENTS, asked)
    return Story(
        key,
        planned and not any(rule.dirty for rule in rules),
        explanations,
        {row.id: RuleName(row.key, row.name) for row in rules},
        {row.id: PlaceName(Scope(row.scope), row.module, row.slot, row.name) for row in places},
        {row.id: RecipientName(row.key, row.name, Role(row.role)) for row in recipients},
    )
