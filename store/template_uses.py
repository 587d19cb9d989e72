"""Who uses a template: rules, what they said before to sessions that go by it, what sessions say of them, and mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition, Until
from store.effective import DEFINITION, EFFECTIVE

_DEFINITION = TypeAdapter(RuleDefinition)


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """A rule that writes from a template; `session` where that is so for one session only, or for mails that wait."""

    rule: str
    session: str | None
    definition: RuleDefinition
    is_own: bool  # the rule's own template: not that of its last mail, or of its corrections

    @property
    def wants_answers(self) -> bool:
        """Whether the template's questionnaire ends a series."""
        repeat = self.definition.repeat
        return self.is_own and repeat is not None and repeat.until is Until.ANSWERED


_NAMED = """
    (said.template_id = :template or said.definition #>> '{repeat,then,template}' = :key
     or said.definition #>> '{correction,template}' = :key)
"""

# What a deleted session says is asked no more; should it come back, its mails go on having the words they had.
# A mail has a template that nobody else names where somebody has asked for a correction by it, or planning has yet to
# follow an edit; one in doubt may be sent again.
_LIST = text(f"""
    with said_by as (
        select r.id, r.key as rule, s.key as session, said.definition, said.template_id = :template as is_own
        from rules r
        join lateral (
            select r.template_id, r.definition
            union
            select e.template_id, e.definition from rule_editions e where e.rule_id = r.id
        ) as said on {_NAMED}
        left join sessions s on s.id = r.session_id
        where r.organization_id = :organization and r.deleted_at is null and s.deleted_at is null
        union
        select r.id, r.key, session.key, {DEFINITION}, true
        from sessions session
        join rules r on r.organization_id = session.organization_id
        {EFFECTIVE}
        where override.template_id = :template and r.deleted_at is null and session.deleted_at is null
    )
    select rule, session, definition, is_own from said_by
    union
    select r.key, session.key, {DEFINITION}, false
    from sends
    join rules r on r.id = sends.rule_id and r.deleted_at is null
    join sessions session on session.id = sends.session_id and session.deleted_at is null
    {EFFECTIVE}
    where sends.template_id = :template and sends.status in ('scheduled', 'claimed', 'handing_over', 'in_doubt')
      and not exists (select from said_by
                      where said_by.id = r.id and (said_by.session is null or said_by.session = session.key))
    order by 1, 2 nulls first
""")


async def list_template_uses(
    db: AsyncConnection, organization: UUID, template: UUID, key: str
) -> Sequence[TemplateUse]:
    """Return who uses a template, switched on or not, by rule and session; mails that wait where their rule does not."""
    asked = {"organization": organization, "template": template, "key": key}
    return [_use(row) for row in await db.execute(_LIST, asked)]


def _use(row: Any) -> TemplateUse:
    return TemplateUse(row.rule, row.session, _DEFINITION.validate_python(row.definition), row.is_own)
