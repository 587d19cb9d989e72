"""Snapshots: everything one plan is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.anchors import Dated
from domain.participations import Participation
from domain.rules import RuleDefinition
from domain.sends import REVOCABLE, Reason, Status


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What planning reads of a module; its dates are those of its slots where it has none of its own."""

    id: UUID
    dates: Dated
    mode: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """What planning reads of a slot."""

    id: UUID
    dates: Dated
    module: UUID | None = None
    synchronous: bool = True


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What planning reads of a session."""

    id: UUID
    zone: str
    dates: Dated
    stage: str | None = None
    mode: str | None = None
    category: str | None = None
    center: str | None = None
    modules: Sequence[ModuleFacts] = ()
    slots: Sequence[SlotFacts] = ()
    deleted: bool = False
    changed_at: datetime | None = None  # None: now
    organization_zone: str | None = None  # of recipients without a zone of their own; None: the session's


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What planning reads of a rule, as it stands for this session."""

    id: UUID
    version: int
    definition: RuleDefinition
    active: bool = True
    deleted: bool = False
    changed_at: datetime | None = None  # None: now
    template: UUID | None = None  # what this session sends by it; None: the rule's own
    off_here: bool = False  # switched off for this session
    too_new: bool = False  # made, or activated, after this session, which it leaves alone
    memory: int = 1  # a new one forgets who was written to
    templates: Mapping[str, UUID] = field(default_factory=dict)  # the other ones that it names
    corrects_since: datetime | None = None  # it has corrections of its own since; None: always had
    asked_to_correct: UUID | None = None  # by somebody, right now, with this template


@dataclass(frozen=True, slots=True)
class ExistingSend:
    """A row as planning found it."""

    id: UUID
    rule: UUID
    scope: UUID
    participation: UUID
    status: Status
    version: int
    due_at: datetime
    latest_at: datetime
    reactivated: bool = False  # its cancellation was taken back, and nobody has planned it since
    due_override_at: datetime | None = None
    occurrence: str = "1"
    covers: Sequence[UUID] | None = None  # of a company's: the participations it is about; None: all
    template: UUID | None = None  # None: the rule's own
    anchor_at: datetime | None = None  # the date that it tells
    anchor: str | None = None  # which one that is
    reason: Reason | None = None
    handed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def sent_by_hand(self) -> bool:
        """Whether somebody said when it leaves: that time stays until it has left."""
        return self.due_override_at is not None and self.status in REVOCABLE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one plan is computed from, read in a constant number of queries."""

    now: datetime
    session: SessionFacts
    rules: Sequence[RuleFacts]
    participations: Sequence[Participation]  # those that are planned
    sends: Sequence[ExistingSend]  # theirs
    # The other participants of those companies among them whose mails may be about some of them only.
    colleagues: Sequence[Participation] = ()
