"""Write the letter of one send: the recipient's template, filled with what is true now."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from activities.recipients import copies, find_addressee
from domain.identity import message_id
from domain.mail_facts import Addressee, Attendee, MailFacts, PlaceFacts
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
    check_terms(facts)
    check_receipt(facts)
    addressee, to = fetch_addressee(facts)
    check_suppression(addressee)
    texts = fill_in(facts, addressee, to.address)
    sender, reply_to = sent_by(facts), answered_to(facts)
    id = facts.message_id or message_id(send, sender.address.rpartition("@")[2])
    try:
        message = compose(
            sender=sender,
            to=to,
            cc=copies(facts, to),
            reply_to=reply_to,
            subject=texts.subject,
            html=texts.html,
            text=texts.text,
            message_id=id,
            date=facts.now,
        )
    except ValueError as error:
        raise _no_sender(error) from None
    return Letter(facts.organization, message, _fenced(facts, to.address, id))


def check_terms(facts: MailFacts) -> None:
    """Raise `NoLetterError` when nobody it is about meets what its rule and template ask (F053, F088, F096)."""
    if facts.objection is not None:
        raise NoLetterError(Status.SKIPPED, facts.objection)


def check_receipt(facts: MailFacts) -> None:
    """Raise `NoLetterError` when the recipient has what this template sends only once (F085)."""
    if facts.received and not facts.allow_resend:
        raise NoLetterError(Status.SKIPPED, Reason.ALREADY_RECEIVED)


def fetch_addressee(facts: MailFacts) -> tuple[Addressee, Mailbox]:
    """Return whom the mail goes to; raise `NoLetterError` when nobody has the role, or an address."""
    found = find_addressee(facts.to)
    if found is not None:
        return found
    is_known = facts.written_to is None or any(one.person or one.email for one in facts.to)
    raise NoLetterError(Status.SKIPPED, Reason.NO_ADDRESS if is_known else Reason.NOBODY_IN_ROLE)


def check_suppression(addressee: Addressee) -> None:
    """Raise `NoLetterError` when no mail goes to this address any more."""
    if addressee.suppressed:
        raise NoLetterError(Status.SKIPPED, Reason.SUPPRESSED)


def fill_in(facts: MailFacts, addressee: Addressee, address: str) -> Rendered:
    """Return what the mail says; raise `NoLetterError` for a template that lacks something."""
    voice = Voice(addressee.language or facts.language, find_zone(facts.zone))
    context = {
        "recipient": {**_names(addressee), "email": address},
        **_about(facts),
        "organization": {"name": facts.organization_name},
        "today": facts.now.astimezone(voice.zone).date(),
    }
    try:
        return render(facts.subject, facts.html, facts.text, context, voice=voice)
    except RenderFailed as failure:
        raise NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, str(failure)) from None


def sent_by(facts: MailFacts) -> Mailbox:
    """Return whom the mail is from; raise `NoLetterError` where that is no address."""
    try:
        return Mailbox(facts.sender_address, facts.sender_name)
    except ValueError as error:
        raise _no_sender(error) from None


def answered_to(facts: MailFacts) -> Mailbox | None:
    """Return whom an answer goes to, where that is not the sender; raise `NoLetterError` as `sent_by` does."""
    try:
        return Mailbox(facts.reply_to) if facts.reply_to else None
    except ValueError as error:
        raise _no_sender(error, "the address for answers") from None


def _no_sender(error: ValueError, which: str = "the sender") -> NoLetterError:
    return NoLetterError(Status.FAILED, Reason.TEMPLATE_FAILED, f"{which}: {error}")


def _about(facts: MailFacts) -> dict[str, Any]:
    """Return the tags of what the mail is about, as `mail.tags` documents them."""
    about: dict[str, Any] = {"session": {**asdict(facts.session), "data": facts.session_data}}
    if facts.slot is not None:
        about["slot"] = asdict(facts.slot)
        about["module"] = asdict(facts.module or PlaceFacts("", None, None, None))
    elif facts.module is not None:
        about["module"] = asdict(facts.module)
    if facts.person is not None:
        about["person"] = _names(facts.person)
    if facts.role is Role.PARTICIPANT:
        about["participation"] = asdict(facts.participation)
    if facts.role is not Role.TRAINER:
        about["company"] = {"name": facts.company.name if facts.company else ""}
    if facts.role is not Role.PARTICIPANT:
        about["participants"] = [_names(one) for one in facts.named]
    return about


def _names(one: Addressee | Attendee) -> dict[str, str]:
    return {"first_name": one.first_name, "last_name": one.last_name}


def _fenced(facts: MailFacts, address: str, id: str) -> Fenced:
    return Fenced(
        people=facts.people,
        companies=facts.companies,
        template=facts.template,
        template_version=facts.template_version,
        scope=facts.scope,
        recipient=facts.recipient,
        address_digest=hashlib.sha256(address.lower().encode()).hexdigest(),
        allow_resend=facts.allow_resend,
        message_id=id,
        judged=facts.judged,
    )
