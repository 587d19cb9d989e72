"""The order in which rows are locked, everywhere, so that no two transactions ever wait for each other.

Session, rule, participation, person, receipt, send; sends among themselves by id. Planning, which locks no rule but
in share mode, may do that first.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# A statement of its own: as a part of the update that follows, PostgreSQL's generic plan joins each row with each.
_SENDS = text("""
    select count(*) from (
        select id from sends where id = any(cast(:ids as uuid[])) order by id for no key update
    ) as locked
""")


async def lock_sends(db: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Lock the rows that are about to be written together."""
    await db.execute(_SENDS, {"ids": list(ids)})
