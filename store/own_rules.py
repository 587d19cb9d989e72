"""Rules of one session only (F014): planned with it, and never rolled out.

Whoever writes one holds the facts of its session, which claims and fences of its mails trust as well; the session
becomes dirty, the rule itself never is.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition
from domain.sends import Reason
from store.switched_off import note_who

# Versions never restart; a new name is for people, and makes nothing dirty. A rule that comes to have corrections makes
# none of what its session said until this very instant.
_PUT = text("""
    with clock as materialized (select relance_now() as now),
    written as (
        insert into rules as r (organization_id, session_id, key, name, template_id, definition, active, version,
                                planned_version)
        select s.organization_id, s.id, :key, :name, :template, :definition, :active, next.version, next.version
        from sessions s, (select coalesce(max(version), 0) + 1 from rules
                          where session_id = :session and key = :key) as next (version)
        where s.id = :session
        on conflict (session_id, key) where deleted_at is null and session_id is not null do update
        set name = excluded.name, template_id = excluded.template_id, definition = excluded.definition,
            active = excluded.active,
            corrects_since = case when r.definition ->> 'correction' is null
                                   and excluded.definition ->> 'correction' is not null
                                  then (select now from clock) else r.corrects_since end,
            (version, planned_version, changed_at) = (
                select r.version + edited::int, r.version + edited::int,
                       case when edited then (select now from clock) else r.changed_at end
                from (select (r.template_id, r.definition, r.active)
                             is distinct from (excluded.template_id, excluded.definition, excluded.active)
                     ) as compared (edited))
        where (r.name, r.template_id, r.definition, r.active)
              is distinct from (excluded.name, excluded.template_id, excluded.definition, excluded.active)
        returning version
    )
    update sessions set version = version + 1, changed_at = (select now from clock)
    where id = :session
      and (select version from written)
          is distinct from (select version from rules where session_id = :session and key = :key and deleted_at is null)
      and exists (select from written)
""")

_SWITCH = text("""
    with switched as (
        update rules set active = :active, version = version + 1, planned_version = version + 1,
                         changed_at = relance_now()
        where id = :rule and active <> :active and deleted_at is null returning session_id
    )
    update sessions set version = version + 1, changed_at = relance_now() from switched
    where id = switched.session_id returning id
""")

_NAMED = text("select id from rules where session_id = :session and key = :key and deleted_at is null")

_DELETE = text("""
    with gone as (
        update rules set active = false, deleted_at = relance_now(), version = version + 1,
                         planned_version = version + 1, changed_at = relance_now()
        where id = :rule and deleted_at is null returning session_id
    )
    update sessions set version = version + 1, changed_at = relance_now() from gone where id = gone.session_id
    returning id
""")


async def put_own_rule(
    db: AsyncConnection,
    session: UUID,
    key: str,
    *,
    name: str,
    template: UUID,
    definition: RuleDefinition,
    active: bool,
    by: str | None = None,
) -> bool:
    """Make or replace a rule of one session; return whether its mails follow, which makes the session dirty.

    `by` is the name of the token that was shown, for the traces of what it calls back.
    """
    values = {"name": name, "template": template, "active": active}
    written = definition.model_dump_json(by_alias=True)
    done = await db.execute(_PUT, {"session": session, "key": key, "definition": written, **values})
    if done.rowcount == 1 and not active:
        those = (await db.execute(_NAMED, {"session": session, "key": key})).scalars().all()
        await note_who(db, session, those, Reason.RULE_DEACTIVATED, by)
    return done.rowcount == 1


async def switch_own_rule(db: AsyncConnection, rule: UUID, *, active: bool, by: str | None = None) -> None:
    """Switch a rule on or off; planning follows. `by` as `put_own_rule`."""
    session = (await db.execute(_SWITCH, {"rule": rule, "active": active})).scalar_one_or_none()
    if session is not None and not active:
        await note_who(db, session, [rule], Reason.RULE_DEACTIVATED, by)


async def delete_own_rule(db: AsyncConnection, rule: UUID, *, by: str | None = None) -> None:
    """Leave a tombstone; planning removes what waits, and until then nothing of it can leave. `by` as `put_own_rule`."""
    session = (await db.execute(_DELETE, {"rule": rule})).scalar_one_or_none()
    if session is not None:
        await note_who(db, session, [rule], Reason.RULE_DELETED, by)
