"""A person as the CRM knows them: whoever writes one, through the API or from a file, is held to the same."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.keys import Line, PersonKey, SourceVersion
from domain.zones import ZoneName
from mail.addresses import check_address

Address = Annotated[str, AfterValidator(check_address), Field(examples=["claire.martin@example.org"])]
Language = Literal["en", "fr"]
Name = Annotated[
    Line, Field(max_length=200, description="without the blanks around it"), AfterValidator(str.strip)
]


class PersonBody(BaseModel):
    """A person as the CRM knows them."""

    model_config = ConfigDict(extra="forbid")

    email: Address | None = None
    first_name: Name = ""
    last_name: Name = ""
    language: Language | None = None
    timezone: ZoneName | None = Field(
        default=None,
        description="whose clocks a rule with `zone: recipient` goes by; null: the organization's",
    )
    manager: PersonKey | None = Field(
        default=None,
        description="a person: who is written to, or gets a copy, where a rule says `manager`",
    )
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )

    @property
    def said(self) -> dict[str, Any]:
        """What it says of the person, in the words of `store.people.Details`."""
        return {**self.model_dump(exclude={"id", "timezone"}), "zone": self.timezone}
