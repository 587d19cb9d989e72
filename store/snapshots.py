"""What planning reads: a constant number of statements, however large the session (DESIGN 4)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.considering import in_groups
from domain.overrides import effective
from domain.participations import Participation, Role
from domain.snapshots import RuleFacts, Snapshot
from store.effective import DEFINITION, EFFECTIVE, OVERRIDE, SPECIAL_TEMPLATE, TOO_NEW, read_override
from store.locks import await_changes
from store.snapshot_rows import (
    Owns,
    read_participations,
    read_rule,
    read_send,
    read_session,
    read_slot,
    read_templates,
)

# Planning one session is never done twice at once. And PostgreSQL is to look at the tables as they are: it would
# remember how it read them when this connection first asked, which may be when they were empty.
_LOOK = "select set_config('plan_cache_mode', 'force_custom_plan', true)"
_LOCKED = text(f"{_LOOK}, pg_advisory_xact_lock(hashtextextended('plan ' || :session, 0))")
_UNLOCKED = text(_LOOK)

_SESSION = text("""
    select s.organization_id, s.zone, s.starts_at, s.ends_at, s.stage, s.mode, s.category, s.center,
           s.deleted_at is not null as deleted, s.version, s.planned_version, s.changed_at,
           o.zone as organization_zone, relance_now() as now
    from sessions s join organizations o on o.id = s.organization_id where s.id = :session
""")

_MODULES = text("""
    select id, starts_at, ends_at, mode, category from modules
    where session_id = :session and removed_at is null order by id
""")

_SLOTS = text("""
    select id, starts_at, ends_at, module_id as module, synchronous from slots
    where session_id = :session and removed_at is null order by id
""")

# The templates a rule names besides its own.
_LAST_STEP = f"{DEFINITION} -> 'repeat' -> 'then' ->> 'template'"
_CORRECTION = f"{DEFINITION} -> 'correction' ->> 'template'"

# FOR SHARE: a rule switched off while its sessions are planned waits, and then removes what was just planned.
# Of rules switched off those are read whose sends wait, or may wait again by the time the sends are read.
_RULES = f"""
    select r.id, r.version, {DEFINITION} as definition, r.active, r.deleted_at is not null as deleted, r.changed_at,
           r.memory, r.corrects_since, {SPECIAL_TEMPLATE} as template, {TOO_NEW} as too_new, {OVERRIDE},
           case when num_nonnulls({_LAST_STEP}, {_CORRECTION}) > 0
                then (select jsonb_object_agg(t.key, t.id) from templates t
                      where t.organization_id = r.organization_id and t.key in ({_LAST_STEP}, {_CORRECTION}))
           end as templates
    from rules r join sessions session on session.id = :session {EFFECTIVE}
    where r.organization_id = :organization and (r.session_id is null or r.session_id = :session)
      and ({{among}}
           or r.id in (select rule_id from sends where {{sends}}
                                                   and status in ('scheduled', 'claimed', 'handing_over', 'in_doubt')))
      and (cast(:rule as uuid) is null or r.id = :rule)
    order by r.id
"""

# What a session says of a rule that is looked at in another form, which may not be saved yet.
_OVERRIDING = text(f"""
    select {OVERRIDE},
           (select jsonb_object_agg(key, id) from templates
            where organization_id = :organization and key = any(cast(:templates as text[]))) as templates
    from (select cast(:rule as uuid) as id) asked
    left join session_rules override on override.session_id = :session and override.rule_id = asked.id
""")

# A company comes where its participants come; whether anybody is left is one look into an index. Everybody's zone is
# looked up: with a join PostgreSQL, where it thinks many dirty, reads all people there are for one of them.
_PARTICIPATIONS = """
    select p.id, p.role, coalesce(p.person_id, p.company_id) as recipient, p.version, p.planned_version,
           p.said_at, p.changed_at,
           case when p.role <> 'company' then p.removed_at is not null
                else not exists (select from participations of_them
                                 where of_them.session_id = p.session_id and of_them.company_id = p.company_id
                                   and of_them.role = 'participant' and of_them.removed_at is null)
           end as removed,
           case when p.role <> 'company' then p.slots
                when exists (select from participations of_them
                             where of_them.session_id = p.session_id and of_them.company_id = p.company_id
                               and of_them.role = 'participant' and of_them.removed_at is null
                               and of_them.slots is null) then null
                else array(select slots.id from slots
                           where slots.session_id = p.session_id and slots.removed_at is null
                             and exists (select from participations of_them
                                         where of_them.session_id = p.session_id
                                           and of_them.company_id = p.company_id and of_them.role = 'participant'
                                           and of_them.removed_at is null and slots.id = any(of_them.slots)))
           end as slots,
           p.company_id as company, (select zone from people where people.id = p.person_id) as zone,
           num_nonnulls(p.starts_at, p.ends_at, p.deadline_at, p.enrolled_at, p.started_at, p.completed_at) as dated,
           p.starts_at, p.ends_at, p.deadline_at, p.enrolled_at, p.enrolled_recorded_at, p.started_at,
           p.started_recorded_at, p.completed_at, p.completed_recorded_at
    from participations p where p.session_id = :session
"""

# What these people are besides, participant and trainer: what a rule sends them is one row, whichever it writes to.
_OTHER_ROLES = text(f"""
    {_PARTICIPATIONS} and p.person_id = any(cast(:people as uuid[])) and p.id <> all(cast(:participations as uuid[]))
""")

# The participants of these companies who are not planned themselves.
_COLLEAGUES = text(f"""
    {_PARTICIPATIONS} and p.role = 'participant' and p.company_id = any(cast(:companies as uuid[]))
      and p.removed_at is null and p.id <> all(cast(:participations as uuid[]))
""")

_SENDS = """
    select id, rule_id as rule, scope_id as scope, participation_id as participation, status, version, due_at,
           latest_at, coalesce(reason = 'reactivated', false) as reactivated, due_override_at, occurrence, covers,
           template_id as template, anchor_at, anchor, reason, handed_at, ended_at
    from sends where {sends}
"""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The statements that read a session, or the part of it that is dirty."""

    participations: TextClause
    rules: TextClause
    rules_held: TextClause
    sends: TextClause


def _reading(participations: str, sends: str, among: str = "r.active") -> _Reading:
    rules = _RULES.format(sends=sends, among=among)
    return _Reading(
        text(f"{_PARTICIPATIONS} {participations}"),
        text(rules),
        text(f"{rules} for share of r"),
        text(_SENDS.format(sends=sends)),
    )


# Two forms of each, since one plan for both would read the whole session for each participation.
_ALL = _reading("", "session_id = :session and (cast(:rule as uuid) is null or rule_id = :rule)")
_SOME = _reading(
    "and p.version > p.planned_version", "participation_id = any(cast(:participations as uuid[]))"
)
# To explain what becomes of somebody, also by rules that are switched off.
_TOLD = _reading(
    "and p.id = any(cast(:participations as uuid[]))",
    "participation_id = any(cast(:participations as uuid[]))",
    among="r.deleted_at is null",
)

_VERSION = text("select version from sessions where id = :session")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot, and the versions it stands for."""

    organization: UUID
    snapshot: Snapshot
    session_version: int
    session_dirty: bool
    participation_versions: dict[UUID, int]


async def load_snapshot(
    db: AsyncConnection,
    session: UUID,
    rule: UUID | None = None,
    *,
    replacing: RuleFacts | None = None,
    lock: bool = True,
) -> Loaded:
    """Lock the session's planning and read what it is computed from.

    Of a clean session only the dirty participations are read (DESIGN 4, two grains); with `rule`, the whole
    session for that rule alone. `replacing` is that rule in another form, as it would stand for this session but for
    what the session itself says of it. Without `lock` nothing waits for this, and nothing may be written after it.
    """
    if lock and rule is not None:
        await await_changes(db, session)
    await db.execute(_LOCKED if lock else _UNLOCKED, {"session": str(session)} if lock else {})
    while True:
        loaded = await _load(db, session, rule, replacing, lock)
        # What was read statement by statement belongs together only if nothing came in between.
        if (await db.execute(_VERSION, {"session": session})).scalar_one() == loaded.session_version:
            return loaded


async def load_to_explain(db: AsyncConnection, session: UUID, participations: Sequence[UUID]) -> Loaded:
    """Read what these are planned by, with every rule that could concern them; nothing may be written after it."""
    await db.execute(_UNLOCKED)
    return await _load(db, session, None, None, lock=False, only=participations)


async def _load(
    db: AsyncConnection,
    session: UUID,
    rule: UUID | None,
    replacing: RuleFacts | None,
    lock: bool,
    only: Sequence[UUID] | None = None,
) -> Loaded:
    rule = rule if replacing is None else replacing.id
    row = (await db.execute(_SESSION, {"session": session})).one()
    dirty = row.version > row.planned_version
    reading = _ALL if dirty or rule is not None else _SOME
    reading = reading if only is None else _TOLD
    scope = {"session": session, "rule": rule, "organization": row.organization_id, "participations": only}
    modules = (await db.execute(_MODULES, scope)).all()
    slots = [read_slot(slot) for slot in await db.execute(_SLOTS, scope)]
    people = [*await db.execute(reading.participations, scope)]
    if reading is _SOME:
        people += await db.execute(_OTHER_ROLES, {**scope, **others_of(people)})
    owns = Owns(slots)
    participations = read_participations(people, owns)
    scope["participations"] = [person.id for person in people]
    if replacing is None:
        rules = await _rules(db, reading, scope, lock=lock)
    else:
        rules = [await _replaced(db, replacing, scope)]
    colleagues = [] if reading is _ALL else await _colleagues(db, rules, participations, scope, owns)
    sends = (await db.execute(reading.sends, scope)).all()
    known = {one.id for one in participations}
    return Loaded(
        organization=row.organization_id,
        snapshot=Snapshot(
            now=row.now,
            session=read_session(session, row, modules, slots),
            rules=rules,
            participations=participations,
            # Without a lock others may have come, and been planned, since their participations were read.
            sends=[read_send(send) for send in sends if lock or send.participation in known],
            colleagues=colleagues,
        ),
        session_version=row.version,
        session_dirty=dirty,
        participation_versions={p.id: p.version for p in people if p.version > p.planned_version},
    )


def others_of(people: Sequence[Any]) -> dict[str, list[UUID]]:
    """Return what `_OTHER_ROLES` asks for."""
    return {
        "people": [one.recipient for one in people if one.role != Role.COMPANY],
        "participations": [one.id for one in people],
    }


async def _rules(
    db: AsyncConnection, reading: _Reading, scope: Mapping[str, Any], *, lock: bool
) -> list[RuleFacts]:
    rows = await db.execute(reading.rules_held if lock else reading.rules, scope)
    return [read_rule(row) for row in rows]


async def _replaced(db: AsyncConnection, rule: RuleFacts, scope: Mapping[str, Any]) -> RuleFacts:
    """Return a rule in its other form with what the session says of it."""
    asked = {**scope, "templates": rule.definition.other_templates}
    return _overridden(rule, (await db.execute(_OVERRIDING, asked)).one())


def _overridden(rule: RuleFacts, row: Any) -> RuleFacts:
    override = read_override(row)
    return replace(
        rule,
        definition=effective(rule.definition, override),
        off_here=rule.off_here or override.active is False,
        too_new=rule.too_new and override.active is not True,
        template=override.template or rule.template,
        templates=rule.templates or read_templates(row),
    )


async def _colleagues(
    db: AsyncConnection,
    rules: Sequence[RuleFacts],
    participations: Collection[Participation],
    scope: Mapping[str, Any],
    owns: Owns,
) -> list[Participation]:
    """Return whom the companies' mails may be about besides those who are planned, where a rule asks for it."""
    companies = [one.recipient for one in participations if one.role is Role.COMPANY]
    if not companies or not any(in_groups(rule.definition) for rule in rules):
        return []
    rows = await db.execute(_COLLEAGUES, {**scope, "companies": companies})
    return read_participations(rows.all(), owns)
