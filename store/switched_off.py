"""Who has said that mails are not to leave any more: written down in what waits, which planning is still to withdraw."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Reason
from store.locks import rehearses

# The row stays as it is, and nobody need know: claims and fences go by the facts that were changed with it.
_NOTE = text("""
    with locked as (
        select id from sends
        where session_id = :session and rule_id = any(cast(:rules as uuid[]))
          and status in ('scheduled', 'claimed', 'handing_over')
        order by id for no key update
    )
    update sends
    set trace = trace || jsonb_build_array(
            jsonb_build_object('at', relance_now(), 'step', cast(:reason as text), 'by', cast(:by as text)))
    from locked where sends.id = locked.id
""")


async def note_who(
    db: AsyncConnection, session: UUID, rules: Collection[UUID], reason: Reason, by: str | None
) -> None:
    """Have the mails of these rules for a session that wait tell who has called them back, for what reason.

    The last that the transaction writes (`store.locks`). Nothing where that is not known, and in a rehearsal.
    """
    if by is not None and rules and not rehearses(db):
        await db.execute(_NOTE, {"session": session, "rules": list(rules), "reason": reason, "by": by})
