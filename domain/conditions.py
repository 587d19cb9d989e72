"""Conditions of a session that decide at planning whether sends exist (DESIGN 6)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.keys import Title

Label = Annotated[Title, Field(max_length=100, examples=["confirmed"])]
# "all" includes values created later; a list does not (F061). An empty list could never send.
Labels = Literal["all"] | Annotated[list[Label], Field(min_length=1, max_length=100)]


class Conditions(BaseModel):
    """Which sessions a rule concerns.

    Mode and category are the session's for scope `session`, the module's for `module` and `slot` (F062, F063).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: Labels = "all"  # F058
    modes: Labels = "all"  # F059
    categories: Labels = "all"  # F060

    def met(self, *, stage: str | None, mode: str | None, category: str | None) -> bool:
        """Return whether a session, or a module of it, meets them; what has no value is in no list."""
        return _in(stage, self.stages) and _in(mode, self.modes) and _in(category, self.categories)


def _in(value: str | None, wanted: Literal["all"] | list[str]) -> bool:
    return wanted == "all" or value in wanted
