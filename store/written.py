"""What became of many rows that were written together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Written:
    """What became of sessions, people or companies, by their callers' own ids."""

    ids: Mapping[str, UUID]  # internal
    changed: frozenset[str]  # made, brought back, or not as they were
    ignored: frozenset[str]  # they stay as they were: what stands there has a newer `source_version`
    # Of people who went to another time zone: the sessions where their mails are to be planned anew.
    moved: Mapping[str, UUID] = field(default_factory=dict)


# PostgreSQL would remember how it found rows when this connection first asked, which may be when there were few.
_LOOK_ANEW = text("set local plan_cache_mode = force_custom_plan")


async def look_anew(db: AsyncConnection) -> None:
    """Have the statements of this transaction planned for the rows they are given, which may be one or thousands."""
    await db.execute(_LOOK_ANEW)
