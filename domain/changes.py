"""Changes: what planning writes to a row, so that it is what the rules ask for (DESIGN 7)."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain.participations import Participation
from domain.places import Place
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import ExistingSend, RuleFacts
from domain.timetables import Timing


@dataclass(frozen=True, slots=True)
class WantedSend:
    """A send that the rules ask for."""

    id: UUID
    rule: RuleFacts
    place: Place
    participation: Participation
    timing: Timing
    occurrence: str = "1"
    covers: tuple[UUID, ...] | None = None  # of a company's: the participations it is about; None: all
    template: UUID | None = None  # None: the rule's own
    passed_over: bool = False  # where it is past, a row says so: somebody was to have it
    keeps_time: bool = False  # while it waits: it was due when it was first asked for

    @property
    def anchor(self) -> str | None:
        """Which date it tells, if any."""
        return None if self.timing.anchor_at is None else self.rule.definition.trigger.anchor


class Considered(NamedTuple):
    """What planning makes of one rule and one place for one of its audience."""

    rule: RuleFacts
    place: Place
    participation: Participation
    timing: Timing | None = None
    reason: Reason | None = None  # why nothing is sent; past, where something is wanted
    wanted: WantedSend | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A row to write: a new one where `existing` is None, else one that still stands as planning found it."""

    id: UUID
    status: Status
    reason: Reason | None
    wanted: WantedSend | None
    existing: ExistingSend | None

    @property
    def timing(self) -> Timing | None:
        """When it is due from now on; None where the row's own times stay."""
        if self.wanted is None or (self.existing is not None and _keeps_time(self.wanted, self.existing)):
            return None
        return self.wanted.timing


def keep_up(found: Considered, existing: ExistingSend | None) -> Change | None:
    """Return the change that brings the row of a wanted send up to date (DESIGN 6, Past and late; 7)."""
    wanted, worth = found.wanted, found.reason is None
    if wanted is None:
        return None
    scheduled = Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
    if existing is None:
        if not worth and wanted.passed_over:
            return Change(wanted.id, Status.MISSED, Reason.DUE_IN_PAST, wanted, None)
        # Already past when it was asked for: no send (F068, F069).
        return scheduled if worth else None
    match existing.status:
        case Status.SCHEDULED | Status.CLAIMED:
            return _follow(wanted, existing, worth=worth)
        case Status.MISSED | Status.REMOVED if worth:
            return scheduled
        case _:
            return None


def _follow(wanted: WantedSend, existing: ExistingSend, *, worth: bool) -> Change | None:
    """Return the change that has a waiting row follow its plan; None where it already does."""
    scheduled = Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
    missed = Change(wanted.id, Status.MISSED, Reason.DUE_IN_PAST, wanted, existing)
    if existing.reactivated:
        return scheduled if worth else missed
    due, latest = wanted.timing.due.at, wanted.timing.latest_at
    keeps_time = _keeps_time(wanted, existing)
    on_time = keeps_time or (existing.due_at, existing.latest_at) == (due, latest)
    if on_time and _says_the_same(wanted, existing):
        return None  # even past: it is only queueing
    if not (worth or keeps_time) and existing.due_at != due:
        return missed  # F026
    return scheduled


def _says_the_same(wanted: WantedSend, existing: ExistingSend) -> bool:
    covers = None if existing.covers is None else tuple(existing.covers)
    # The participation is another for a person in two roles, when the rule's audience was edited.
    return (existing.participation, covers, existing.template, existing.anchor_at, existing.anchor) == (
        wanted.participation.id,
        wanted.covers,
        wanted.template,
        wanted.timing.anchor_at,
        wanted.anchor,
    )


def _keeps_time(wanted: WantedSend, existing: ExistingSend) -> bool:
    return existing.sent_by_hand or (
        wanted.keeps_time and existing.status in REVOCABLE and not existing.reactivated
    )
