"""What a workflow does next, decided from its row alone; and how long a refused mail waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.sends import FINAL, REVOCABLE, Answer, Next, Status

# A workflow never asks more often: a clock ahead of the database's must not turn into a busy loop.
LEAST_WAIT = timedelta(seconds=1)

# A workflow that waits for planning asks this often at the least; until then after as long, again, as its mail has waited:
# since it was due, or since its row was written, where it was due before.
LONGEST_WAIT_FOR_PLANNING = timedelta(seconds=15)

# A decision is signalled; the row is asked this often for the day a signal is lost.
HELD_FOR = timedelta(hours=1)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class RowState:
    """A send's row and what must be clean around it, read at `now` of the database."""

    now: datetime
    status: Status
    version: int
    due_at: datetime
    latest_at: datetime
    next_attempt_at: datetime | None
    lease_until: datetime | None
    changed_at: datetime
    clean: bool
    """The plan is not behind the facts: session, rule and participation are planned, the rule active."""

    @property
    def leased(self) -> bool:
        return self.lease_until is not None and self.lease_until > self.now

    @property
    def lapsed(self) -> bool:
        """Time alone may decide it now: nobody holds it, and it hangs after its fence or is too late."""
        late = self.status in REVOCABLE and self.latest_at <= self.now
        return not self.leased and (late or self.status is Status.HANDING_OVER)


def answer(row: RowState) -> Answer:
    """Return what the workflow of this row does next.

    DELIVER is only advice: the claim decides. A `handing_over` row past its lease and a `scheduled` one past
    `latest_at` are settled by the store before they come here.
    """
    if row.status in FINAL:
        return Answer(Next.END, row.version, row.status)
    if row.status is Status.IN_DOUBT:
        return Answer(Next.HOLD, row.version, row.status, wait_seconds=HELD_FOR.total_seconds())
    wait = _wait(row)
    if wait is None:
        return Answer(Next.DELIVER, row.version, row.status)
    seconds = max(wait, LEAST_WAIT).total_seconds()
    return Answer(Next.WAIT, row.version, row.status, wait_seconds=seconds, due_at=row.due_at)


def retry_after(attempts: int) -> timedelta:
    """Return how long to wait after the `attempts`-th refusal (RFC 5321, 4.5.4.1): doubling, capped."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 16)), LONGEST_RETRY)


def _wait(row: RowState) -> timedelta | None:
    """Return how long until it is worth asking again, or None when it may be delivered now."""
    if row.status in (Status.CLAIMED, Status.HANDING_OVER) and row.lease_until is not None and row.leased:
        return row.lease_until - row.now
    at = min(max(row.due_at, row.next_attempt_at or row.due_at), row.latest_at)
    if at > row.now:
        return at - row.now
    return None if row.clean else min(row.now - max(at, row.changed_at), LONGEST_WAIT_FOR_PLANNING)
