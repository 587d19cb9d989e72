"""What one mail is written from: whom it may go to, and what it may tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from domain.participations import Role


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
class Company:
    """A company that a mail is written to, or that it names."""

    id: UUID
    version: int
    name: str


@dataclass(frozen=True, slots=True)
class Attendee:
    """A participant, as others are told of them."""

    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class MailFacts:
    """Everything one mail is written from."""

    organization: UUID
    recipient: UUID  # the person or company
    role: Role  # as what they take part
    to: Candidates
    cc: Sequence[Candidates]  # whoever has two roles is here twice; so may the To be
    company: Company | None
    attendees: Sequence[Attendee]
    session: PlaceFacts
    session_data: Mapping[str, Any]  # what the caller said of it in words of its own
    module: PlaceFacts | None  # of a mail about a module, or about a slot of one
    slot: PlaceFacts | None
    zone: str
    language: str  # where the addressee has none
    organization_name: str
    sender_address: str
    sender_name: str
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

    @property
    def people(self) -> dict[UUID, int]:
        """The version of everybody whose address was read; of two that were read, the older."""
        versions: dict[UUID, int] = {}
        for one in chain(self.to, *self.cc):
            if one.person is not None:
                versions[one.person] = min(one.version, versions.get(one.person, one.version))
        return versions

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
