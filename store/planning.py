"""What planning reads and writes: a constant number of statements, however large the session (DESIGN 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anchors import Dated
from domain.planning import (
    Change,
    ExistingSend,
    ParticipationFacts,
    RuleFacts,
    SessionFacts,
    Snapshot,
)
from domain.rules import RuleDefinition
from domain.sends import FINAL, Status
from store.locks import lock_sends

_DEFINITION = TypeAdapter(RuleDefinition)

# Planning one session is never done twice at once.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('plan ' || :session, 0))")

_SESSION = text("""
    select id, organization_id, zone, starts_at, ends_at, deleted_at is not null as deleted,
           version, planned_version, relance_now() as now
    from sessions where id = :session
""")

# FOR SHARE: a rule switched off while its sessions are planned waits, and then removes what was just planned.
# Of rules switched off those are read whose sends wait, or may wait again by the time the sends are read.
_RULES = text("""
    select id, version, definition, active, deleted_at is not null as deleted
    from rules
    where organization_id = :organization
      and (active or id in (select rule_id from sends where session_id = :session
                                                       and status in ('scheduled', 'claimed', 'handing_over', 'in_doubt')))
      and (cast(:rule as uuid) is null or id = :rule)
    order by id for share
""")

_PARTICIPATIONS = text("""
    select id, person_id as person, removed_at is not null as removed, version, planned_version
    from participations
    where session_id = :session and (:all or version > planned_version)
""")

_SENDS = text("""
    select id, rule_id as rule, participation_id as participation, status, version, due_at, latest_at
    from sends
    where session_id = :session
      and (cast(:rule as uuid) is null or rule_id = :rule)
      and (:all or participation_id = any(:participations))
""")

_SESSION_PLANNED = text("""
    update sessions set planned_version = greatest(planned_version, :version) where id = :session
""")

_PARTICIPATIONS_PLANNED = text("""
    update participations as p set planned_version = greatest(p.planned_version, planned.version)
    from unnest(cast(:ids as uuid[]), cast(:versions as bigint[])) as planned (id, version)
    where p.id = planned.id
""")

_DIRTY = text("""
    select version > planned_version
        or exists (select from participations p where p.session_id = s.id and p.version > p.planned_version)
    from sessions s where id = :session
""")

_STEP = """jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'at', relance_now(), 'step', change.status, 'reason', change.reason, 'due_at', change.due_at)))"""

_INSERT = text(f"""
    insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id,
                       status, rule_version, due_at, latest_at, due_local, due_zone, zone_data, trace)
    select change.id, :organization, change.rule, :session, :session, change.participation, change.recipient,
           change.status, change.rule_version, change.due_at, change.latest_at, change.due_local,
           change.due_zone, change.zone_data, {_STEP}
    from unnest(
        cast(:id as uuid[]), cast(:rule as uuid[]), cast(:participation as uuid[]), cast(:recipient as uuid[]),
        cast(:status as text[]), cast(:reason as text[]), cast(:rule_version as bigint[]),
        cast(:due_at as timestamptz[]), cast(:latest_at as timestamptz[]), cast(:due_local as timestamp[]),
        cast(:due_zone as text[]), cast(:zone_data as text[])
    ) as change (id, rule, participation, recipient, status, reason, rule_version,
                 due_at, latest_at, due_local, due_zone, zone_data)
    on conflict (id) do nothing
""")

# Only rows that still stand as planning found them: what was claimed meanwhile may be called back, what was
# handed over or cancelled meanwhile stays as it is.
_UPDATE = text(f"""
    update sends
    set status = change.status, reason = change.reason, version = sends.version + 1,
        rule_version = coalesce(change.rule_version, sends.rule_version),
        due_at = coalesce(change.due_at, sends.due_at), latest_at = coalesce(change.latest_at, sends.latest_at),
        due_local = coalesce(change.due_local, sends.due_local),
        due_zone = coalesce(change.due_zone, sends.due_zone),
        zone_data = coalesce(change.zone_data, sends.zone_data),
        token = null, lease_until = null, next_attempt_at = null,
        ended_at = case when change.final then relance_now() end,
        changed_at = relance_now(), trace = sends.trace || {_STEP}
    from unnest(
        cast(:id as uuid[]), cast(:version as bigint[]), cast(:was as text[]), cast(:status as text[]),
        cast(:reason as text[]), cast(:final as boolean[]), cast(:rule_version as bigint[]),
        cast(:due_at as timestamptz[]), cast(:latest_at as timestamptz[]), cast(:due_local as timestamp[]),
        cast(:due_zone as text[]), cast(:zone_data as text[])
    ) as change (id, version, was, status, reason, final, rule_version,
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
    row = (await db.execute(_SESSION, {"session": session})).one()
    dirty = row.version > row.planned_version
    scope = {"session": session, "rule": rule, "all": dirty or rule is not None}
    rules = (await db.execute(_RULES, {**scope, "organization": row.organization_id})).all()
    people = (await db.execute(_PARTICIPATIONS, scope)).all()
    sends = (await db.execute(_SENDS, {**scope, "participations": [person.id for person in people]})).all()
    return Loaded(
        organization=row.organization_id,
        snapshot=Snapshot(
            now=row.now,
            session=SessionFacts(session, row.zone, Dated(row.starts_at, row.ends_at), row.deleted),
            rules=[_rule(r) for r in rules],
            participations=[ParticipationFacts(p.id, p.person, p.removed) for p in people],
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


def _rule(row: object) -> RuleFacts:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return RuleFacts(**{**values, "definition": _DEFINITION.validate_python(values["definition"])})


def _columns(change: Change) -> dict[str, object]:
    wanted, existing = change.wanted, change.existing
    due = wanted and wanted.timing.due
    latest_at: datetime | None = wanted.timing.latest_at if wanted else None
    return {
        "id": change.id,
        "rule": wanted and wanted.rule.id,
        "participation": wanted and wanted.participation.id,
        "recipient": wanted and wanted.participation.person,
        "was": existing and existing.status,
        "version": existing and existing.version,
        "status": change.status,
        "reason": change.reason,
        "final": change.status in FINAL,
        "rule_version": wanted and wanted.rule.version,
        "due_at": due and due.at,
        "latest_at": latest_at,
        "due_local": due and due.local,
        "due_zone": due and due.zone,
        "zone_data": due and due.zone_data,
    }


def _arrays(rows: Sequence[dict[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
