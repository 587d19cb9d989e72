"""Whom one mail goes to, of those it may go to."""

from contextlib import suppress

from domain.mail_facts import Addressee, Candidates, MailFacts
from mail.compose import Mailbox


def find_addressee(candidates: Candidates) -> tuple[Addressee, Mailbox] | None:
    """Return the first who has an address that mail can be sent to."""
    for one in candidates:
        with suppress(ValueError):
            return one, Mailbox(one.email or "", one.name)
    return None


def copies(facts: MailFacts, to: Mailbox) -> tuple[Mailbox, ...]:
    """Return who gets a copy of a mail to `to`: each address once, none that no mail goes to any more."""
    found = {to.address.lower(): to}
    for candidates in facts.cc:
        match find_addressee(candidates):
            case somebody, mailbox if not somebody.suppressed:
                found.setdefault(mailbox.address.lower(), mailbox)
    return tuple(found.values())[1:]
