"""Rules as callers write and read them."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.cursors import Page
from api.waiting import TooLate
from domain.keys import Key, Title
from domain.rules import CcRole, FixedAddress, RuleDefinition, Sender
from mail.addresses import check_address


def _copy(value: object) -> object:
    if not isinstance(value, str) or value in set(CcRole):
        return value
    if "@" not in value:
        raise ValueError(f"neither an address nor one of {', '.join(CcRole)}")
    return check_address(value)


def _address(value: object) -> object:
    return check_address(value) if isinstance(value, str) else value


Copy = Annotated[CcRole | FixedAddress, BeforeValidator(_copy)]
Address = Annotated[FixedAddress, BeforeValidator(_address)]


class SenderBody(Sender):
    """Whom a mail is from."""

    address: Address = Field(examples=["training@example.org"])


class RuleBody(RuleDefinition):
    """A rule: who gets which template, when."""

    cc: list[Copy] = Field(default=[], max_length=20, examples=[["company_contact"]])
    sender: SenderBody | None = None
    reply_to: Address | None = None
    name: Title = Field(max_length=200, examples=["Convocation J-7"])
    template: Key = Field(examples=["convocation"])

    def definition(self) -> RuleDefinition:
        """Return what it says, apart from its name and template."""
        says = {name: getattr(self, name) for name in RuleDefinition.model_fields}
        return RuleDefinition(**{**says, "sender": self.sender and Sender(**dict(self.sender))})


class NewRuleBody(RuleBody):
    """A rule under the id its maker chose."""

    id: Key


class RuleAnswer(RuleDefinition):
    """A rule as it stands; `rolled_out` says whether every session already follows it."""

    id: str
    name: str
    template: str
    active: bool
    memory: int = Field(
        description="a new one, of `contact-again`, forgets whom it has written to", examples=[1]
    )
    version: int
    rolled_out: bool


class RuleWritten(RuleAnswer, TooLate):
    """A rule as it stands after a write."""


class Rules(Page[RuleAnswer]):
    """A page of rules by id."""
