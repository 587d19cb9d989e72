"""Subjects: one mail, or the place where there is none, as an explanation looks at it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.changes import Considered
from domain.conditions import Standing
from domain.counting import Clocks
from domain.histories import Trace
from domain.occurrences import Occurrence
from domain.participations import Participation
from domain.places import Place
from domain.rules import Audience
from domain.sends import Reason, Status
from domain.snapshots import RuleFacts, Snapshot
from domain.terms import Terms
from domain.timetables import Timetable, Timing
from domain.triggers import DateTrigger
from domain.zones import find_zone

# Why a series goes no further, where no row says so.
_NO_FURTHER = frozenset({Reason.SERIES_OVER, Reason.CANCELLED_BY_HAND})


def ends_series(found: Considered) -> bool:
    """Return whether planning says that a series goes no further."""
    return found.wanted is None and found.rule.definition.repeat is not None and found.reason in _NO_FURTHER


@dataclass(frozen=True, slots=True)
class Received:
    """What its recipient has already: a mail by the same template about the same."""

    send: UUID
    rule: str  # its name
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """The row of a send, and what decides about it when it is to leave."""

    id: UUID
    rule: UUID
    scope: UUID
    participation: UUID
    occurrence: str
    status: Status
    reason: Reason | None
    due_at: datetime
    latest_at: datetime
    zone: str
    covers: Sequence[UUID] | None = None  # of a company's: the participations it is about; None: all
    template: UUID | None = None  # None: the rule's own
    trace: Trace = ()
    anchor_at: datetime | None = None  # the date that it tells
    due_override_at: datetime | None = None
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None  # or handed over
    terms: Terms = field(default_factory=Terms)
    standing: Standing = field(default_factory=Standing)
    received: Received | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """What the session says of a rule, beside what the rule says (`domain.overrides`)."""

    trigger: DateTrigger  # the rule's
    usual: str | None = None  # the key of its template
    template: str | None = None  # the key of the session's, if it has one
    template_id: UUID | None = None
    switched_on: bool = False  # the rule would leave this session alone


@dataclass(frozen=True, slots=True)
class Covering:
    """Another mail to the same company, about some of those whom a mail was about."""

    participants: Sequence[UUID]
    record: Record


@dataclass(frozen=True, slots=True)
class Subject:
    """What planning considered, or a row, or both; the rule and the place are None where they are gone."""

    snapshot: Snapshot
    rule: RuleFacts | None
    place: Place | None
    participation: Participation
    # Whose dates it goes by: a company's mail may go by those of a participant it is about; None: they are all gone.
    dated: Participation | None
    found: Considered | None
    record: Record | None
    here: Here | None = None
    covering: Sequence[Covering] = ()

    @property
    def occurrence(self) -> Occurrence:
        if self.record is not None:
            return Occurrence.parse(self.record.occurrence)
        wanted = self.found.wanted if self.found else None
        return Occurrence.parse(wanted.occurrence) if wanted else Occurrence()

    @property
    def reason(self) -> Reason | None:
        """Why planning asks for nothing here."""
        return self.found.reason if self.found else None

    @property
    def timing(self) -> Timing | None:
        """When planning has it, counted from the dates of today; when it was due, where nobody is caught up with."""
        if self.record is None and self.reason is Reason.DUE_IN_PAST and self.missed is not None:
            return self.missed
        return self.found.timing if self.found else None

    @property
    def missed(self) -> Timing | None:
        """When a mail is due that its rule would catch up with; None where it catches up with nobody."""
        if self.rule is None or self.place is None or self.dated is None or not self.rule.definition.catch_up:
            return None
        found = Timetable(self.rule.definition, self.snapshot.session, self.place).find(self.dated)
        return None if isinstance(found, Reason) else found

    @property
    def is_no_mail(self) -> bool:
        """Whether there is none, and none is to come: what is told is that a series goes no further."""
        return self.record is None and self.found is not None and ends_series(self.found)

    @property
    def covers(self) -> Sequence[UUID] | None:
        """Of a company's mail: the participations that it is about; None: all."""
        mail = self.record or (self.found.wanted if self.found else None)
        return mail.covers if mail else None

    @property
    def template(self) -> UUID | None:
        """What it is written from; None: what the rule itself says, or there is no mail."""
        mail = self.record or (self.found.wanted if self.found else None)
        return mail.template if mail else None

    @property
    def clocks(self) -> Clocks:
        """Return the clocks that its rule is read on; the row's own where the rule is gone."""
        session, says = self.snapshot.session, self.rule.definition if self.rule else None
        if says is None and self.record is not None:
            return Clocks(find_zone(self.record.zone), "session")
        if says is None or says.zone == "session":
            return Clocks(find_zone(session.zone), "session")
        if self.dated is not None and self.dated.zone is not None and says.audience is not Audience.COMPANIES:
            return Clocks(find_zone(self.dated.zone), "recipient")
        return Clocks(find_zone(session.organization_zone or session.zone), "organization")
