"""A mail as it would leave now: the same words that delivery would find, and what would stop it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeVar
from uuid import UUID

from activities.letters import (
    NoLetterError,
    answered_to,
    check_receipt,
    check_suppression,
    check_terms,
    fetch_addressee,
    fill_in,
    sent_by,
)
from activities.recipients import copies
from domain.mail_facts import (
    Addressee,
    Attendee,
    Company,
    MailFacts,
    Occasion,
    ParticipationFacts,
    PlaceFacts,
)
from domain.sends import Reason
from mail.compose import Mailbox
from mail.tags import TAGS, example_context
from mail.templates import Rendered, parse

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why it would not leave; `detail` says what the template, or the sender, lacks."""

    reason: Reason
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail, as far as it can be written."""

    sender: Mailbox | None
    reply_to: Mailbox | None  # None: the sender
    to: Mailbox | None
    cc: tuple[Mailbox, ...]
    texts: Rendered | None
    obstacles: list[Obstacle] = field(default_factory=list)


def preview_letter(facts: MailFacts) -> Preview:
    """Return the mail and every obstacle; pure."""
    obstacles: list[Obstacle] = []

    def attempt(step: Callable[[], _T]) -> _T | None:
        try:
            return step()
        except NoLetterError as error:
            obstacles.append(Obstacle(error.reason, error.detail))
            return None

    attempt(lambda: check_terms(facts))
    attempt(lambda: check_receipt(facts))
    found = attempt(lambda: fetch_addressee(facts))
    addressee, to = found or (_nobody(facts), None)
    attempt(lambda: check_suppression(addressee))
    texts = attempt(lambda: fill_in(facts, addressee, to.address if to else ""))
    sender, reply_to = attempt(lambda: sent_by(facts)), attempt(lambda: answered_to(facts))
    return Preview(sender, reply_to, to, copies(facts, to) if to else (), texts, obstacles)


def _nobody(facts: MailFacts) -> Addressee:
    """Return who would have been written to, had they an address: their name is known."""
    return next(iter(facts.to), Addressee(None))


def imagine(facts: MailFacts, occasion: Occasion) -> MailFacts:
    """Return the facts of a preview with the documented examples where nothing real was named."""
    words = [source for source in (facts.subject, facts.html, facts.text) if source]
    example = example_context(TAGS, chain.from_iterable(parse(source) for source in words))
    if occasion.session is None:
        data = example["session"].pop("data")
        facts = replace(
            facts,
            session=PlaceFacts(**example["session"]),
            session_data=data,
            module=PlaceFacts(**example["module"]),
            slot=PlaceFacts(**example["slot"]),
            attendees=[Attendee(**one) for one in example["participants"]],
            participation=ParticipationFacts(**example["participation"]),
        )
    if occasion.recipient is None:
        company = Company(UUID(int=0), 0, example["company"]["name"])
        who = Addressee(**example["recipient"])
        own = replace(facts.participation, deadline_at=example["participation"]["deadline_at"])
        facts = replace(facts, to=[who], person=facts.person and who, company=company, participation=own)
    return facts
