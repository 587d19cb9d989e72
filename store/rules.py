"""Rules, and what their switch does to the sends that wait."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition
from domain.sends import Reason
from store.editions import begin_editions, edit_editions
from store.locks import change_facts, rehearses

_DEFINITION = TypeAdapter(RuleDefinition)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `rules`, with its template's key."""

    id: UUID
    key: str
    name: str
    template: str
    definition: RuleDefinition
    active: bool
    memory: int  # a new one forgets who was written to
    version: int
    planned_version: int
    rollout_sessions: int | None  # planned for this version; None until its roll-out begins
    rollout_total: int | None  # of so many

    @property
    def dirty(self) -> bool:
        return self.version > self.planned_version


class RuleExistsError(ValueError):
    """A rule with this key is already there."""


# Versions never restart: a rule made again goes on where its tombstone ended. Inactive, it asks for nothing yet.
_INSERT = text("""
    insert into rules (organization_id, key, name, template_id, definition, version, planned_version)
    select :organization, :key, :name, :template, :definition, next.version, next.version
    from (select coalesce(max(version), 0) + 1 from rules
          where organization_id = :organization and key = :key) as next (version)
    -- A session would find its own under this key.
    where not exists (select from rules join sessions on sessions.id = rules.session_id
                      where rules.organization_id = :organization and rules.key = :key
                        and rules.deleted_at is null and sessions.deleted_at is null)
    on conflict (organization_id, key) where deleted_at is null and session_id is null do nothing
""")

# A new name is for people; only what planning and delivery go by makes the rule dirty.
_REPLACE = text("""
    update rules as r
    set name = said.name, template_id = said.template, definition = said.definition,
        corrects_since = case when r.definition ->> 'correction' is null and said.definition ->> 'correction' is not null
                              then relance_now() else r.corrects_since end,
        (version, changed_at, rollout_sessions, rollout_total) = (
            select case when edited then r.version + 1 else r.version end,
                   case when edited then relance_now() else r.changed_at end,
                   case when not edited then r.rollout_sessions end, case when not edited then r.rollout_total end
            from (select cast(:anew as boolean)
                         or (r.template_id, r.definition) is distinct from (said.template, said.definition)
                 ) as compared (edited))
    from (select cast(:name as text), cast(:template as uuid), cast(:definition as jsonb)
         ) as said (name, template, definition)
    where r.id = :rule and r.deleted_at is null
      and (:anew or (r.name, r.template_id, r.definition)
                    is distinct from (said.name, said.template, said.definition))
""")

_SELECT = """
    select r.id, r.key, r.name, t.key as template, r.definition, r.active, r.memory, r.version, r.planned_version,
           r.rollout_sessions, r.rollout_total
    from rules r join templates t on t.id = r.template_id
    where r.organization_id = :organization and r.deleted_at is null and r.session_id is null
"""
_FIND = text(f"{_SELECT} and r.key = :key")
_LIST = text(f"{_SELECT} and r.key > coalesce(:after, '') order by r.key limit :limit")

_SWITCH = text("""
    update rules
    set active = :active, version = version + 1, changed_at = relance_now(), rollout_sessions = null, rollout_total = null
    where id = :rule and active <> :active and deleted_at is null
""")

_CONTACT_AGAIN = text("""
    update rules
    set memory = memory + 1, version = version + 1, changed_at = relance_now(),
        rollout_sessions = null, rollout_total = null
    where id = :rule and deleted_at is null
""")

_DELETE = text("""
    update rules set active = false, deleted_at = relance_now(), version = version + 1, changed_at = relance_now()
    where id = :rule and deleted_at is null
""")

# In the rule's own transaction: once it is acknowledged, nothing of this rule can leave (DESIGN 6, Life).
# Locked in the order of `store.locks`.
_LET_GO = text("""
    with locked as (
        select id from sends where rule_id = :rule and status in ('scheduled', 'claimed')
        order by id for no key update
    )
    update sends
    set status = 'removed', reason = cast(:reason as text), version = version + 1, token = null, lease_until = null,
        ended_at = relance_now(), changed_at = relance_now(),
        trace = trace || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'at', relance_now(), 'step', 'removed', 'reason', cast(:reason as text), 'by', cast(:by as text))))
    from locked where sends.id = locked.id
""")

_TOLD = text("""
    select count(*) filter (where signalled_version >= version) as told, count(*) as total
    from sends where rule_id = :rule
""")

_VERSION = text("select version from rules where id = :rule")

# For people to read: nothing is planned by it.
_ROLLING_OUT = text("""
    update rules set rollout_sessions = :sessions, rollout_total = greatest(:total, :sessions)
    where id = :rule and version = :version
""")

_ROLLED_OUT = text("""
    update rules set planned_version = greatest(planned_version, :version) where id = :rule
    returning version > planned_version
""")


async def insert_rule(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    template: UUID,
    definition: RuleDefinition,
) -> Rule:
    """Make an inactive rule (F066); raise `RuleExistsError` when the key is taken."""
    values = {"name": name, "template": template, "definition": _written(definition)}
    inserted = await db.execute(_INSERT, {"organization": organization, "key": key, **values})
    if inserted.rowcount == 0:
        raise RuleExistsError(key)
    return await fetch_rule(db, organization, key)


async def replace_rule(
    db: AsyncConnection,
    organization: UUID,
    key: str,
    *,
    name: str,
    template: UUID,
    definition: RuleDefinition,
    apply_to_existing: bool = False,
) -> Rule | None:
    """Write the rule anew where it differs; None when there is none.

    Of a rule that leaves existing sessions alone an edit reaches later ones only, or all that it concerns (C1).
    """
    rule = await find_rule(db, organization, key)
    if rule is None:
        return None
    await change_facts(db, rule.id)
    rule = await find_rule(db, organization, key)  # as it stands now that nobody else changes it
    if rule is None:
        return None
    anew = await edit_editions(
        db,
        rule.id,
        template,
        definition,
        concerned_all=rule.definition.existing_sessions,
        apply_to_existing=apply_to_existing,
    )
    values = {"name": name, "template": template, "definition": _written(definition), "anew": anew}
    await db.execute(_REPLACE, {"rule": rule.id, **values})
    return await find_rule(db, organization, key)


async def find_rule(db: AsyncConnection, organization: UUID, key: str) -> Rule | None:
    row = (await db.execute(_FIND, {"organization": organization, "key": key})).one_or_none()
    return _rule(row._mapping) if row else None


async def fetch_rule(db: AsyncConnection, organization: UUID, key: str) -> Rule:
    rule = await find_rule(db, organization, key)
    if rule is None:
        raise LookupError(key)
    return rule


async def list_rules(
    db: AsyncConnection, organization: UUID, limit: int, *, after: str | None = None
) -> list[Rule]:
    """Return rules by id."""
    rows = await db.execute(_LIST, {"organization": organization, "limit": limit, "after": after})
    return [_rule(row._mapping) for row in rows]


async def activate_rule(db: AsyncConnection, rule: UUID) -> None:
    """Switch a rule on; the roll-out that follows plans the existing sessions (F068)."""
    await change_facts(db, rule)
    await db.execute(_SWITCH, {"rule": rule, "active": True})
    await begin_editions(db, rule)


async def deactivate_rule(db: AsyncConnection, rule: UUID, *, by: str | None = None) -> None:
    """Switch a rule off and stop what waits; once committed, none of its mails can leave (F070, L16).

    `by` is the name of the token that was shown, for the trace.
    """
    await change_facts(db, rule)
    await db.execute(_SWITCH, {"rule": rule, "active": False})
    await _let_go(db, rule, Reason.RULE_DEACTIVATED, by)


async def contact_again(db: AsyncConnection, rule: UUID) -> None:
    """Have the rule forget whom it has written to: its mails are planned anew, also to them (F105)."""
    await change_facts(db, rule)
    await db.execute(_CONTACT_AGAIN, {"rule": rule})


async def delete_rule(db: AsyncConnection, rule: UUID, *, by: str | None = None) -> None:
    """Leave a tombstone and stop what waits; the record of what was sent stays (F065). `by` as `deactivate_rule`."""
    await change_facts(db, rule)
    await db.execute(_DELETE, {"rule": rule})
    await _let_go(db, rule, Reason.RULE_DELETED, by)


async def _let_go(db: AsyncConnection, rule: UUID, reason: Reason, by: str | None) -> None:
    """Stop what waits; a rehearsal leaves it, since it shows there what would be stopped."""
    if not rehearses(db):
        await db.execute(_LET_GO, {"rule": rule, "reason": reason, "by": by})


@dataclass(frozen=True, slots=True)
class Told:
    """How many of a rule's sends there are, and how many of their workflows know what their rows say."""

    told: int
    total: int


async def count_told(db: AsyncConnection, rule: UUID) -> Told:
    return Told(**(await db.execute(_TOLD, {"rule": rule})).one()._mapping)


async def fetch_rule_version(db: AsyncConnection, rule: UUID) -> int:
    return int((await db.execute(_VERSION, {"rule": rule})).scalar_one())


async def note_roll_out(db: AsyncConnection, rule: UUID, version: int, *, sessions: int, total: int) -> None:
    """Write how many of all sessions are planned for `version` of the rule; nothing when there is a newer one."""
    await db.execute(_ROLLING_OUT, {"rule": rule, "version": version, "sessions": sessions, "total": total})


async def mark_rolled_out(db: AsyncConnection, rule: UUID, version: int) -> bool:
    """Say that every session is planned for `version` of the rule; return whether a newer one came meanwhile."""
    return bool((await db.execute(_ROLLED_OUT, {"rule": rule, "version": version})).scalar_one())


def _written(definition: RuleDefinition) -> str:
    """Return what a rule says as the row keeps it: as callers write it."""
    return definition.model_dump_json(by_alias=True)


def _rule(row: object) -> Rule:
    values = dict(row)  # type: ignore[call-overload]
    return Rule(**{**values, "definition": _DEFINITION.validate_python(values["definition"])})
