"""Write the letter of one send: the recipient's template, filled with what is true now."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from domain.identity import message_id
from domain.sends import Reason, Status
from domain.zones import find_zone
from mail.compose import Mailbox, Message, compose
from mail.templates import Rendered, RenderFailed, Voice, render
from store.delivery import Fenced
from store.mail_facts import MailFacts


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready for the wire, and what must still be true when it leaves."""

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
    to = _recipient(facts)
    texts = _render(facts)
    try:
        sender = Mailbox(facts.sender_address, facts.sender_name)
        id = facts.message_id or message_id(send, sender.address.rpartition("@")[2])
        message = compose(
            sender=sender,
            to=to,
            subject=texts.subject,
            html=texts.html,
            text=texts.text,
            message_id=id,
            date=facts.now,
        )
    except ValueError as error:
        raise NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, f"the sender: {error}") from None
    return Letter(message, _fenced(facts, to.address, id))


def _recipient(facts: MailFacts) -> Mailbox:
    try:
        return Mailbox(facts.email or "", f"{facts.first_name} {facts.last_name}".strip())
    except ValueError:
        raise NoLetterError(Status.SKIPPED, Reason.NO_ADDRESS) from None


def _render(facts: MailFacts) -> Rendered:
    zone = find_zone(facts.zone)
    context = {
        "recipient": {
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "email": facts.email,
        },
        "session": {
            "name": facts.session_name,
            "starts_at": facts.starts_at,
            "ends_at": facts.ends_at,
        },
        "organization": {"name": facts.organization_name},
        "today": facts.now.astimezone(zone).date(),
    }
    try:
        return render(facts.subject, facts.html, facts.text, context, voice=Voice(facts.language, zone))
    except RenderFailed as failure:
        raise NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, str(failure)) from None


def _fenced(facts: MailFacts, address: str, id: str) -> Fenced:
    return Fenced(
        person=facts.person,
        person_version=facts.person_version,
        template=facts.template,
        scope=facts.scope,
        recipient=facts.person,
        address_digest=hashlib.sha256(address.lower().encode()).hexdigest(),
        allow_resend=facts.allow_resend,
        message_id=id,
    )
