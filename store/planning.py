"""What planning reads and writes: a constant number of statements, however large the session (DESIGN 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anchors import Dated
from domain.participations import Participation, Role
from domain.planning import (
    Change,
    ExistingSend,
    ModuleFacts,
    RuleFacts,
    SessionFacts,
    SlotFacts,
    Snapshot,
)
from domain.rules import RuleDefinition
from domain.sends import FINAL, Status
from store.locks import lock_sends

_DEFINITION = TypeAdapter(RuleDefinition)

# Planning one session is never done twice at once. And PostgreSQL is to look at the tables as they are: it would
# remember how it read them when this connection first asked, which may be when they were empty.
_LOCK = text("""
    select pg_advisory_xact_lock(hashtextextended('plan ' || :session, 0)),
           set_config('plan_cache_mode', 'force_custom_plan', true)
""")

_SESSION = text("""
    select id, organization_id, zone, starts_at, ends_at, stage, mode, category, deleted_at is not null as deleted,
           version, planned_version, changed_at, relance_now() as now
    from sessions where id = :session
""")

_MODULES = text("""
    select id, starts_at, ends_at, mode, category from modules
    where session_id = :session and removed_at is null order by id
""")

_SLOTS = text("""
    select id, starts_at, ends_at, module_id as module from slots
    where session_id = :session and removed_at is null order by id
""")

# FOR SHARE: a rule switched off while its sessions are planned waits, and then removes what was just planned.
# Of rules switched off those are read whose sends wait, or may wait again by the time the sends are read.
_RULES = """
    select id, version, definition, active, deleted_at is not null as deleted, changed_at
    from rules
    where organization_id = :organization
      and (active or id in (select rule_id from sends where {sends}
                                                       and status in ('scheduled', 'claimed', 'handing_over', 'in_doubt')))
      and (cast(:rule as uuid) is null or id = :rule)
    order by id for share
"""

# A company comes where its participants come; whether anybody is left is one look into an index.
_PARTICIPATIONS = """
    select p.id, p.role, coalesce(p.person_id, p.company_id) as recipient, p.version, p.planned_version,
           p.changed_at,
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
           end as slots
    from participations p
    where p.session_id = :session
"""

_SENDS = """
    select id, rule_id as rule, scope_id as scope, participation_id as participation, status, version, due_at, latest_at,
           coalesce(reason = 'reactivated', false) as reactivated, due_override_at
    from sends where {sends}
"""

# Two forms of each, since one plan for both would read the whole session for each participation.
_OF_ALL = "session_id = :session and (cast(:rule as uuid) is null or rule_id = :rule)"
_OF_SOME = "participation_id = any(cast(:participations as uuid[]))"


@dataclass(frozen=True, slots=True)
class _Reading:
    """The statements that read a session, or the part of it that is dirty."""

    participations: TextClause
    rules: TextClause
    sends: TextClause


_ALL = _Reading(text(_PARTICIPATIONS), text(_RULES.format(sends=_OF_ALL)), text(_SENDS.format(sends=_OF_ALL)))
_SOME = _Reading(
    text(f"{_PARTICIPATIONS} and p.version > p.planned_version"),
    text(_RULES.format(sends=_OF_SOME)),
    text(_SENDS.format(sends=_OF_SOME)),
)

_VERSION = text("select version from sessions where id = :session")

_SESSION_PLANNED = text("""
    update sessions set planned_version = greatest(planned_version, :version) where id = :session
""")

_PARTICIPATIONS_PLANNED = text("""
    with locked as (
        select p.id, planned.version
        from participations p
        join unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as planned (id, version) on planned.id = p.id
        order by p.role = 'company', p.id for no key update of p
    )
    update participations as p set planned_version = greatest(p.planned_version, locked.version)
    from locked where p.id = locked.id
""")

# In the order of the index of dirty ones: PostgreSQL, which takes a third of all for dirty, would read all for one.
_DIRTY = text("""
    select version > planned_version
        or (select true from participations p where p.session_id = s.id and p.version > p.planned_version
            order by p.changed_at limit 1) is not null
    from sessions s where id = :session
""")

_STEP = """jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'at', relance_now(), 'step', change.status, 'reason', change.reason, 'due_at', change.due_at)))"""

_INSERT = text(f"""
    insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id,
                       status, rule_version, due_at, latest_at, due_local, due_zone, zone_data, trace)
    select change.id, :organization, change.rule, :session, change.scope, change.participation, change.recipient,
           change.status, change.rule_version, change.due_at, change.latest_at, change.due_local,
           change.due_zone, change.zone_data, {_STEP}
    from unnest(
        cast(:id as uuid[]), cast(:rule as uuid[]), cast(:scope as uuid[]), cast(:participation as uuid[]),
        cast(:recipient as uuid[]),
        cast(:status as text[]), cast(:reason as text[]), cast(:rule_version as bigint[]),
        cast(:due_at as timestamptz[]), cast(:latest_at as timestamptz[]), cast(:due_local as timestamp[]),
        cast(:due_zone as text[]), cast(:zone_data as text[])
    ) as change (id, rule, scope, participation, recipient, status, reason, rule_version,
                 due_at, latest_at, due_local, due_zone, zone_data)
    on conflict (id) do nothing
""")

# Only rows that still stand as planning found them: what was claimed meanwhile may be called back, what was
# handed over or cancelled meanwhile stays as it is.
_UPDATE = text(f"""
    update sends
    set status = change.status, reason = change.reason, version = sends.version + 1,
        rule_version = coalesce(change.rule_version, sends.rule_version),
        participation_id = coalesce(change.participation, sends.participation_id),
        due_at = coalesce(change.due_at, sends.due_at), latest_at = coalesce(change.latest_at, sends.latest_at),
        due_local = coalesce(change.due_local, sends.due_local),
        due_zone = coalesce(change.due_zone, sends.due_zone),
        zone_data = coalesce(change.zone_data, sends.zone_data),
        -- A time that somebody set ends with the wait it was set in.
        due_override_at = case when not change.final and sends.status in ('scheduled', 'claimed')
                               then sends.due_override_at end,
        token = null, lease_until = null, next_attempt_at = null, turn_at = null,
        ended_at = case when change.final then relance_now() end,
        changed_at = relance_now(), trace = sends.trace || {_STEP}
    from unnest(
        cast(:id as uuid[]), cast(:version as bigint[]), cast(:was as text[]), cast(:status as text[]),
        cast(:reason as text[]), cast(:final as boolean[]), cast(:rule_version as bigint[]),
        cast(:participation as uuid[]),
        cast(:due_at as timestamptz[]), cast(:latest_at as timestamptz[]), cast(:due_local as timestamp[]),
        cast(:due_zone as text[]), cast(:zone_data as text[])
    ) as change (id, version, was, status, reason, final, rule_version, participation,
                 due_at, latest_at, due_local, due_zone, zone_data)
    where sends.id = change.id and sends.version = change.version
      and (sends.status = change.was
           or sends.status in ('scheduled', 'claimed') and change.was in ('scheduled', 'claimed'))
""")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot, and the versions it stands for."""

    organization: UUID
    snapshot: Snapshot
    session_version: int
    session_dirty: bool
    participation_versions: dict[UUID, int]


async def load_snapshot(db: AsyncConnection, session: UUID, rule: UUID | None = None) -> Loaded:
    """Lock the session's planning and read what it is computed from.

    Of a clean session only the dirty participations are read (DESIGN 4, two grains); with `rule`, the whole
    session for that rule alone.
    """
    await db.execute(_LOCK, {"session": str(session)})
    while True:
        loaded = await _load(db, session, rule)
        # What was read statement by statement belongs together only if nothing came in between.
        if (await db.execute(_VERSION, {"session": session})).scalar_one() == loaded.session_version:
            return loaded


async def _load(db: AsyncConnection, session: UUID, rule: UUID | None) -> Loaded:
    row = (await db.execute(_SESSION, {"session": session})).one()
    dirty = row.version > row.planned_version
    reading = _ALL if dirty or rule is not None else _SOME
    scope = {"session": session, "rule": rule, "organization": row.organization_id}
    modules = (await db.execute(_MODULES, scope)).all()
    slots = (await db.execute(_SLOTS, scope)).all()
    people = (await db.execute(reading.participations, scope)).all()
    scope["participations"] = [person.id for person in people]
    rules = (await db.execute(reading.rules, scope)).all()
    sends = (await db.execute(reading.sends, scope)).all()
    return Loaded(
        organization=row.organization_id,
        snapshot=Snapshot(
            now=row.now,
            session=SessionFacts(
                session,
                row.zone,
                Dated(row.starts_at, row.ends_at),
                row.stage,
                row.mode,
                row.category,
                [ModuleFacts(m.id, Dated(m.starts_at, m.ends_at), m.mode, m.category) for m in modules],
                [SlotFacts(slot.id, Dated(slot.starts_at, slot.ends_at), slot.module) for slot in slots],
                row.deleted,
                row.changed_at,
            ),
            rules=[_rule(r) for r in rules],
            participations=[_participation(p) for p in people],
            sends=[ExistingSend(**{**s._mapping, "status": Status(s.status)}) for s in sends],
        ),
        session_version=row.version,
        session_dirty=dirty,
        participation_versions={p.id: p.version for p in people if p.version > p.planned_version},
    )


async def mark_planned(db: AsyncConnection, loaded: Loaded) -> None:
    """Say that the plan has caught up with the versions that were read, not with newer ones."""
    session = loaded.snapshot.session.id
    if loaded.session_dirty:
        await db.execute(_SESSION_PLANNED, {"session": session, "version": loaded.session_version})
    versions = loaded.participation_versions
    if versions:
        arrays = {"ids": list(versions), "versions": list(versions.values())}
        await db.execute(_PARTICIPATIONS_PLANNED, arrays)


async def is_dirty(db: AsyncConnection, session: UUID) -> bool:
    """Return whether the plan is behind the facts of the session or of anybody in it."""
    return bool((await db.execute(_DIRTY, {"session": session})).scalar_one())


async def write_changes(
    db: AsyncConnection, organization: UUID, session: UUID, changes: Sequence[Change]
) -> int:
    """Write the difference; return how many rows changed."""
    written = 0
    scope = {"organization": organization, "session": session}
    new = [_columns(change) for change in changes if change.existing is None]
    if new:
        written += (await db.execute(_INSERT, {**scope, **_arrays(new)})).rowcount
    old = [_columns(change) for change in changes if change.existing is not None]
    if old:
        await lock_sends(db, [change.id for change in changes])
        written += (await db.execute(_UPDATE, _arrays(old))).rowcount
    return written


def _participation(row: Any) -> Participation:
    slots = None if row.slots is None else frozenset(row.slots)
    return Participation(row.id, Role(row.role), row.recipient, slots, row.removed, row.changed_at)


def _rule(row: object) -> RuleFacts:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return RuleFacts(**{**values, "definition": _DEFINITION.validate_python(values["definition"])})


def _columns(change: Change) -> dict[str, object]:
    wanted, existing = change.wanted, change.existing
    timing = change.timing
    due = timing and timing.due
    return {
        "id": change.id,
        "rule": wanted and wanted.rule.id,
        "scope": wanted and wanted.place.id,
        "participation": wanted and wanted.participation.id,
        "recipient": wanted and wanted.participation.recipient,
        "was": existing and existing.status,
        "version": existing and existing.version,
        "status": change.status,
        "reason": change.reason,
        "final": change.status in FINAL,
        "rule_version": wanted and wanted.rule.version,
        "due_at": due and due.at,
        "latest_at": timing and timing.latest_at,
        "due_local": due and due.local,
        "due_zone": due and due.zone,
        "zone_data": due and due.zone_data,
    }


def _arrays(rows: Sequence[dict[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
