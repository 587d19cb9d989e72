"""The plan: which sends should exist, and what to change so that the rows say so.

Pure and repeatable: planning the same facts twice changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from domain.changes import Change, Considered, WantedSend, keep_up
from domain.considering import consider
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


_Matter = tuple[UUID, UUID, UUID]  # rule, scope and participation


def plan(snapshot: Snapshot) -> list[Change]:
    """Return what to change so that the rows are what the rules ask for; empty when they already are."""
    existing = {send.id: send for send in snapshot.sends}
    changes = []
    for found in consider(snapshot, wanted_only=True):
        if found.wanted is not None:
            change = keep_up(found, existing.pop(found.wanted.id, None))
            if change is not None:
                changes.append(change)
    at_once = {_matter(change) for change in changes if _leaves_at_once(change, snapshot)}
    changes += _let_go(existing.values(), snapshot, at_once)
    return changes


def _let_go(
    sends: Iterable[ExistingSend], snapshot: Snapshot, at_once: Collection[_Matter | None]
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
        if why is not None:
            yield Change(send.id, Status.REMOVED, why, None, send)


def _leaves_at_once(change: Change, snapshot: Snapshot) -> bool:
    wanted = change.wanted
    return change.status is Status.SCHEDULED and wanted is not None and wanted.timing.due.at <= snapshot.now


def _matter(change: Change) -> _Matter | None:
    wanted = change.wanted
    return (wanted.rule.id, wanted.place.id, wanted.participation.id) if wanted is not None else None
