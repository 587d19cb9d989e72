"""Rules of one session as callers write and read them."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from api.cursors import Page
from api.rule_bodies import RuleBody
from api.waiting import Followed
from domain.rules import RuleDefinition
from domain.sends import Reason
from domain.session_rules import OverrideBody

# Blanks keep them out of the names of fields that problems tell.
_OVERRIDE, _OWN = "an override", "a rule of its own"


class OwnRuleBody(RuleBody):
    """A rule of one session only; on, unless it says otherwise."""

    active: bool = Field(default=True, strict=True, examples=[True])


_ONLY_OF_OWN = OwnRuleBody.model_fields.keys() - OverrideBody.model_fields.keys()


def _kind(value: object) -> str:
    said = value.keys() if isinstance(value, dict) else ()
    return _OWN if isinstance(value, OwnRuleBody) or _ONLY_OF_OWN & set(said) else _OVERRIDE


SessionRuleBody = Annotated[
    Annotated[OverrideBody, Tag(_OVERRIDE)] | Annotated[OwnRuleBody, Tag(_OWN)], Discriminator(_kind)
]


class SessionRuleAnswer(RuleDefinition):
    """A rule as one session has it: with its override."""

    id: str
    name: str
    template: str
    own: bool = Field(description="a rule of this session only")
    active: bool = Field(description="the rule itself is switched on")
    on: bool = Field(description="its mails are planned here")
    reason: Reason | None = Field(description="why they are not, where that is so")
    override: OverrideBody | None = Field(description="what this session says of it; null: nothing")


class SessionRuleWritten(SessionRuleAnswer, Followed):
    """A rule as one session has it, after a write."""


class SessionRules(Page[SessionRuleAnswer]):
    """A page of the rules of a session by id."""
