"""Write the letter of one send: the recipient's template, filled with what is true now."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from activities.recipients import copies, find_addressee
from domain.identity import message_id
from domain.mail_facts import Addressee, MailFacts, PlaceFacts
from domain.participations import Role
from domain.sends import Reason, Status
from domain.zones import find_zone
from mail.compose import Mailbox, Message, compose
from mail.templates import Rendered, RenderFailed, Voice, render
from store.delivery import Fenced


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready for the wire, and what must still be true when it leaves."""

    organization: UUID
    message: Message
    fenced: Fenced


class NoLetterError(Exception):
    """This send ends without a mail; `detail` tells the template's author what it lacked, and holds no data."""

    def __init__(self, status: Status, reason: Reason, detail: str | None = None) -> None:
        super().__init__(status, reason)
        self.status, self.reason, self.detail = status, reason, detail


def write_letter(send: UUID, facts: MailFacts) -> Letter:
    """Return the letter; raise `NoLetterError` when its recipient is not to get one, or it cannot be written."""
    if facts.received and not facts.allow_resend:
        raise NoLetterError(Status.SKIPPED, Reason.ALREADY_RECEIVED)
    addressee, to = _addressee(facts)
    texts = _render(facts, addressee, to)
    try:
        sender = Mailbox(facts.sender_address, facts.sender_name)
        id = facts.message_id or message_id(send, sender.address.rpartition("@")[2])
        message = compose(
            sender=sender,
            to=to,
            cc=copies(facts, to),
            subject=texts.subject,
            html=texts.html,
            text=texts.text,
            message_id=id,
            date=facts.now,
        )
    except ValueError as error:
        raise NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, f"the sender: {error}") from None
    return Letter(facts.organization, message, _fenced(facts, to.address, id))


def _addressee(facts: MailFacts) -> tuple[Addressee, Mailbox]:
    found = find_addressee(facts.to)
    if found is None:
        raise NoLetterError(Status.SKIPPED, Reason.NO_ADDRESS)
    if found[0].suppressed:
        raise NoLetterError(Status.SKIPPED, Reason.SUPPRESSED)
    return found


def _render(facts: MailFacts, addressee: Addressee, to: Mailbox) -> Rendered:
    voice = Voice(addressee.language or facts.language, find_zone(facts.zone))
    context = {
        "recipient": {
            "first_name": addressee.first_name,
            "last_name": addressee.last_name,
            "email": to.address,
        },
        **_about(facts),
        "organization": {"name": facts.organization_name},
        "today": facts.now.astimezone(voice.zone).date(),
    }
    try:
        return render(facts.subject, facts.html, facts.text, context, voice=voice)
    except RenderFailed as failure:
        raise NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, str(failure)) from None


def _about(facts: MailFacts) -> dict[str, Any]:
    """Return the tags of what the mail is about, as `mail.tags` documents them."""
    about: dict[str, Any] = {"session": asdict(facts.session)}
    if facts.slot is not None:
        about["slot"] = asdict(facts.slot)
        about["module"] = asdict(facts.module or PlaceFacts("", None, None, None))
    elif facts.module is not None:
        about["module"] = asdict(facts.module)
    if facts.role is not Role.TRAINER:
        about["company"] = {"name": facts.company.name if facts.company else ""}
    if facts.role is not Role.PARTICIPANT:
        about["participants"] = [asdict(one) for one in facts.attendees]
    return about


def _fenced(facts: MailFacts, address: str, id: str) -> Fenced:
    return Fenced(
        people=facts.people,
        companies=facts.companies,
        template=facts.template,
        scope=facts.scope,
        recipient=facts.recipient,
        address_digest=hashlib.sha256(address.lower().encode()).hexdigest(),
        allow_resend=facts.allow_resend,
        message_id=id,
    )
