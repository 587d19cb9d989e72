"""Rules as one session has them: with its switches and overrides, and those of its own (F014, F071-F073).

What a session says of a rule is a fact of the session: it is written by whoever holds those (`store.locks`), makes
the session dirty, and concerns no other session. A rule of its own is planned with its session, and never rolled out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition
from domain.sends import Reason
from domain.session_rules import OverrideBody
from store.effective import DEFINITION, EFFECTIVE, OVERRIDE, TOO_NEW
from store.switched_off import note_who

_DEFINITION = TypeAdapter(RuleDefinition)


@dataclass(frozen=True, slots=True)
class SessionRule:
    """A rule as it stands for one session, without what that session says of it."""

    id: UUID
    key: str
    name: str
    template: str
    definition: RuleDefinition  # of the edition that this session goes by
    active: bool
    version: int
    own: bool  # of this session only
    too_new: bool  # it leaves alone the session, which was there before it (C1)
    override: OverrideBody | None


_SELECT = f"""
    select r.id, r.key, r.name, t.key as template, {DEFINITION} as definition, r.active, r.version,
           r.session_id is not null as own, {TOO_NEW} as too_new, override.rule_id is not null as overridden,
           other.key as override_template_key, {OVERRIDE}
    from sessions session
    join rules r on r.organization_id = session.organization_id and r.deleted_at is null
                    and (r.session_id is null or r.session_id = session.id)
    {EFFECTIVE}
    join templates t on t.id = coalesce(edition.template_id, r.template_id)
    left join templates other on other.id = override.template_id
    where session.id = :session
"""
_LIST = text(f"{_SELECT} order by r.key, own desc")
_FIND = text(f"{_SELECT} and r.key = any(cast(:keys as text[])) order by own")

_PUT = text("""
    with written as (
        insert into session_rules as said (session_id, rule_id, active, "offset", at, template_id, active_since)
        select :session, given.*, case when given.active then relance_now() end from unnest(
            cast(:rules as uuid[]), cast(:active as boolean[]), cast(:offsets as text[]), cast(:at as text[]),
            cast(:templates as uuid[])) as given (rule_id, active, "offset", at, template_id)
        on conflict (session_id, rule_id) do update
        set active = excluded.active, "offset" = excluded."offset", at = excluded.at,
            template_id = excluded.template_id,
            active_since = case when excluded.active then coalesce(said.active_since, excluded.active_since) end
        where (said.active, said."offset", said.at, said.template_id)
              is distinct from (excluded.active, excluded."offset", excluded.at, excluded.template_id)
        returning rule_id
    )
    update sessions set version = version + 1, changed_at = relance_now()
    where id = :session and exists (select from written)
""")

_DELETE = text("""
    with gone as (delete from session_rules where session_id = :session and rule_id = :rule returning rule_id)
    update sessions set version = version + 1, changed_at = relance_now()
    where id = :session and exists (select from gone)
""")

# Many sessions may say the same: one of them stands for all.
_OVERRIDES = text(f"""
    select distinct on (override."offset", override.at, override.template_id)
           override."offset", override.at, session.key as session, t.key as template
    from session_rules said
    join sessions session on session.id = said.session_id and session.deleted_at is null
    join rules r on r.id = said.rule_id
    {EFFECTIVE}
    left join templates t on t.id = override.template_id
    where said.rule_id = :rule and num_nonnulls(said."offset", said.at, said.template_id) > 0
      and (:everywhere or not {TOO_NEW} and {DEFINITION} = r.definition)
    order by override."offset", override.at, override.template_id, session.key
""")


async def list_session_rules(db: AsyncConnection, session: UUID) -> list[SessionRule]:
    """Return every rule there is for a session by id, whether it concerns the session or not."""
    return [_rule(row) for row in await db.execute(_LIST, {"session": session})]


async def find_session_rules(db: AsyncConnection, session: UUID, *keys: str) -> Mapping[str, SessionRule]:
    """Return those of these rules that there are, by key; the session's own before everybody's."""
    found = await db.execute(_FIND, {"session": session, "keys": list(keys)})
    return {row.key: _rule(row) for row in found}


async def put_overrides(
    db: AsyncConnection,
    session: UUID,
    overrides: Mapping[UUID, OverrideBody],
    templates: Mapping[str, UUID],
    *,
    by: str | None = None,
) -> bool:
    """Write what a session says of rules, by their internal ids; return whether that changed anything.

    `by` is the name of the token that was shown, for the traces of what is called back.
    """
    said = list(overrides.values())
    values = {
        "rules": list(overrides),
        "active": [one.active for one in said],
        "offsets": [one.offset and str(one.offset) for one in said],
        "at": [one.at and one.at.isoformat() for one in said],
        "templates": [one.template and templates[one.template] for one in said],
    }
    changed = (await db.execute(_PUT, {"session": session, **values})).rowcount == 1
    if changed:
        off = [rule for rule, one in overrides.items() if one.active is False]
        await note_who(db, session, off, Reason.SWITCHED_OFF_HERE, by)
    return changed


async def delete_override(db: AsyncConnection, session: UUID, rule: UUID) -> bool:
    """Have a session say nothing of a rule any more; return whether it had."""
    return (await db.execute(_DELETE, {"session": session, "rule": rule})).rowcount == 1


async def list_overrides(
    db: AsyncConnection, rule: UUID, *, everywhere: bool = True
) -> list[tuple[str, OverrideBody]]:
    """Return what sessions say of a rule's times and template, each with the key of one session that says so.

    Not `everywhere`: those alone that go by what the rule says now, and not by what it said before (C1).
    """
    return [
        (row.session, _override(None, row.offset, row.at, row.template))
        for row in await db.execute(_OVERRIDES, {"rule": rule, "everywhere": everywhere})
    ]


def _rule(row: Any) -> SessionRule:
    return SessionRule(
        row.id,
        row.key,
        row.name,
        row.template,
        _DEFINITION.validate_python(row.definition),
        row.active,
        row.version,
        row.own,
        row.too_new,
        _override(row.override_active, row.override_offset, row.override_at, row.override_template_key)
        if row.overridden
        else None,
    )


def _override(active: bool | None, offset: str | None, at: str | None, template: str | None) -> OverrideBody:
    return OverrideBody.model_validate(
        {"active": active, "offset": offset, "at": at and time.fromisoformat(at), "template": template}
    )
