"""Sends: what is planned, what became of it, and the mail as it would leave."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NaiveDatetime,
    ValidationInfo,
    field_validator,
)

from api.cursors import Page, cut, read
from api.house import House, InHouse
from api.problems import NotFound
from domain.keys import Instant, Key, Line, PersonKey
from domain.occurrences import Occurrence
from domain.rules import Scope
from domain.sends import Reason, Status
from store.send_filters import SendFilter, SendOrigin
from store.sends import Cursor, Kind, Send, find_send, list_sends

router = APIRouter(tags=["sends"])

Words = Annotated[Line, Field(min_length=1, max_length=200)]


class SendAnswer(BaseModel):
    """One mail, to one recipient, for one rule and one session, or one module or slot of it."""

    id: UUID = Field(examples=["0c2cf422-0b1c-5d4e-8a5d-2c4ef581a5f9"])
    status: Status = Field(examples=["scheduled"])
    reason: str | None = Field(description="why it stands there, where that is not plain", examples=[None])
    due_at: AwareDatetime = Field(examples=["2027-01-18T08:00:00Z"])
    due_local: NaiveDatetime = Field(
        description="the wall-clock time meant, in `timezone`", examples=["2027-01-18T09:00:00"]
    )
    timezone: str = Field(examples=["Europe/Paris"])
    latest_at: AwareDatetime = Field(
        description="past it the mail expires, never late", examples=["2027-01-25T08:00:00Z"]
    )
    rule: str = Field(examples=["convocation-j7"])
    session: str = Field(examples=["S-2026-041"])
    center: str | None = Field(description="of the session", examples=["lyon"])
    room: str | None = Field(description="of what it is about", examples=["B 204"])
    scope: Scope = Field(examples=["session"])
    module: str | None = Field(description="that it is about, or that its slot belongs to", examples=[None])
    slot: str | None = Field(examples=[None])
    recipient: str = Field(examples=["p-104"])
    recipient_kind: Kind = Field(examples=["person"])
    company: str | None = Field(description="the recipient, or the one it comes from", examples=["c-12"])
    participants: list[str] | None = Field(
        description="whom a company's mail is about, where that may be only some of its participants; else null",
        examples=[None],
    )
    occurrence: str = Field(
        description="which of the mails of its rule: the number in a series, `last`, or `correction`",
        examples=["1"],
    )
    template: str = Field(examples=["convocation"])
    attempts: int = Field(examples=[0])
    handed_at: AwareDatetime | None = Field(examples=[None])
    ended_at: AwareDatetime | None = Field(examples=[None])
    reply_code: int | None = Field(description="of the mail server; RFC 5321, 4.2", examples=[None])
    detail: str | None = Field(
        description="what the mail server wrote, or what the template lacked", examples=[None]
    )
    trace: list[dict[str, object]] = Field(
        description="the steps by which it came to its due time and outcome; "
        "`by` is the name of the token of whoever decided, where one was shown",
        examples=[[{"at": "2026-11-21T10:00:00Z", "step": "scheduled", "due_at": "2027-01-18T08:00:00Z"}]],
    )


class Sends(Page[SendAnswer]):
    """A page of sends by due time."""


class SendQuery(BaseModel):
    """Which sends are asked for: all filters narrow the list together."""

    model_config = ConfigDict(extra="forbid")

    session: Key | None = Field(default=None, examples=["S-2026-041"])
    rule: Key | None = None
    template: Key | None = Field(default=None, examples=["convocation"])
    recipient: PersonKey | None = Field(default=None, description="the id of a person or company")
    recipient_text: Words | None = Field(
        default=None, description="a part of a recipient's name, id or address", examples=["martin"]
    )
    company: PersonKey | None = Field(
        default=None, description="the recipient, or the one it comes from", examples=["c-12"]
    )
    center: Words | None = Field(default=None, description="of the session", examples=["lyon"])
    room: Words | None = Field(
        default=None,
        description="of what the mail is about; the session's where a module or slot has none",
        examples=["B 204"],
    )
    status: list[Status] | None = Field(default=None, description="one of these", examples=[["scheduled"]])
    reason: list[Reason] | None = Field(default=None, description="one of these", examples=[["too_late"]])
    kind: SendOrigin | None = Field(default=None, description="how it came to be", examples=["automatic"])
    due_from: Instant | None = Field(
        default=None, description="due then or later", examples=["2027-01-18T00:00:00+01:00"]
    )
    due_to: Instant | None = Field(
        default=None, description="due before", examples=["2027-01-19T00:00:00+01:00"]
    )
    subject: Words | None = Field(
        default=None,
        description="a part of the template's subject as it was saved, tags and all, whatever the capitals: "
        "not of the subject of one mail, so the name of a session is not found",
        examples=["see you soon"],
    )
    limit: int = Field(default=100, ge=1, le=1000, description="items of a page")
    cursor: str | None = Field(
        default=None, description="`next` of the page before, as it is", examples=[None]
    )

    @field_validator("due_to")
    @classmethod
    def _in_order(cls, due_to: datetime | None, info: ValidationInfo) -> datetime | None:
        due_from = info.data.get("due_from")
        if due_to and due_from and due_to < due_from:
            raise ValueError("due_to lies before due_from: swap them, or leave one out")
        return due_to

    def filter(self) -> SendFilter:
        named = self.model_dump(exclude={"status", "reason", "limit", "cursor"})
        return SendFilter(
            **named,
            statuses=None if self.status is None else frozenset(self.status),
            reasons=None if self.reason is None else frozenset(self.reason),
        )


@router.get("/sends")
async def get_many(asked: Annotated[SendQuery, Query()], house: InHouse) -> Sends:
    """Return sends by due time."""
    place = read(asked.cursor, datetime, UUID)
    async with house.store.transaction() as db:
        found = await list_sends(
            db,
            house.organization.id,
            asked.filter(),
            limit=asked.limit + 1,
            after=None if place is None else Cursor(*place),
        )
    page, next = cut(found, asked.limit, lambda send: (send.due_at, send.id))
    return Sends(items=[answer(send) for send in page], next=next)


@router.get("/sends/{id}")
async def get(id: UUID, house: InHouse) -> SendAnswer:
    """Return one send with its trace."""
    return answer(await fetch(house, id))


async def fetch(house: House, id: UUID) -> Send:
    async with house.store.transaction() as db:
        send = await find_send(db, house.organization.id, id)
    if send is None:
        raise NotFound("send", id)
    return send


def answer(send: Send) -> SendAnswer:
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
        center=send.center,
        room=send.room,
        scope=send.scope,
        module=send.module,
        slot=send.slot,
        recipient=send.recipient,
        recipient_kind=send.recipient_kind,
        company=send.company,
        participants=send.participants,
        occurrence=Occurrence.parse(send.occurrence).kind,
        template=send.template,
        attempts=send.attempts,
        handed_at=send.handed_at,
        ended_at=send.ended_at,
        reply_code=send.reply_code,
        detail=send.detail,
        trace=send.trace,
    )
