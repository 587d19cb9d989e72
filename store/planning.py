"""What planning writes: the difference, in a constant number of statements, however large the session (DESIGN 4)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes import Change
from domain.occurrences import Occurrence
from domain.sends import FINAL
from store.locks import lock_sends
from store.snapshots import Loaded, load_snapshot

__all__ = ["CancelledMeanwhileError", "Loaded", "is_dirty", "load_snapshot", "mark_planned", "write_changes"]


class CancelledMeanwhileError(Exception):
    """Somebody has cancelled what was to be asked for anew, in its place: plan again, upon what they said."""


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

# Most rows of a plan say the same but for whom they are for: what they say comes once, and each row names its number.
_SAID = {
    "rule": "uuid",
    "scope": "uuid",
    "rule_version": "bigint",
    "occurrence": "text",
    "template": "uuid",
    "covers": "text",  # a list, written in text since those of two rows differ in length
    "status": "text",
    "reason": "text",
    "final": "boolean",
    "due_at": "timestamptz",
    "latest_at": "timestamptz",
    "anchor_at": "timestamptz",
    "anchor": "text",
    "due_local": "timestamp",
    "due_zone": "text",
    "zone_data": "text",
}
_SAYING = f"""
    saying as (
        select listed.* from unnest({", ".join(f"cast(:{name} as {kind}[])" for name, kind in _SAID.items())})
            with ordinality as listed ({", ".join(_SAID)}, number)
    )
"""

_STEP = """jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'at', relance_now(), 'step', saying.status, 'reason', saying.reason, 'due_at', saying.due_at,
    'by', cast(:by as text))))"""

_INSERT = text(f"""
    with {_SAYING}
    insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id, occurrence,
                       template_id, covers, status, reason, rule_version, due_at, latest_at, anchor_at, anchor, due_local,
                       due_zone, zone_data, ended_at, trace)
    select change.id, :organization, saying.rule, :session, saying.scope, change.participation, change.recipient,
           saying.occurrence, saying.template, cast(saying.covers as uuid[]), saying.status, saying.reason,
           saying.rule_version, saying.due_at, saying.latest_at, saying.anchor_at, saying.anchor, saying.due_local,
           saying.due_zone, saying.zone_data, case when saying.final then relance_now() end, {_STEP}
    from unnest(
        cast(:id as uuid[]), cast(:participation as uuid[]), cast(:recipient as uuid[]), cast(:says as bigint[])
    ) as change (id, participation, recipient, says)
    join saying on saying.number = change.says
    on conflict (id) do nothing
""")

# It waits as it did, and only what it will say is another: no workflow need know, and a fence sees by the versions of
# the facts that they changed. A mail to a company does not grow with everybody who joins.
_WAITS_ON = """(
    sends.status = 'scheduled' and saying.status = 'scheduled' and sends.reason is not distinct from saying.reason
    and sends.participation_id = coalesce(change.participation, sends.participation_id)
    and sends.due_at = coalesce(saying.due_at, sends.due_at)
    and sends.latest_at = coalesce(saying.latest_at, sends.latest_at))"""

# Only rows that still stand as planning found them: what was claimed meanwhile may be called back, what was
# handed over or cancelled meanwhile stays as it is.
_UPDATE = text(f"""
    with {_SAYING}
    update sends
    set status = saying.status, reason = saying.reason,
        version = case when {_WAITS_ON} then sends.version else sends.version + 1 end,
        rule_version = coalesce(saying.rule_version, sends.rule_version),
        participation_id = coalesce(change.participation, sends.participation_id),
        -- What is not wanted any more stays as it was; of what is, nothing said means nothing.
        template_id = case when saying.rule is null then sends.template_id else saying.template end,
        covers = case when saying.rule is null then sends.covers else cast(saying.covers as uuid[]) end,
        anchor_at = case when saying.rule is null then sends.anchor_at else saying.anchor_at end,
        anchor = case when saying.rule is null then sends.anchor else saying.anchor end,
        due_at = coalesce(saying.due_at, sends.due_at), latest_at = coalesce(saying.latest_at, sends.latest_at),
        due_local = coalesce(saying.due_local, sends.due_local),
        due_zone = coalesce(saying.due_zone, sends.due_zone),
        zone_data = coalesce(saying.zone_data, sends.zone_data),
        -- A time that somebody set ends with the wait it was set in.
        due_override_at = case when not saying.final and sends.status in ('scheduled', 'claimed')
                               then sends.due_override_at end,
        token = null, lease_until = null,
        next_attempt_at = case when {_WAITS_ON} then sends.next_attempt_at end,
        turn_at = case when {_WAITS_ON} then sends.turn_at end,
        ended_at = case when saying.final then relance_now() end,
        changed_at = relance_now(),
        trace = case when {_WAITS_ON} then sends.trace else sends.trace || {_STEP} end
    from unnest(
        cast(:id as uuid[]), cast(:version as bigint[]), cast(:was as text[]), cast(:participation as uuid[]),
        cast(:says as bigint[])
    ) as change (id, version, was, participation, says)
    join saying on saying.number = change.says
    where sends.id = change.id and sends.version = change.version
      and (sends.status = change.was
           or sends.status in ('scheduled', 'claimed') and change.was in ('scheduled', 'claimed'))
""")


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
    db: AsyncConnection, organization: UUID, session: UUID, changes: Sequence[Change], by: str | None = None
) -> int:
    """Write the difference; return how many rows changed. `by` is the token of whoever asked for it, if anybody did.

    Raises `CancelledMeanwhileError`, with nothing written, where a rule that has forgotten whom it wrote to asks for
    mails in the place of others, and somebody has cancelled any since the snapshot was read.
    """
    written = 0
    new = [change for change in changes if change.existing is None]
    old = [change for change in changes if change.existing is not None]
    if old and await lock_sends(db, [change.id for change in old]) and any(map(_is_asked_anew, new)):
        raise CancelledMeanwhileError
    if new:
        scope = {"organization": organization, "session": session, "by": by}
        written += (await db.execute(_INSERT, {**scope, **_new_rows(new), **_said(new)})).rowcount
    if old:
        written += (await db.execute(_UPDATE, {"by": by, **_old_rows(old), **_said(old)})).rowcount
    return written


def _is_asked_anew(change: Change) -> bool:
    return change.wanted is not None and Occurrence.parse(change.wanted.occurrence).memory > 1


def _new_rows(changes: Sequence[Change]) -> dict[str, list[Any]]:
    people = [change.wanted.participation for change in changes if change.wanted is not None]
    return {
        "id": [change.id for change in changes],
        "participation": [one.id for one in people],
        "recipient": [one.recipient for one in people],
    }


def _old_rows(changes: Sequence[Change]) -> dict[str, list[Any]]:
    found = [change.existing for change in changes if change.existing is not None]
    return {
        "id": [change.id for change in changes],
        "version": [send.version for send in found],
        "was": [send.status for send in found],
        "participation": [change.wanted and change.wanted.participation.id for change in changes],
    }


def _said(changes: Sequence[Change]) -> dict[str, list[Any]]:
    """Return what these changes say, each once, and the number of what each says."""
    numbers: dict[object, int] = {}
    said, says = list[Change](), list[int]()
    for change in changes:
        key = _key(change)
        number = numbers.get(key)
        if number is None:
            said.append(change)
            number = numbers[key] = len(said)
        says.append(number)
    rows = [_columns(change) for change in said]
    return {**{name: [row[name] for row in rows] for name in _SAID}, "says": says}


def _key(change: Change) -> object:
    """Return what two changes have in common that say the same; of those who have a plan in common, the plan itself."""
    wanted = change.wanted
    if wanted is None:
        return change.status, change.reason
    keeps_time = change.timing is None
    plan = id(wanted.rule), id(wanted.place), id(wanted.timing), keeps_time
    return plan, wanted.occurrence, wanted.covers, wanted.template, change.status, change.reason


def _columns(change: Change) -> dict[str, object]:
    wanted, timing = change.wanted, change.timing
    due = timing and timing.due
    return {
        "rule": wanted and wanted.rule.id,
        "scope": wanted and wanted.place.id,
        "rule_version": wanted and wanted.rule.version,
        "occurrence": wanted and wanted.occurrence,
        "template": wanted and wanted.template,
        "covers": wanted and wanted.covers and f"{{{','.join(map(str, wanted.covers))}}}",
        "status": change.status,
        "reason": change.reason,
        "final": change.status in FINAL,
        "due_at": due and due.at,
        "latest_at": timing and timing.latest_at,
        "anchor_at": wanted and wanted.timing.anchor_at,
        "anchor": wanted and wanted.anchor,
        "due_local": due and due.local,
        "due_zone": due and due.zone,
        "zone_data": due and due.zone_data,
    }
