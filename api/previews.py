"""A mail as it would leave now; nothing is written, and nothing leaves."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from activities.previews import Obstacle, Preview, preview_letter
from api.house import InHouse
from api.problems import NotFound
from domain.sends import Reason, Status
from mail.compose import Mailbox
from store.mail_facts import fetch_mail_facts
from store.sends import Send, find_send

router = APIRouter(tags=["sends"])

# Somebody, or planning, has said that it does not leave.
_STOPPED = frozenset({Status.CANCELLED, Status.REMOVED})


class MailboxAnswer(BaseModel):
    """An address, and the name shown with it."""

    address: str = Field(examples=["ada@example.org"])
    name: str = Field(examples=["Ada Byron"])

    @classmethod
    def of(cls, mailbox: Mailbox) -> Self:
        return cls(address=mailbox.address, name=mailbox.name)


class Hindrance(BaseModel):
    """Why the mail would not leave."""

    reason: Reason = Field(examples=["template_failed"])
    detail: str | None = Field(
        description="what its template or sender lacks",
        examples=["text, line 3: session.data.link has no value"],
    )


class PreviewAnswer(BaseModel):
    """A mail, as far as it can be written; without `problems` it would leave so."""

    subject: str | None = Field(examples=["Managing a project: see you soon"])
    sender: MailboxAnswer | None = Field(serialization_alias="from")
    reply_to: MailboxAnswer | None = Field(description="null: the sender", examples=[None])
    to: MailboxAnswer | None
    cc: list[MailboxAnswer]
    html: str | None = Field(examples=["<p>Hello Ada</p>"])
    text: str | None = Field(examples=["Hello Ada"])
    problems: list[Hindrance] = Field(examples=[[]])


@router.get("/sends/{id}/preview")
async def preview(id: UUID, house: InHouse) -> PreviewAnswer:
    """Return the mail as it would leave now, written as delivery writes it, and what would stop it."""
    async with house.store.transaction() as db:
        send = await find_send(db, house.organization.id, id)
        if send is None:
            raise NotFound("send", id)
        facts = await fetch_mail_facts(db, id)
    return answer(preview_letter(facts), stopped_by(send))


def stopped_by(send: Send) -> list[Obstacle]:
    """Return why it does not leave, whatever its words."""
    if send.status in _STOPPED and send.reason is not None:
        return [Obstacle(Reason(send.reason))]
    return []


def answer(preview: Preview, more: list[Obstacle]) -> PreviewAnswer:
    texts = preview.texts
    return PreviewAnswer(
        subject=texts and texts.subject,
        sender=preview.sender and MailboxAnswer.of(preview.sender),
        reply_to=preview.reply_to and MailboxAnswer.of(preview.reply_to),
        to=preview.to and MailboxAnswer.of(preview.to),
        cc=[MailboxAnswer.of(one) for one in preview.cc],
        html=texts and texts.html,
        text=texts and texts.text,
        problems=[Hindrance(reason=one.reason, detail=one.detail) for one in [*more, *preview.obstacles]],
    )
