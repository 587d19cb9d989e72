"""The plan: which sends should exist, and what to change so that the rows say so.

Pure and repeatable: planning the same facts twice changes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from domain.changes import Change, Considered, WantedSend, keep_up
from domain.considering import consider
from domain.occurrences import CORRECTION, Occurrence
from domain.places import Place, places
from domain.removals import Removals
from domain.sends import REVOCABLE, Reason, Status
from domain.snapshots import (
    ExistingSend,
    ModuleFacts,
    RuleFacts,
    SessionFacts,
    SlotFacts,
    Snapshot,
)
from domain.timetables import STALE_AFTER, Timing, latest_at

__all__ = [
    "STALE_AFTER",
    "Change",
    "Considered",
    "ExistingSend",
    "ModuleFacts",
    "Place",
    "RuleFacts",
    "SessionFacts",
    "SlotFacts",
    "Snapshot",
    "Timing",
    "WantedSend",
    "consider",
    "latest_at",
    "places",
    "plan",
]


# What was called back, or passed over, is about nobody.
_TO_NOBODY = frozenset({Status.REMOVED, Status.MISSED, Status.CANCELLED})

_Matter = tuple[UUID, UUID, UUID]  # rule, scope and participation


def plan(snapshot: Snapshot) -> list[Change]:
    """Return what to change so that the rows are what the rules ask for; empty when they already are."""
    existing = {send.id: send for send in snapshot.sends}
    changes, grouped = list[Change](), defaultdict[_Matter, list[WantedSend]](list)
    for found in consider(snapshot, wanted_only=True):
        if found.wanted is not None:
            row = existing.pop(found.wanted.id, None)
            change = keep_up(found, row)
            if change is not None:
                changes.append(change)
            if found.wanted.covers and (change or row) and _stands(change, row) not in _TO_NOBODY:
                grouped[found.rule.id, found.place.id, found.participation.id].append(found.wanted)
    at_once = {_matter(change) for change in changes if _leaves_at_once(change, snapshot)}
    changes += _let_go(existing.values(), snapshot, at_once, grouped)
    return changes


def _let_go(
    sends: Iterable[ExistingSend],
    snapshot: Snapshot,
    at_once: Collection[_Matter | None],
    grouped: Mapping[_Matter, Sequence[WantedSend]],
) -> Iterator[Change]:
    """Yield the removal of every waiting send that nothing asks for any more.

    One that leaves all the same gives way to another about the same thing that is asked for `at_once`.
    """
    rules = {rule.id for rule in snapshot.rules}
    # A decision that came while the snapshot was read has made its participation dirty, and is planned next.
    waiting = [send for send in sends if send.status in REVOCABLE and send.rule in rules]
    if not waiting:
        return
    removals = Removals(snapshot)
    for send in waiting:
        why = removals.why(send)
        if why is None and (send.rule, send.scope, send.participation) in at_once:
            why = Reason.RULE_EDITED
        if why is Reason.SERIES_OVER:
            others = grouped.get((send.rule, send.scope, send.participation), ())
            why = Reason.COVERED_ALREADY if any(_takes_up(wanted, send) for wanted in others) else why
        if why is not None:
            yield Change(send.id, Status.REMOVED, why, None, send)


def _stands(change: Change | None, row: ExistingSend | None) -> Status | None:
    if change is not None:
        return change.status
    return row.status if row is not None else None


def _takes_up(wanted: WantedSend, send: ExistingSend) -> bool:
    """Return whether a mail to a company is about any of those whom another was about, in a series of its own."""
    here, there = Occurrence.parse(wanted.occurrence), Occurrence.parse(send.occurrence)
    if here.kind == CORRECTION or here.group == there.group:
        return False
    return not set(send.covers or ()).isdisjoint(wanted.covers or ())


def _leaves_at_once(change: Change, snapshot: Snapshot) -> bool:
    wanted = change.wanted
    return change.status is Status.SCHEDULED and wanted is not None and wanted.timing.due.at <= snapshot.now


def _matter(change: Change) -> _Matter | None:
    wanted = change.wanted
    return (wanted.rule.id, wanted.place.id, wanted.participation.id) if wanted is not None else None
