"""What the Temporal dev server has done, read from its own file: asking the server would cost it work."""

import sqlite3
from pathlib import Path

_TIMERS = "select count(*) from timer_info_maps where workflow_id like 'send/%' and timer_id = ?"
_EVENTS = "select next_event_id - 1 from executions where workflow_id like 'send/%' order by 1"
_CLOSED = "select count(*) from current_executions where workflow_id like 'send/%' and state = 3"


class ServerFile:
    """The state of the workflows named `send/…`. Readers of this file stop nobody who writes (WAL)."""

    def __init__(self, folder: Path) -> None:
        path = folder / "temporal" / "temporal.db"
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    def timers(self, nth: int = 1) -> int:
        """Return how many workflows sleep on their nth timer: the SDK numbers those of a run from 1."""
        return self._count(_TIMERS, str(nth))

    def closed(self) -> int:
        """Return how many workflows have ended."""
        return self._count(_CLOSED)

    def history_lengths(self) -> list[int]:
        """Return how many events each history has, the shortest first."""
        return [int(length) for (length,) in self._db.execute(_EVENTS)]

    def close(self) -> None:
        self._db.close()

    def _count(self, statement: str, *values: str) -> int:
        (count,) = self._db.execute(statement, values).fetchone()
        return int(count)
