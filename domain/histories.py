"""What happened to a send, read from the trace of its row."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.sends import Reason, Status
from domain.steps import Code, Step, step

Trace = Sequence[Mapping[str, Any]]

# Why planning withdraws a mail once somebody has said so, who may be known; the rows tell it before planning does.
_SAID = frozenset({Reason.RULE_DEACTIVATED, Reason.RULE_DELETED, Reason.SWITCHED_OFF_HERE})

# What people decide, by the word that its trace has for it.
_BY_HAND = {
    "reactivated": Code.REACTIVATED,
    "send_now": Code.SENT_BY_HAND,
    "send_again": Code.SENT_AGAIN,
}


def tell(trace: Trace, of: str | None = None) -> Iterator[Step]:
    """Yield what happened, the first first; what a later release writes is passed over. `of` is told with a change."""
    due_at: datetime | None = None
    waits = by_hand = False
    said_by: dict[str | None, str | None] = {}
    for entry in trace:
        word, at, planned = entry["step"], _instant(entry["at"]), _instant(entry.get("due_at"))
        if word in _BY_HAND:
            yield step(_BY_HAND[word], happened_at=at, by=entry.get("by"))
            waits, by_hand = word != "reactivated", True
        elif word == Status.HANDING_OVER:
            yield step(Code.HANDED_OVER, happened_at=at, attempt=entry.get("attempt"))
            by_hand = False
        elif word == Status.SCHEDULED and planned is not None:
            if due_at is None:
                yield step(Code.PLANNED, happened_at=at, due_at=planned, by=entry.get("by"))
            else:
                yield _planned_again(at, due_at if waits else None, planned)
            waits = True
        elif word == Status.SCHEDULED:
            if not by_hand:  # planning, too, has let it wait on: its time was set
                yield step(Code.DEFERRED, happened_at=at, reply_code=entry.get("code"))
        elif word in _SAID:
            said_by[word] = entry.get("by")
        elif word in set(Status):
            reason = entry.get("reason")
            by = entry.get("by") or (said_by.pop(reason, None) if word == Status.REMOVED else None)
            yield step(Code.CHANGED, happened_at=at, status=word, reason=reason, by=by, of=of)
            waits = False
        due_at = planned or due_at


def _planned_again(at: datetime | None, was_at: datetime | None, due_at: datetime) -> Step:
    if was_at is None or was_at == due_at:
        return step(Code.PLANNED_AGAIN, happened_at=at, due_at=due_at)
    return step(Code.MOVED, happened_at=at, was_at=was_at, due_at=due_at)


def _instant(written: object) -> datetime | None:
    return datetime.fromisoformat(written) if isinstance(written, str) else None
