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
from domain.timetables import Timing
from domain.zones import find_zone


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
    trace: Trace = ()
    anchor_at: datetime | None = None  # the date that it tells
    due_override_at: datetime | None = None
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None  # or handed over
    terms: Terms = field(default_factory=Terms)
    standing: Standing = field(default_factory=Standing)
    received: Received | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What planning considered, or a row, or both; the rule and the place are None where they are gone."""

    snapshot: Snapshot
    rule: RuleFacts | None
    place: Place | None
    participation: Participation
    dated: (
        Participation  # whose dates it goes by: a company's mail may go by those of a participant it is about
    )
    found: Considered | None
    record: Record | None

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
        """When planning has it, counted from the dates of today."""
        return self.found.timing if self.found else None

    @property
    def clocks(self) -> Clocks:
        """Return the clocks that its rule is read on; the row's own where the rule is gone."""
        session, says = self.snapshot.session, self.rule.definition if self.rule else None
        if says is None and self.record is not None:
            return Clocks(find_zone(self.record.zone), "session")
        if says is None or says.zone == "session":
            return Clocks(find_zone(session.zone), "session")
        if self.dated.zone is not None and says.audience is not Audience.COMPANIES:
            return Clocks(find_zone(self.dated.zone), "recipient")
        return Clocks(find_zone(session.organization_zone or session.zone), "organization")
