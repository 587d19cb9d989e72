"""A person as the CRM knows them: whoever writes one, through the API or from a file, is held to the same."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.keys import Line, SourceVersion
from mail.addresses import check_address

Address = Annotated[str, AfterValidator(check_address), Field(examples=["claire.martin@example.org"])]
Language = Literal["en", "fr"]
Name = Annotated[Line, Field(max_length=200)]


class PersonBody(BaseModel):
    """A person as the CRM knows them."""

    model_config = ConfigDict(extra="forbid")

    email: Address | None = None
    first_name: Name = ""
    last_name: Name = ""
    language: Language | None = None
    source_version: SourceVersion | None = Field(
        default=None, description="as its own system counts; a PUT with an older one is ignored"
    )
