"""What a person does to a send, each as one conditional update of its row."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Decision
from store.send_decisions import cancel_send, reactivate_send, resolve_send, send_now
from web.planned import Act

SETTLING = {
    Act.ARRIVED: Decision.ARRIVED,
    Act.SEND_AGAIN: Decision.SEND_AGAIN,
    Act.DROP: Decision.DROP,
}


async def do(
    db: AsyncConnection, organization: UUID, send: UUID, act: Act, by: str | None = None
) -> UUID | None:
    """Return the session of the send, to be planned after the commit; None where the row stood elsewhere.

    `by` is the name of the token of whoever signed in.
    """
    if act in SETTLING:
        return await resolve_send(db, organization, send, SETTLING[act], by=by)
    if act is Act.SEND_NOW:
        sent = await send_now(db, organization, send, by=by)
        return sent.session if sent else None
    change = cancel_send if act is Act.CANCEL else reactivate_send
    return await change(db, organization, send, by=by)
