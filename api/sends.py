"""Sends: what is planned, what became of it, and the cancel."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime

from api.house import House, InHouse
from api.problems import Invalid, NotFound, Problem
from domain.keys import Key, PersonKey
from domain.rules import Scope
from domain.sends import Status
from store.sends import Cursor, Kind, Send, cancel_send, find_send, list_sends

router = APIRouter(tags=["sends"])


class SendAnswer(BaseModel):
    """One mail, to one recipient, for one rule and one session, or one module or slot of it."""

    id: UUID
    status: Status
    reason: str | None
    due_at: AwareDatetime
    due_local: NaiveDatetime = Field(description="the wall-clock time meant, in `timezone`")
    timezone: str
    latest_at: AwareDatetime = Field(description="past it the mail expires, never late")
    rule: str
    session: str
    scope: Scope
    module: str | None = Field(description="that it is about, or that its slot belongs to")
    slot: str | None
    recipient: str
    recipient_kind: Kind
    template: str
    attempts: int
    handed_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    reply_code: int | None = Field(description="of the mail server; RFC 5321, 4.2")
    detail: str | None = Field(description="what the mail server wrote, or what the template lacked")
    trace: list[dict[str, object]] = Field(
        description="the steps by which it came to its due time and outcome"
    )


class Sends(BaseModel):
    """A page of sends by due time; `next` is the cursor of the following one."""

    items: list[SendAnswer]
    next: str | None


@router.get("/sends")
async def get_many(
    house: InHouse,
    session: Key | None = None,
    rule: Key | None = None,
    recipient: PersonKey | None = None,
    status: Annotated[list[Status] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Sends:
    """Return sends by due time."""
    async with house.store.transaction() as db:
        found = await list_sends(
            db,
            house.organization.id,
            limit=limit + 1,
            after=None if cursor is None else _read(cursor),
            session=session,
            rule=rule,
            recipient=recipient,
            statuses=status,
        )
    page = found[:limit]
    return Sends(
        items=[_answer(send) for send in page], next=_write(page[-1]) if len(found) > limit else None
    )


@router.get("/sends/{id}")
async def get(id: UUID, house: InHouse) -> SendAnswer:
    """Return one send with its trace."""
    return _answer(await _fetch(house, id))


@router.post("/sends/{id}/cancel")
async def cancel(id: UUID, house: InHouse) -> SendAnswer:
    """Cancel a send; once this answers 200 its mail does not leave (F020). Too late is an honest 409."""
    async with house.store.transaction() as db:
        session = await cancel_send(db, house.organization.id, id)
    send = await _fetch(house, id)
    if session is not None:
        await house.plans.session_changed(house.organization.key, send.session, session)
    elif send.status is not Status.CANCELLED:
        raise _too_late(send)
    return _answer(send)


async def _fetch(house: House, id: UUID) -> Send:
    async with house.store.transaction() as db:
        send = await find_send(db, house.organization.id, id)
    if send is None:
        raise NotFound("send", id)
    return send


def _too_late(send: Send) -> Problem:
    since = send.ended_at or send.handed_at
    when = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    detail = f"This send can no longer be cancelled: it is {send.status}{when}."
    at = since.isoformat() if since else None
    return Problem(409, "too-late", detail, send_status=send.status, at=at)


def _answer(send: Send) -> SendAnswer:
    return SendAnswer(
        id=send.id,
        status=send.status,
        reason=send.reason,
        due_at=send.due_at,
        due_local=send.due_local,
        timezone=send.zone,
        latest_at=send.latest_at,
        rule=send.rule,
        session=send.session,
        scope=send.scope,
        module=send.module,
        slot=send.slot,
        recipient=send.recipient,
        recipient_kind=send.recipient_kind,
        template=send.template,
        attempts=send.attempts,
        handed_at=send.handed_at,
        ended_at=send.ended_at,
        reply_code=send.reply_code,
        detail=send.detail,
        trace=send.trace,
    )


def _write(send: Send) -> str:
    return base64.urlsafe_b64encode(f"{send.due_at.isoformat()} {send.id}".encode()).decode()


def _read(cursor: str) -> Cursor:
    try:
        due_at, id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return Cursor(datetime.fromisoformat(due_at), UUID(id))
    except (ValueError, binascii.Error):
        raise Invalid(
            ("cursor", "Take `next` of an earlier answer as it is, or leave the cursor out.")
        ) from None
