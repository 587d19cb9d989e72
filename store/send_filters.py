"""Which sends are asked for, and in what order: fragments of statements over `sends s`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Reason, Status


class SendOrigin(StrEnum):
    """How a send came to be."""

    AUTOMATIC = "automatic"  # by a rule


@dataclass(frozen=True, slots=True)
class SendFilter:
    """What all sends of a list have in common; None and empty leave them all. Ids are the callers' own."""

    session: str | None = None
    rule: str | None = None
    template: str | None = None
    recipient: str | None = None  # a person or a company
    recipient_text: str | None = None  # a part of its name, id or address
    company: str | None = None  # the recipient, or the one it comes from
    center: str | None = None  # of the session
    room: str | None = None  # of what the mail is about; the session's where a module or slot has none
    statuses: frozenset[Status] | None = None  # none of them: no sends
    reasons: frozenset[Reason] | None = None
    kind: SendOrigin | None = None
    due_from: datetime | None = None  # included
    due_to: datetime | None = None  # excluded
    subject: str | None = None  # a part of its template's subject, as it was saved


class SendColumn(StrEnum):
    """What a list of sends can be ordered by; then by due time."""

    DUE_AT = "due_at"
    SESSION = "session"
    RULE = "rule"
    RECIPIENT = "recipient"
    TEMPLATE = "template"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class SendOrder:
    """By due time the index is followed; any other order sorts all that the filter leaves."""

    by: SendColumn = SendColumn.DUE_AT
    descending: bool = False

    @property
    def way(self) -> str:
        return "desc" if self.descending else "asc"


EVERYTHING, BY_DUE_TIME = SendFilter(), SendOrder()


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a `where`, and what is bound to it."""

    sql: str
    values: Mapping[str, Any]


# What a filter names is looked up first: PostgreSQL then knows whether it means a handful of sends or most of them.
# And it is to look at the tables as they are, not as they were when this connection first asked.
_RESOLVE = text("""
    select set_config('plan_cache_mode', 'force_custom_plan', true),
           array(select id from sessions where organization_id = :organization and key = :session) as session_ids,
           array(select id from rules where organization_id = :organization and key = :rule) as rule_ids,
           array(select id from templates
                 where organization_id = :organization and coalesce(:template, :subject) is not null
                   and key = coalesce(:template, key)
                   and (cast(:subject as text) is null or subject ilike :subject)) as template_ids,
           array(select p.id from participations p join people on people.id = p.person_id
                 where people.organization_id = :organization and people.key = :recipient
                 union all
                 select p.id from participations p join companies c on c.id = p.company_id and p.role = 'company'
                 where c.organization_id = :organization and c.key = :recipient) as participation_ids,
           (select id from companies where organization_id = :organization and key = :company) as company_id
""")

# The rule's own, where the send has no special one.
_OF_TEMPLATES = """(
        s.template_id = any(cast(:template_ids as uuid[]))
        or s.template_id is null
           and s.rule_id in (select id from rules where template_id = any(cast(:template_ids as uuid[]))))"""

_CONDITIONS = {
    "session": "s.session_id = any(cast(:session_ids as uuid[]))",
    "rule": "s.rule_id = any(cast(:rule_ids as uuid[]))",
    "template": _OF_TEMPLATES,
    "subject": _OF_TEMPLATES,
    "recipient": "s.participation_id = any(cast(:participation_ids as uuid[]))",
    # A company is found by whoever stands for it, too.
    "recipient_text": """s.recipient_id in (
        with named as materialized (
            select id from people where organization_id = :organization
               and (first_name || ' ' || last_name ilike :recipient_text
                    or key ilike :recipient_text or email ilike :recipient_text)
        )
        select id from named
        union all
        select id from companies where organization_id = :organization
           and (name ilike :recipient_text or key ilike :recipient_text or email ilike :recipient_text
                or contact_id in (select id from named))
        union all
        select company_id from participations where role = 'company' and contact_id in (select id from named)
    )""",
    "company": "s.participation_id in (select id from participations where company_id = :company_id)",
    "center": "s.session_id in (select id from sessions where organization_id = :organization and center = :center)",
    "room": """(s.session_id, s.scope_id) in (
        select id, id from sessions where organization_id = :organization and room = :room
        union all
        select session.id, m.id from modules m join sessions session on session.id = m.session_id
        where session.organization_id = :organization and coalesce(m.room, session.room) = :room
        union all
        select session.id, slot.id from slots slot join sessions session on session.id = slot.session_id
        left join modules m on m.id = slot.module_id
        where session.organization_id = :organization and coalesce(slot.room, m.room, session.room) = :room
    )""",
    "statuses": "s.status = any(cast(:statuses as text[]))",
    "reasons": "s.reason = any(cast(:reasons as text[]))",
    "kind": "true",  # so far, all of them are
    "due_from": "s.due_at >= :due_from",
    "due_to": "s.due_at < :due_to",
}

_PARTS_OF_TEXT = ("recipient_text", "subject")


async def resolve(db: AsyncConnection, organization: UUID, where: SendFilter) -> Condition:
    """Return a filter as a condition on `sends s`, what it names looked up."""
    asked = {field.name: getattr(where, field.name) for field in fields(where)}
    values: dict[str, Any] = {
        "organization": organization,
        **{name: _bound(name, asked[name]) for name in asked},
    }
    named = await db.execute(_RESOLVE, {name: values[name] for name in _RESOLVE.compile().params})
    values |= named.one()._asdict()
    parts = ["s.organization_id = :organization"]
    parts += dict.fromkeys(_CONDITIONS[name] for name, value in asked.items() if value is not None)
    sql = "\n          and ".join(parts)
    return Condition(sql, {name: values[name] for name in text(sql).compile().params})


def _bound(name: str, value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return _part(value) if value is not None and name in _PARTS_OF_TEXT else value


def _part(written: str) -> str:
    """Return the pattern of whatever holds a text, in which nothing is a wildcard."""
    return "%" + re.sub(r"([\\\\%_])", r"\\\1", written) + "%"


@dataclass(frozen=True, slots=True)
class _SortKey:
    """By what else a list is ordered: a name as the pages write it, whatever its capitals."""

    sql: str
    kind: str = "text"
    join: str = ""


_LIFE = ", ".join(f"'{status}'" for status in Status)

_SORT_KEYS = {
    SendColumn.DUE_AT: _SortKey("null"),
    SendColumn.SESSION: _SortKey(
        "lower(session.name)", join="join sessions session on session.id = s.session_id"
    ),
    SendColumn.RULE: _SortKey("lower(r.name)", join="join rules r on r.id = s.rule_id"),
    SendColumn.RECIPIENT: _SortKey(
        "lower(coalesce(nullif(trim(p.first_name || ' ' || p.last_name), ''), p.key, c.name))",
        join="left join people p on p.id = s.recipient_id left join companies c on c.id = s.recipient_id",
    ),
    SendColumn.TEMPLATE: _SortKey(
        "t.key",
        join="join rules r on r.id = s.rule_id join templates t on t.id = coalesce(s.template_id, r.template_id)",
    ),
    SendColumn.STATUS: _SortKey(f"array_position(array[{_LIFE}], s.status)", kind="int"),
}


def ids_of_page(where: Condition, order: SendOrder, *, begins: bool) -> str:
    """Return a statement for the ids of one page: `:limit` of them, behind `:after_…` unless the list begins here."""
    key = _SORT_KEYS[order.by]
    columns, after = ["s.due_at", "s.id"], [":after_due", "cast(:after_id as uuid)"]
    if order.by is not SendColumn.DUE_AT:
        columns, after = [key.sql, *columns], [f"cast(:after_key as {key.kind})", *after]
    sign = "<" if order.descending else ">"
    behind = "" if begins else f"and ({', '.join(columns)}) {sign} ({', '.join(after)})"
    return f"""
        select s.id, cast({key.sql} as {key.kind}) as sort_key from sends s {key.join}
        where {where.sql} {behind}
        order by {", ".join(f"{column} {order.way}" for column in columns)} limit :limit
    """
