"""A rule: who gets which template, when, under which conditions (DESIGN 6)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.anchors import Anchor
from domain.triggers import DateTrigger


def _of_a_session(trigger: DateTrigger) -> DateTrigger:
    if trigger.anchor not in (Anchor.SESSION_START, Anchor.SESSION_END, Anchor.DATE):
        raise ValueError(
            f"a rule of scope `session` has no {trigger.anchor}: anchor it to session.start or session.end"
        )
    return trigger


class RuleDefinition(BaseModel):
    """What a rule says, apart from its id, its template and whether it is active."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Literal["participants"] = "participants"
    scope: Literal["session"] = "session"
    trigger: Annotated[DateTrigger, AfterValidator(_of_a_session)]
    deliver_within: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=365))] | None = None
    """How long after its due time a mail may still leave; see `domain.planning.latest_at` for the default."""
