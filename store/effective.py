"""What a rule says to one session: its edition, and what the session overrides; the same for planning and delivery.

A statement joins `EFFECTIVE` after rules `r` and sessions `session`, and reads `DEFINITION`, `TEMPLATE` and what else
it needs; `effective_definition` puts the two parts of the definition together.
"""

from datetime import time
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from domain.overrides import Override, effective
from domain.rules import RuleDefinition
from domain.timing import Offset

_DEFINITION = TypeAdapter(RuleDefinition)

# Brings `override` and `edition`, both of which may be missing. A session's own rules have no editions. One that is
# older than all of them, and was given the rule by hand, goes by what the rule said then, or as soon as it said anything.
EFFECTIVE = """
    left join session_rules override on override.session_id = session.id and override.rule_id = r.id
    left join lateral (
        select rule_editions.definition, rule_editions.template_id from rule_editions
        where rule_editions.rule_id = r.id and (rule_editions.since <= session.created_at or override.active)
          and r.session_id is null and not coalesce((r.definition -> 'existing_sessions')::boolean, true)
        order by rule_editions.since > session.created_at, rule_editions.since > override.active_since,
                 case when rule_editions.since > greatest(session.created_at, override.active_since)
                      then rule_editions.since end,
                 rule_editions.since desc
        limit 1
    ) edition on true
"""

# What the rule says to this session, but for the override.
DEFINITION = "coalesce(edition.definition, r.definition)"

# What this session sends by it where nothing more special is said (`sends.template_id`); null: the rule's own.
TEMPLATE = "coalesce(override.template_id, edition.template_id, r.template_id)"
SPECIAL_TEMPLATE = f"nullif({TEMPLATE}, r.template_id)"

# The override's columns, for `read_override`.
OVERRIDE = """
    override.active as override_active, override."offset" as override_offset, override.at as override_at,
    override.template_id as override_template
"""

# The rule leaves this session alone, which was there before it and has not been given it by hand (C1, F007, F008).
TOO_NEW = """
    (r.session_id is null and not coalesce((r.definition -> 'existing_sessions')::boolean, true)
     and edition.definition is null and override.active is not true)
"""


def read_override(row: Any) -> Override:
    """Return what a row with the columns of `OVERRIDE` says."""
    return override_of(row.override_active, row.override_offset, row.override_at, row.override_template)


def override_of(active: bool | None, offset: str | None, at: str | None, template: UUID | None) -> Override:
    """Return an override as its columns in `session_rules` say it."""
    return Override(
        active,
        None if offset is None else Offset.parse(offset),
        None if at is None else time.fromisoformat(at),
        template,
    )


def effective_definition(row: Any) -> RuleDefinition:
    """Return what a rule says to a session: of a row with `DEFINITION` as `definition` and the columns of `OVERRIDE`."""
    return effective(_DEFINITION.validate_python(row.definition), read_override(row))
