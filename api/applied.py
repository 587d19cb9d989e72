"""What an answer to a write says of the write itself."""

from pydantic import BaseModel, Field


class Applied(BaseModel):
    """What became of a write."""

    applied: bool = Field(
        description="false: what stands here has a newer `source_version`, and stays", examples=[True]
    )
    exists: bool = Field(
        default=True,
        description="false, where it was not applied, of what was deleted or removed since",
        examples=[True],
    )


def is_applied(said: int | None, stands: int | None) -> bool:
    """Return whether a write was heeded, by its own `source_version` and the one that stands there now."""
    return said is None or said == stands
