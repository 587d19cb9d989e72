"""What planning makes of a row whose mail is wanted (DESIGN 6, Past and late; 7)."""

from tests.model.desk import Wanted
from tests.model.world import WAITING, Row

_REASONS = {"scheduled": None, "missed": "due_in_past"}


def keep_up(row: Row | None, want: Wanted) -> Row | None:
    """Return the row as it stands once a wanted mail is planned; None where there still is none."""
    timing, worth = want.timing, want.worth
    if row is None:
        if not worth and not want.passed_over:
            return None
        status = "scheduled" if worth else "missed"
        role, covers = want.part.role, want.covers
        reason = _REASONS[status]
        times = timing.due_at, timing.latest_at
        return Row(status, role, *times, timing.told, want.anchor, want.template, covers, reason)
    if row.status in ("missed", "removed") and worth:
        _write(row, want, "scheduled", keeps=False)
    elif row.status in WAITING:
        keeps = row.by_hand or (want.keeps_time and row.reason != "reactivated")
        moved = not keeps and row.due_at != timing.due_at
        fresh = row.reason == "reactivated"
        if not worth and (fresh or moved):
            _write(row, want, "missed", keeps=keeps)
        elif fresh or moved or _differs(row, want, keeps=keeps):
            _write(row, want, "scheduled", keeps=keeps)
    return row


def _differs(row: Row, want: Wanted, *, keeps: bool) -> bool:
    timing = want.timing
    return (row.role, row.told, row.anchor, row.template, row.covers) != (
        want.part.role,
        timing.told,
        want.anchor,
        want.template,
        want.covers,
    ) or (not keeps and row.latest_at != timing.latest_at)


def _write(row: Row, want: Wanted, status: str, *, keeps: bool) -> None:
    timing = want.timing
    times = row.due_at, row.latest_at
    if not keeps:
        row.due_at, row.latest_at = timing.due_at, timing.latest_at
    # Only what it will say is another: it goes on waiting, also for its next attempt.
    waits_on = (row.status, status, row.reason, row.role) == ("scheduled", "scheduled", None, want.part.role)
    if not waits_on or times != (row.due_at, row.latest_at):
        row.retry_at = row.lease_until = None
    row.by_hand = row.by_hand and row.status in WAITING and status == "scheduled"
    row.status, row.role, row.told, row.anchor = status, want.part.role, timing.told, want.anchor
    row.template, row.covers = want.template, want.covers
    row.reason = _REASONS[status]
