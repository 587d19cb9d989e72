"""Who takes part in a session, and as what."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.anchors import Own


class Role(StrEnum):
    """As what somebody takes part; a company does so through its participants."""

    PARTICIPANT = "participant"
    TRAINER = "trainer"
    COMPANY = "company"


class Attendance(StrEnum):
    """What was seen of somebody at a session (DESIGN 6)."""

    THROUGHOUT = "throughout"
    PARTLY = "partly"  # present at least once, and absent at least once
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Participation:
    """What planning reads of somebody who takes part in a session.

    A company comes where its participants come: its `slots` are theirs together, and it is `removed` when none is
    left.
    """

    id: UUID
    role: Role
    recipient: UUID  # the person or company
    slots: Set[UUID] | None = None  # None: all
    removed: bool = False
    changed_at: datetime | None = None  # by whoever said something of them; None: now
    company: UUID | None = None  # that a participant comes from
    zone: str | None = None  # the recipient's own; None: the organization's
    own: Own = field(default_factory=Own)
    dirty_at: datetime | None = None  # by us, too: where a mail of a series ends; None: as `changed_at`

    def comes_to(self, slots: Set[UUID]) -> bool:
        """Return whether they come to one of these slots; what has no slots is for everybody."""
        return not slots or self.slots is None or not self.slots.isdisjoint(slots)
