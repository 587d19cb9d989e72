"""A rule: who gets which template, when, under which conditions (DESIGN 6)."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from domain.anchors import Anchor
from domain.conditions import Conditions
from domain.participations import Role
from domain.triggers import DateTrigger


def _written(duration: object) -> object:
    if not isinstance(duration, timedelta) and not (isinstance(duration, str) and duration.startswith("P")):
        raise ValueError('a duration is text such as "P1D" or "PT2H" (ISO 8601)')
    return duration


Patience = Annotated[timedelta, BeforeValidator(_written), Field(gt=timedelta(0), le=timedelta(days=365))]


class Audience(StrEnum):
    """Whom a rule writes to (F002, F040)."""

    PARTICIPANTS = "participants"
    TRAINERS = "trainers"
    COMPANIES = "companies"

    @property
    def role(self) -> Role:
        return _ROLES[self]


_ROLES = {
    Audience.PARTICIPANTS: Role.PARTICIPANT,
    Audience.TRAINERS: Role.TRAINER,
    Audience.COMPANIES: Role.COMPANY,
}


class Scope(StrEnum):
    """What a rule writes about: one mail for the session, or one for each of its modules or slots (F049)."""

    SESSION = "session"
    MODULE = "module"
    SLOT = "slot"


class CcRole(StrEnum):
    """Who else gets a copy, found when the mail leaves (F055)."""

    COMPANY_CONTACT = "company_contact"
    TRAINERS = "trainers"


# A copy to a fixed address; the API checks it as strictly as every address.
FixedAddress = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)]


class SendWithin(BaseModel):
    """A mail that is planned after its due time still leaves, when it is not later than this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    send_within: Patience


# The anchors that each scope knows; `date` is everybody's.
_ANCHORS = {
    Scope.SESSION: frozenset({Anchor.SESSION_START, Anchor.SESSION_END, Anchor.DATE}),
    Scope.MODULE: frozenset(
        {Anchor.SESSION_START, Anchor.SESSION_END, Anchor.MODULE_START, Anchor.MODULE_END, Anchor.DATE}
    ),
    Scope.SLOT: frozenset(Anchor),
}


class RuleDefinition(BaseModel):
    """What a rule says, apart from its id, its template and whether it is active."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Audience = Audience.PARTICIPANTS
    scope: Scope = Scope.SESSION
    trigger: DateTrigger
    conditions: Conditions = Conditions()
    cc: Annotated[list[CcRole | FixedAddress], Field(max_length=20)] = []
    late: Literal["skip"] | SendWithin = "skip"
    """What becomes of a mail whose due time is past when it is first planned (C3, L11)."""
    deliver_within: Patience | None = None
    """How long after its due time a mail may still leave; see `domain.planning.latest_at` for the default."""

    @field_validator("trigger")
    @classmethod
    def _its_scope_has_the_anchor(cls, trigger: DateTrigger, info: ValidationInfo) -> DateTrigger:
        scope, anchor = info.data.get("scope"), trigger.anchor
        if scope is not None and anchor not in _ANCHORS[scope]:
            raise ValueError(
                f"a rule of scope `{scope}` has no {anchor}: anchor it to session.start or session.end, "
                f"or give it the scope `{anchor.partition('.')[0]}`"
            )
        return trigger

    @property
    def still_worth(self) -> timedelta:
        """How long after its due time a mail may still be planned."""
        return timedelta(0) if self.late == "skip" else self.late.send_within
