"""Editions of a rule that leaves existing sessions alone (C1): what it said, and since when.

A session goes by the newest edition that is not newer than itself; the rule does not concern one that is older than
all of them. Every statement here is asked by whoever holds the facts of the rule (`store.locks`).
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition

# The first one begins where the rule is first active.
_BEGIN = text("""
    insert into rule_editions (rule_id, since, template_id, definition)
    select id, relance_now(), template_id, definition from rules r
    where id = :rule and active and deleted_at is null and definition -> 'existing_sessions' = 'false'
      and not exists (select from rule_editions where rule_id = r.id)
""")

_FORGET = text("delete from rule_editions where rule_id = :rule")

# Sessions that the rule concerned already go on as they are: for all there are, it said what it says until now.
_KEEP = text("""
    insert into rule_editions (rule_id, since, template_id, definition)
    select id, timestamptz '1900-01-01 00:00:00+00', template_id, definition from rules
    where id = :rule and active and not exists (select from rule_editions where rule_id = :rule)
""")

_ADD = text("""
    insert into rule_editions (rule_id, since, template_id, definition)
    select :rule, relance_now(), said.template, said.definition
    from (select cast(:template as uuid), cast(:definition as jsonb)) as said (template, definition)
    where (select (template_id, definition) is distinct from (said.template, said.definition)
           from rule_editions where rule_id = :rule order by since desc limit 1)
""")

# One is enough from then on: whichever a session goes by, all say the same.
_REWRITE = text("""
    with said (template, definition) as (select cast(:template as uuid), cast(:definition as jsonb)),
    differs as (
        select bool_or((e.template_id, e.definition) is distinct from (said.template, said.definition)) as any
        from rule_editions e, said where rule_id = :rule
    ),
    gone as (
        delete from rule_editions
        where rule_id = :rule and since > (select min(since) from rule_editions where rule_id = :rule)
    ),
    kept as (
        update rule_editions set template_id = said.template, definition = said.definition from said
        where rule_id = :rule and since = (select min(since) from rule_editions where rule_id = :rule)
    )
    select coalesce((select differs.any from differs), false)
""")


async def begin_editions(db: AsyncConnection, rule: UUID) -> None:
    """Have the rule, just activated, concern sessions from now on, where it leaves older ones alone; may be repeated."""
    await db.execute(_BEGIN, {"rule": rule})


async def edit_editions(
    db: AsyncConnection,
    rule: UUID,
    template: UUID,
    definition: RuleDefinition,
    *,
    concerned_all: bool,
    apply_to_existing: bool,
) -> bool:
    """Bring the editions in line with an edit that is about to be written; return whether existing sessions follow it.

    By itself an edit reaches sessions made later. `concerned_all`: until now the rule left no session alone.
    """
    if definition.existing_sessions:
        await db.execute(_FORGET, {"rule": rule})
        return False
    if concerned_all:
        await db.execute(_FORGET, {"rule": rule})
        await db.execute(_KEEP, {"rule": rule})
    said = {"rule": rule, "template": template, "definition": definition.model_dump_json(by_alias=True)}
    if not apply_to_existing:
        await db.execute(_ADD, said)
        return False
    return bool((await db.execute(_REWRITE, said)).scalar_one())
