"""What one session says of a rule that is everybody's: a switch, another time, another template (F014, F071)."""

from pydantic import BaseModel, ConfigDict, Field

from domain.keys import Key
from domain.overrides import times
from domain.timing import Offset
from domain.triggers import DateTrigger, WallTime


class OverrideBody(BaseModel):
    """What a session says of a rule; what is left out, or null, is as the rule says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: bool | None = Field(
        default=None,
        strict=True,
        description="false: nothing leaves here; true: also where the rule leaves older sessions alone",
        examples=[False],
    )
    offset: Offset | None = Field(
        default=None,
        description="in hours or minutes it counts from the anchor, whatever time of day the rule says",
        examples=["-P5D"],
    )
    at: WallTime | None = None
    template: Key | None = Field(default=None, examples=["convocation"])

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing but, at most, a switch."""
        return (self.offset, self.at, self.template) == (None, None, None)

    @property
    def says_nothing(self) -> bool:
        return self.active is None and self.is_bare


def retimed(trigger: DateTrigger, override: OverrideBody) -> DateTrigger:
    """Return a trigger with the times of an override; raise ValueError where the two do not go together."""
    says = {name: getattr(trigger, name) for name in DateTrigger.model_fields}
    return DateTrigger(**{**says, **times(override.offset, override.at)})
