"""The plan: which sends should exist, and what to change so that the rows say so.

Pure and repeatable: planning the same facts twice changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.anchors import Dated, anchor_at
from domain.identity import send_id
from domain.rules import RuleDefinition
from domain.sends import REVOCABLE, Reason, Status
from domain.timing import Due
from domain.triggers import due
from domain.zones import find_zone

# How long a mail stays worth sending when it is due at or after its anchor, and the rule says nothing.
STALE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What planning reads of a session."""

    id: UUID
    zone: str
    dates: Dated
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What planning reads of a rule."""

    id: UUID
    version: int
    definition: RuleDefinition
    active: bool = True
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ParticipationFacts:
    """What planning reads of a person in a session."""

    id: UUID
    person: UUID
    removed: bool = False


@dataclass(frozen=True, slots=True)
class ExistingSend:
    """A row as planning found it."""

    id: UUID
    rule: UUID
    participation: UUID
    status: Status
    version: int
    due_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one plan is computed from, read in a constant number of queries."""

    now: datetime
    session: SessionFacts
    rules: Sequence[RuleFacts]
    participations: Sequence[ParticipationFacts]
    sends: Sequence[ExistingSend]


@dataclass(frozen=True, slots=True)
class Timing:
    """When a send is due, and until when it may still leave."""

    due: Due
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class WantedSend:
    """A send that the rules ask for."""

    id: UUID
    rule: RuleFacts
    participation: ParticipationFacts
    timing: Timing


@dataclass(frozen=True, slots=True)
class Change:
    """A row to write: a new one where `existing` is None, else one that still stands as planning found it."""

    id: UUID
    status: Status
    reason: Reason | None
    wanted: WantedSend | None
    existing: ExistingSend | None


def plan(snapshot: Snapshot) -> list[Change]:
    """Return what to change so that the rows are what the rules ask for; empty when they already are."""
    existing = {send.id: send for send in snapshot.sends}
    changes = []
    for wanted in _wanted(snapshot):
        change = _keep_up(wanted, existing.pop(wanted.id, None), snapshot.now)
        if change is not None:
            changes.append(change)
    rules = {rule.id: rule for rule in snapshot.rules}
    participations = {person.id: person for person in snapshot.participations}
    changes += _let_go(existing.values(), snapshot.session, rules, participations)
    return changes


def latest_at(anchor: datetime, due_at: datetime, deliver_within: timedelta | None) -> datetime:
    """Return the instant after which a mail would be worse than none (F077, L10).

    By default a mail that is due before its anchor may leave until the anchor, any other for a day.
    """
    if deliver_within is not None:
        return due_at + deliver_within
    return anchor if due_at < anchor else due_at + STALE_AFTER


def _wanted(snapshot: Snapshot) -> Iterator[WantedSend]:
    if snapshot.session.deleted:
        return
    present = [person for person in snapshot.participations if not person.removed]
    for rule in snapshot.rules:
        timing = _timing(rule.definition, snapshot.session) if rule.active and not rule.deleted else None
        if timing is None:
            continue
        for person in present:
            key = send_id(rule.id, snapshot.session.id, person.person)
            yield WantedSend(key, rule, person, timing)


def _timing(rule: RuleDefinition, session: SessionFacts) -> Timing | None:
    """Return when this rule's mails for the session are due, or None while it has no anchor date."""
    zone = find_zone(session.zone)
    try:
        instant = due(rule.trigger, session=session.dates, zone=zone)
        if instant is None:
            return None
        anchor = anchor_at(rule.trigger.anchor, session=session.dates) or instant.at
        return Timing(instant, latest_at(anchor, instant.at, rule.deliver_within))
    except (OverflowError, ValueError):
        # Outside the calendar: a session whose "not known yet" is written as the year 9999 must not stop the
        # roll-out of a rule over all others.
        return None


def _keep_up(wanted: WantedSend, existing: ExistingSend | None, now: datetime) -> Change | None:
    """Return the change that brings one wanted send's row up to date (DESIGN 6, Past and late; 7)."""
    ahead = wanted.timing.due.at > now
    if existing is None:
        # Already past when first computed: no send (F068, F069).
        return Change(wanted.id, Status.SCHEDULED, None, wanted, None) if ahead else None
    unmoved = (existing.due_at, existing.latest_at) == (wanted.timing.due.at, wanted.timing.latest_at)
    match existing.status:
        case Status.SCHEDULED | Status.CLAIMED if unmoved:
            return None  # even past: it is only queueing
        case Status.SCHEDULED | Status.CLAIMED if not ahead and existing.due_at != wanted.timing.due.at:
            return Change(wanted.id, Status.MISSED, Reason.DUE_IN_PAST, wanted, existing)  # F026
        case Status.SCHEDULED | Status.CLAIMED:
            return Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
        case Status.MISSED | Status.REMOVED if ahead:
            return Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
        case _:
            return None


def _let_go(
    sends: Iterable[ExistingSend],
    session: SessionFacts,
    rules: Mapping[UUID, RuleFacts],
    participations: Mapping[UUID, ParticipationFacts],
) -> Iterator[Change]:
    """Yield the removal of every waiting send that nothing asks for any more."""
    for send in sends:
        if send.status in REVOCABLE:
            reason = _why_not(session, rules[send.rule], participations[send.participation])
            yield Change(send.id, Status.REMOVED, reason, None, send)


def _why_not(session: SessionFacts, rule: RuleFacts, person: ParticipationFacts) -> Reason:
    if session.deleted:
        return Reason.SESSION_DELETED
    if rule.deleted:
        return Reason.RULE_DELETED
    if not rule.active:
        return Reason.RULE_DEACTIVATED
    if person.removed:
        return Reason.PARTICIPANT_REMOVED
    return Reason.NO_ANCHOR_DATE
