"""The plan: which sends should exist, and what to change so that the rows say so.

Pure and repeatable: planning the same facts twice changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.anchors import Dated, anchor_at
from domain.identity import send_id
from domain.participations import Participation
from domain.rules import RuleDefinition, Scope
from domain.sends import REVOCABLE, Reason, Status
from domain.timing import Due
from domain.triggers import due
from domain.zones import find_zone

# How long a mail stays worth sending when it is due at or after its anchor, and the rule says nothing.
STALE_AFTER = timedelta(days=1)


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


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What planning reads of a session."""

    id: UUID
    zone: str
    dates: Dated
    stage: str | None = None
    mode: str | None = None
    category: str | None = None
    modules: Sequence[ModuleFacts] = ()
    slots: Sequence[SlotFacts] = ()
    deleted: bool = False
    changed_at: datetime | None = None  # None: now


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What planning reads of a rule."""

    id: UUID
    version: int
    definition: RuleDefinition
    active: bool = True
    deleted: bool = False
    changed_at: datetime | None = None  # None: now


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
    participations: Sequence[Participation]
    sends: Sequence[ExistingSend]


@dataclass(frozen=True, slots=True)
class Place:
    """What a mail is about: a session, or a module or slot of it."""

    id: UUID
    scope: Scope
    session: Dated
    module: Dated | None
    slot: Dated | None
    # What conditions compare: the session's, or the module's (F062, F063).
    mode: str | None
    category: str | None
    slots: Set[UUID]  # whose people it concerns; none: everybody's


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
    place: Place
    participation: Participation
    timing: Timing


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
        if self.wanted is None or (self.existing is not None and self.existing.sent_by_hand):
            return None
        return self.wanted.timing


def plan(snapshot: Snapshot) -> list[Change]:
    """Return what to change so that the rows are what the rules ask for; empty when they already are."""
    existing = {send.id: send for send in snapshot.sends}
    changes = []
    for wanted in _wanted(snapshot):
        change = _keep_up(wanted, existing.pop(wanted.id, None), _asked_at(wanted, snapshot))
        if change is not None:
            changes.append(change)
    changes += _let_go(existing.values(), snapshot)
    return changes


def latest_at(anchor: datetime, due_at: datetime, deliver_within: timedelta | None) -> datetime:
    """Return the instant after which a mail would be worse than none (F077, L10).

    By default a mail that is due before its anchor may leave until the anchor, any other for a day.
    """
    if deliver_within is not None:
        return due_at + deliver_within
    return anchor if due_at < anchor else due_at + STALE_AFTER


def places(session: SessionFacts) -> Iterator[Place]:
    """Yield everything that a mail of this session can be about."""
    yield Place(
        session.id, Scope.SESSION, session.dates, None, None, session.mode, session.category, frozenset()
    )
    modules = {module.id: module for module in session.modules}
    dates = {}
    for module in session.modules:
        own = [slot for slot in session.slots if slot.module == module.id]
        dates[module.id] = _dates(module, own)
        slots = frozenset(slot.id for slot in own)
        yield Place(
            module.id,
            Scope.MODULE,
            session.dates,
            dates[module.id],
            None,
            module.mode,
            module.category,
            slots,
        )
    for slot in session.slots:
        of = modules.get(slot.module) if slot.module else None
        mode, category = (of.mode, of.category) if of else (session.mode, session.category)
        within = dates[of.id] if of else None
        only = frozenset({slot.id})
        yield Place(slot.id, Scope.SLOT, session.dates, within, slot.dates, mode, category, only)


def _dates(module: ModuleFacts, slots: Sequence[SlotFacts]) -> Dated:
    if module.dates.starts_at is not None or not slots:
        return module.dates
    starts = [slot.dates.starts_at for slot in slots if slot.dates.starts_at]
    ends = [slot.dates.over_at for slot in slots if slot.dates.over_at]
    return Dated(min(starts, default=None), max(ends, default=None))


def _wanted(snapshot: Snapshot) -> Iterator[WantedSend]:
    session = snapshot.session
    if session.deleted:
        return
    present = [one for one in snapshot.participations if not one.removed]
    places_of = _by_scope(session)
    for rule in snapshot.rules:
        if not rule.active or rule.deleted:
            continue
        audience = [one for one in present if one.role is rule.definition.audience.role]
        for place in places_of[rule.definition.scope]:
            timing = _timing(rule.definition, session, place)
            if timing is None or not _concerned(rule.definition, session, place):
                continue
            for one in audience:
                if one.comes_to(place.slots):
                    yield WantedSend(send_id(rule.id, place.id, one.recipient), rule, place, one, timing)


def _by_scope(session: SessionFacts) -> Mapping[Scope, list[Place]]:
    found: dict[Scope, list[Place]] = {scope: [] for scope in Scope}
    for place in places(session):
        found[place.scope].append(place)
    return found


def _concerned(rule: RuleDefinition, session: SessionFacts, place: Place) -> bool:
    return rule.conditions.met(stage=session.stage, mode=place.mode, category=place.category)


def _timing(rule: RuleDefinition, session: SessionFacts, place: Place) -> Timing | None:
    """Return when this rule's mails about a place are due, or None while it has no anchor date."""
    zone = find_zone(session.zone)
    session_at, module_at, slot_at = place.session, place.module, place.slot
    try:
        instant = due(rule.trigger, session=session_at, module=module_at, slot=slot_at, zone=zone)
        if instant is None:
            return None
        counted_from = anchor_at(rule.trigger.anchor, session=session_at, module=module_at, slot=slot_at)
        anchor = counted_from or instant.at
        return Timing(instant, latest_at(anchor, instant.at, rule.deliver_within))
    except (OverflowError, ValueError):
        # Outside the calendar: a session whose "not known yet" is written as the year 9999 must not stop the
        # roll-out of a rule over all others.
        return None


def _asked_at(wanted: WantedSend, snapshot: Snapshot) -> datetime:
    """Return when the last change was made that asks for this send.

    Its due time is past or ahead as seen from there: whoever was told that the change is written need not know how
    long planning takes to get to it.
    """
    facts = (snapshot.session, wanted.participation, wanted.rule)
    return min(snapshot.now, max(one.changed_at or snapshot.now for one in facts))


def _keep_up(wanted: WantedSend, existing: ExistingSend | None, asked_at: datetime) -> Change | None:
    """Return the change that brings one wanted send's row up to date (DESIGN 6, Past and late; 7)."""
    worth = _worth_sending(wanted, asked_at)
    if existing is None:
        # Already past when it was asked for: no send (F068, F069).
        return Change(wanted.id, Status.SCHEDULED, None, wanted, None) if worth else None
    match existing.status:
        case Status.SCHEDULED | Status.CLAIMED:
            return _follow(wanted, existing, worth=worth)
        case Status.MISSED | Status.REMOVED if worth:
            return Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
        case _:
            return None


def _follow(wanted: WantedSend, existing: ExistingSend, *, worth: bool) -> Change | None:
    """Return the change that has a waiting row follow its plan; None where it already does."""
    scheduled = Change(wanted.id, Status.SCHEDULED, None, wanted, existing)
    missed = Change(wanted.id, Status.MISSED, Reason.DUE_IN_PAST, wanted, existing)
    if existing.reactivated:
        return scheduled if worth else missed
    timing = wanted.timing
    on_time = existing.sent_by_hand or (existing.due_at, existing.latest_at) == (
        timing.due.at,
        timing.latest_at,
    )
    # Another for a person in two roles, when the rule's audience was edited.
    if on_time and existing.participation == wanted.participation.id:
        return None  # even past: it is only queueing
    if not (worth or existing.sent_by_hand) and existing.due_at != timing.due.at:
        return missed  # F026
    return scheduled


def _worth_sending(wanted: WantedSend, asked_at: datetime) -> bool:
    """Return whether a mail asked for at this instant can be of use; planned later still, it leaves at once, or expires."""
    timing = wanted.timing
    if timing.due.at > asked_at:
        return True
    return timing.due.at + wanted.rule.definition.still_worth > asked_at and timing.latest_at > asked_at


def _let_go(sends: Iterable[ExistingSend], snapshot: Snapshot) -> Iterator[Change]:
    """Yield the removal of every waiting send that nothing asks for any more."""
    rules = {rule.id: rule for rule in snapshot.rules}
    # A decision that came while the snapshot was read has made its participation dirty, and is planned next.
    waiting = [send for send in sends if send.status in REVOCABLE and send.rule in rules]
    if not waiting:
        return
    participations = {one.id: one for one in snapshot.participations}
    about = {place.id: place for place in places(snapshot.session)}
    for send in waiting:
        rule, who, place = rules[send.rule], participations[send.participation], about.get(send.scope)
        yield Change(send.id, Status.REMOVED, _why_not(snapshot.session, rule, who, place), None, send)


def _why_not(session: SessionFacts, rule: RuleFacts, who: Participation, place: Place | None) -> Reason:
    says = rule.definition
    if session.deleted:
        return Reason.SESSION_DELETED
    if rule.deleted:
        return Reason.RULE_DELETED
    if not rule.active:
        return Reason.RULE_DEACTIVATED
    if place is None:
        return Reason.PLACE_REMOVED
    if place.scope is not says.scope or who.role is not says.audience.role:
        return Reason.RULE_EDITED
    if who.removed or not who.comes_to(place.slots):
        return Reason.PARTICIPANT_REMOVED
    if not _concerned(says, session, place):
        return Reason.CONDITIONS_NOT_MET
    return Reason.NO_ANCHOR_DATE
