"""A rule: who gets which template, when, under which conditions (DESIGN 6)."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from domain.anchors import Anchor
from domain.conditions import Conditions
from domain.keys import Key, Title
from domain.participations import Role
from domain.timing import Offset
from domain.triggers import DateTrigger
from domain.windows import Window


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
    MANAGER = "manager"  # of the person
    SESSION_MANAGER = "session_manager"


class ToRole(StrEnum):
    """Who is written to in the place of the person or company that a mail is about (F056)."""

    COMPANY_CONTACT = "company_contact"
    MANAGER = "manager"  # of the person
    SESSION_MANAGER = "session_manager"


# A copy to a fixed address; the API checks it as strictly as every address.
FixedAddress = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)]


class SendWithin(BaseModel):
    """A mail that is planned after its due time still leaves, when it is not later than this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    send_within: Patience


class Sender(BaseModel):
    """Whom a mail is from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: FixedAddress = Field(examples=["training@example.org"])
    name: Title | None = Field(default=None, max_length=200, examples=["Example Training"])


class Until(StrEnum):
    """What ends a series before its time, looked at when each of its mails is to leave."""

    COMPLETED = "completed"
    ANSWERED = "answered"  # the questionnaire of the template


class Escalation(BaseModel):
    """One last mail, to somebody else, when a series is over and has not had its effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: ToRole = ToRole.MANAGER
    template: Key | None = Field(default=None, description="the rule's own where absent")


class Repeat(BaseModel):
    """A rule that writes again and again (F110, L12, L17): `{"every": "P7D", "until": "completed", "at_most": 4}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Offset
    until: Until | None = None
    at_most: int = Field(strict=True, ge=1, le=100, description="so many mails that were sent")
    then: Escalation | None = None

    @field_validator("every")
    @classmethod
    def _ahead(cls, every: Offset) -> Offset:
        if every.months < 0 or every.days < 0 or every.exact < timedelta(0) or every == Offset():
            raise ValueError("a series goes on: write a positive duration, such as P7D")
        if not (every.months or every.days) and every.exact < timedelta(hours=1):
            raise ValueError("an hour at the least lies between two mails of a series: write PT1H or more")
        return every


class Correction(BaseModel):
    """A mail to whoever was told a date that is no longer true."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: Key


_OF_SESSION = frozenset({Anchor.SESSION_START, Anchor.SESSION_END, Anchor.DATE})
_OF_MODULE = _OF_SESSION | {Anchor.MODULE_START, Anchor.MODULE_END}

# The anchors that each scope knows; `date` is everybody's.
_ANCHORS = {
    Scope.SESSION: _OF_SESSION | {anchor for anchor in Anchor if anchor.is_own},
    Scope.MODULE: _OF_MODULE,
    Scope.SLOT: _OF_MODULE | {Anchor.SLOT_START, Anchor.SLOT_END},
}

# A trainer has slots, and neither dates nor facts of their own (F011).
_OF_TRAINERS = frozenset({Anchor.FIRST_SYNCHRONOUS_SLOT, Anchor.LAST_SYNCHRONOUS_SLOT})


class RuleDefinition(BaseModel):
    """What a rule says, apart from its id, its template and whether it is active."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Audience = Audience.PARTICIPANTS
    scope: Scope = Scope.SESSION
    trigger: DateTrigger
    conditions: Conditions = Conditions()
    centers: Literal["all"] | Annotated[list[Key], Field(min_length=1, max_length=100)] = "all"
    """Whose sessions it concerns (F045)."""
    existing_sessions: bool = True
    """Whether it concerns sessions that were there before it was activated (C1)."""
    to: ToRole | None = None
    cc: Annotated[list[CcRole | FixedAddress], Field(max_length=20)] = []
    sender: Sender | None = None
    """None: the center's, else the organization's (F076, L14)."""
    reply_to: FixedAddress | None = None
    allow_resend: bool | None = None
    """Whether to write to whoever has the template already; None: as the template says (F084, L13)."""
    late: Literal["skip"] | SendWithin = "skip"
    """What becomes of a mail whose due time is past when it is first planned (C3, L11)."""
    catch_up: bool = False
    """Whether whoever joins late gets what was due before, at once (C5, L04)."""
    deliver_within: Patience | None = None
    """How long after its due time a mail may still leave; see `domain.planning.latest_at` for the default."""
    zone: Literal["session", "recipient"] = "session"
    """Whose clocks its times are read from."""
    window: Window | None = None
    repeat: Repeat | None = None
    correction: Correction | None = None
    """What to write to whoever was told a date that has changed since."""

    @field_validator("trigger")
    @classmethod
    def _its_scope_has_the_anchor(cls, trigger: DateTrigger, info: ValidationInfo) -> DateTrigger:
        scope, anchor, audience = info.data.get("scope"), trigger.anchor, info.data.get("audience")
        if scope is not None and anchor not in _ANCHORS[scope]:
            raise ValueError(_no_such_anchor(scope, anchor))
        if audience is Audience.TRAINERS and anchor.is_own and anchor not in _OF_TRAINERS:
            raise ValueError(
                f"a trainer has no {anchor}: anchor it to session.start or session.end, or write to participants"
            )
        return trigger

    @field_validator("conditions")
    @classmethod
    def _its_audience_has_them(cls, conditions: Conditions, info: ValidationInfo) -> Conditions:
        if info.data.get("audience") is Audience.TRAINERS and conditions.of_participants:
            raise ValueError(
                "attendance, completion and statuses are those of participants: a rule for trainers has none"
            )
        return conditions

    @property
    def still_worth(self) -> timedelta:
        """How long after its due time a mail may still be planned."""
        return timedelta(0) if self.late == "skip" else self.late.send_within

    @property
    def other_templates(self) -> list[str]:
        """The templates it uses besides its own, by their callers' ids."""
        last = self.repeat.then if self.repeat else None
        named = (last.template if last else None, self.correction.template if self.correction else None)
        return [template for template in named if template is not None]


def _no_such_anchor(scope: Scope, anchor: Anchor) -> str:
    home = "session" if anchor.is_own else anchor.partition(".")[0]
    return (
        f"a rule of scope `{scope}` has no {anchor}: anchor it to session.start or session.end, "
        f"or give it the scope `{home}`"
    )
