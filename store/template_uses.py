"""Who uses a template: rules, what they said before to sessions that go by it, and what sessions say of them."""

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
    """A rule that writes from a template; `session` where that is so for one session only."""

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
_LIST = text(f"""
    select r.key as rule, s.key as session, said.definition, said.template_id = :template as is_own
    from rules r
    join lateral (
        select r.template_id, r.definition
        union
        select e.template_id, e.definition from rule_editions e where e.rule_id = r.id
    ) as said on {_NAMED}
    left join sessions s on s.id = r.session_id
    where r.organization_id = :organization and r.deleted_at is null and s.deleted_at is null
    union
    select r.key, session.key, {DEFINITION}, true
    from sessions session
    join rules r on r.organization_id = session.organization_id
    {EFFECTIVE}
    where override.template_id = :template and r.deleted_at is null and session.deleted_at is null
    order by 1, 2 nulls first
""")


async def list_template_uses(
    db: AsyncConnection, organization: UUID, template: UUID, key: str
) -> Sequence[TemplateUse]:
    """Return who uses a template, switched on or not, by rule and session."""
    asked = {"organization": organization, "template": template, "key": key}
    return [_use(row) for row in await db.execute(_LIST, asked)]


def _use(row: Any) -> TemplateUse:
    return TemplateUse(row.rule, row.session, _DEFINITION.validate_python(row.definition), row.is_own)
