"""What one mail is written from: whom it may go to, and what it may tell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from domain.conditions import Standing
from domain.participations import Role
from domain.rules import ToRole
from domain.sends import Reason
from domain.terms import OVER, Terms

# So many participants a mail names, and so many trainers get a copy; by name.
MOST_NAMED = 500


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody a mail can be written to: a person, a company by its name, a bare address."""

    email: str | None
    suppressed: bool = False
    person: UUID | None = None
    version: int = 0  # of the person
    first_name: str = ""
    last_name: str = ""
    company_name: str = ""
    language: str | None = None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.company_name


# In the order in which they are tried: the first with an address that mail can be sent to is written to.
Candidates = Sequence[Addressee]


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What a mail tells about a session, module or slot."""

    name: str
    starts_at: datetime | None
    ends_at: datetime | None
    room: str | None


@dataclass(frozen=True, slots=True)
class ParticipationFacts:
    """What a mail tells a participant of their own dates; where they have none, the session's."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A company that a mail is written to, or that it names."""

    id: UUID
    version: int
    name: str


_NOTHING_KNOWN, _NOTHING_ASKED, _UNDATED = Standing(), Terms(), ParticipationFacts()


@dataclass(frozen=True, slots=True)
class Attendee:
    """A participant, as others are told of them."""

    first_name: str
    last_name: str
    standing: Standing = _NOTHING_KNOWN
    participation: UUID | None = None
    version: int = 0  # of all that is known of their participation


@dataclass(frozen=True, slots=True)
class MailFacts:
    """Everything one mail is written from."""

    organization: UUID
    recipient: UUID  # the person or company
    role: Role  # as what they take part
    person: Addressee | None  # that the mail is about; None where that is a company
    to: Candidates  # the person, or whoever is written to in their place (F056)
    cc: Sequence[Candidates]  # whoever has two roles is here twice; so may the To be
    company: Company | None
    attendees: Sequence[Attendee]  # of a company's mail those it is about
    session: PlaceFacts
    session_data: Mapping[str, Any]  # what the caller said of it in words of its own
    module: PlaceFacts | None  # of a mail about a module, or about a slot of one
    slot: PlaceFacts | None
    zone: str
    language: str  # where the addressee has none
    organization_name: str
    sender_address: str
    sender_name: str
    reply_to: str | None
    template: UUID
    template_version: int
    subject: str
    html: str
    text: str | None
    allow_resend: bool
    scope: UUID
    message_id: str | None
    received: bool
    now: datetime
    terms: Terms = _NOTHING_ASKED
    standing: Standing = _NOTHING_KNOWN  # of the person
    participation: ParticipationFacts = _UNDATED  # theirs
    written_to: ToRole | None = None  # in the place of whom it is about (F056)

    @property
    def objection(self) -> Reason | None:
        """Why nobody is to get this mail; a company's leaves while it is about somebody who meets its terms.

        That nothing more is asked ends a series, so it is said only where that is so of everybody.
        """
        if self.role is not Role.COMPANY:
            return self.terms.objection(self.standing)
        found = [self.terms.objection(one.standing) for one in self.attendees]
        if None in found:
            return None
        return next((reason for reason in found if reason not in OVER), found[0] if found else None)

    @property
    def named(self) -> list[Attendee]:
        """Those of the attendees whom it names: of a company's own, the ones who meet its terms."""
        meant = [one for one in self.attendees if self.role is not Role.COMPANY or self._is_about(one)]
        return meant[:MOST_NAMED]

    def _is_about(self, one: Attendee) -> bool:
        return self.terms.objection(one.standing) is None

    @property
    def people(self) -> dict[UUID, int]:
        """The version of everybody whose name or address was read; of two that were read, the older."""
        versions: dict[UUID, int] = {}
        for one in self._everybody():
            if one.person is not None:
                versions[one.person] = min(one.version, versions.get(one.person, one.version))
        return versions

    def _everybody(self) -> Iterator[Addressee]:
        return chain([self.person] if self.person else [], self.to, *self.cc)

    @property
    def judged(self) -> dict[UUID, int]:
        """The version of every participation, besides its own, whose standing decides."""
        if self.role is not Role.COMPANY or self.terms.are_none:
            return {}
        return {one.participation: one.version for one in self.attendees if one.participation}

    @property
    def companies(self) -> dict[UUID, int]:
        """The version of the company whose contact, address or name was read."""
        return {} if self.company is None else {self.company.id: self.company.version}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a preview is about, and whom it is for; None where a mail is only to be imagined."""

    role: Role
    session: UUID | None = None
    scope: UUID | None = None  # the session, or the module or slot of it
    participation: UUID | None = None
    person: UUID | None = None
    company: UUID | None = None

    @property
    def recipient(self) -> UUID | None:
        return self.participation or self.person or self.company
