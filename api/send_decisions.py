"""What people decide about one send: cancel, reactivate, send now, settle a doubt. Too late is an honest 409."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.callers import InCaller
from api.house import House, InHouse
from api.problems import Problem
from api.sends import SendAnswer, answer, fetch
from domain.sends import Decision, Reason, Status
from store.send_decisions import cancel_send, reactivate_send, resolve_send, send_now
from store.sends import Send

router = APIRouter(tags=["sends"])


class SentNow(SendAnswer):
    """A send that leaves as soon as planning has looked at it."""

    stopped_by: Literal[Reason.ALREADY_RECEIVED] | None = Field(
        description="it will be skipped: its recipient has this mail, and the template does not allow a second one",
        examples=[None],
    )


class Resolution(BaseModel):
    """What became of a mail that may have arrived, or is to become of it."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision = Field(
        description="`arrived`; `send_again`, under the same Message-ID; `drop`: leave it at that",
        examples=["arrived"],
    )


@router.post("/sends/{id}/cancel")
async def cancel(id: UUID, house: InHouse, caller: InCaller) -> SendAnswer:
    """Cancel a send; once this answers 200 its mail does not leave (F020). Too late is an honest 409."""
    async with house.store.transaction() as db:
        session = await cancel_send(db, house.organization.id, id, by=caller.name)
    send = await _told(house, id, session)
    if session is None and send.status is not Status.CANCELLED:
        raise _too_late("too-late", f"This send can no longer be cancelled: it is {_since(send)}.", send)
    return answer(send)


@router.post("/sends/{id}/reactivate")
async def reactivate(id: UUID, house: InHouse, caller: InCaller) -> SendAnswer:
    """Take a cancellation back; planning decides: the send waits again, or is missed where it was due meanwhile."""
    async with house.store.transaction() as db:
        session = await reactivate_send(db, house.organization.id, id, by=caller.name)
    send = await _told(house, id, session)
    if session is None:
        raise _too_late(
            "not-cancelled", f"Only a cancelled send is reactivated: this one is {_since(send)}.", send
        )
    return answer(send)


# Where a send cannot leave by hand, and what to do about it.
_CURES = {
    Status.CANCELLED: "reactivate it first",
    Status.REMOVED: "it is no longer wanted, and comes back by itself when it is",
    Status.IN_DOUBT: "it may have arrived; resolve it first",
    Status.CLAIMED: "it is leaving now",
    Status.HANDING_OVER: "it is leaving now",
    Status.SENT: "it has left",
}


@router.post("/sends/{id}/send-now", name="send_now")
async def post_now(id: UUID, house: InHouse, caller: InCaller) -> SentNow:
    """Have a send leave now, whatever its due time; also one that failed, expired, was skipped or missed.

    It leaves once planning has seen that it is still wanted; else it is removed, with the reason.
    """
    async with house.store.transaction() as db:
        sent = await send_now(db, house.organization.id, id, by=caller.name)
    send = await _told(house, id, sent.session if sent else None)
    if sent is None:
        cure = _CURES.get(send.status, "it was leaving just now; ask again")
        raise _too_late("not-to-be-sent", f"This send is {_since(send)}: {cure}.", send)
    stopped_by = Reason.ALREADY_RECEIVED if sent.received else None
    return SentNow(**answer(send).model_dump(), stopped_by=stopped_by)


@router.post("/sends/{id}/resolve")
async def resolve(id: UUID, body: Resolution, house: InHouse, caller: InCaller) -> SendAnswer:
    """Settle the doubt about a mail that was handed over and never answered for (DESIGN 8)."""
    async with house.store.transaction() as db:
        session = await resolve_send(db, house.organization.id, id, body.decision, by=caller.name)
    send = await _told(house, id, session)
    if session is None:
        raise _too_late("not-in-doubt", f"There is no doubt about this send: it is {_since(send)}.", send)
    return answer(send)


async def _told(house: House, id: UUID, session: UUID | None) -> Send:
    """Return a send as it stands, its workflow told of what was just committed."""
    send = await fetch(house, id)
    if session is not None:
        await house.plans.session_changed(house.organization.key, send.session, session)
    return send


def _since(send: Send) -> str:
    since = send.ended_at or send.handed_at
    return f"{send.status} since {since:%Y-%m-%d %H:%M:%S} UTC" if since else send.status


def _too_late(kind: str, detail: str, send: Send) -> Problem:
    since = send.ended_at or send.handed_at
    return Problem(409, kind, detail, send_status=send.status, at=since.isoformat() if since else None)
