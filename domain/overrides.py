"""Overrides: what one session says of a rule, in the rule's place (DESIGN 6, Life)."""

from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from domain.anchors import Anchor
from domain.rules import RuleDefinition
from domain.timing import Offset


@dataclass(frozen=True, slots=True)
class Override:
    """What a session says of a rule; None: as the rule says.

    `active` False switches the rule off here. True has the session go by a rule that leaves alone what was there
    before it (F008); a rule that is switched off for all stays off.
    """

    active: bool | None = None
    offset: Offset | None = None
    at: time | None = None
    template: UUID | None = None


def effective(definition: RuleDefinition, override: Override) -> RuleDefinition:
    """Return what a rule says to the session that overrides it.

    A rule on a date of its own has neither an offset nor, where that is an instant, a time of day to override.
    """
    trigger = definition.trigger
    if trigger.anchor is Anchor.DATE:
        said = {} if override.at is None or trigger.at is None else {"at": override.at}
    else:
        said = times(override.offset, override.at)
    if not said:
        return definition
    return definition.model_copy(update={"trigger": trigger.model_copy(update=said)})


def times(offset: Offset | None, at: time | None) -> dict[str, Any]:
    """Return what becomes of a trigger's fields; an offset in hours or minutes takes the rule's time of day away."""
    said: dict[str, Any] = {}
    if offset is not None:
        said["offset"] = offset
    if at is not None or (offset is not None and offset.is_exact):
        said["at"] = at
    return said
