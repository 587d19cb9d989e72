"""How many wrong tokens somebody may show in a minute."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil

MOST = 10
MINUTE = timedelta(minutes=1)


class Guesses:
    """Counts wrong tokens by the address they come from, anew each minute; in memory, of this process alone."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ends = now() + MINUTE
        self._wrong = Counter[str]()

    def begin(self, address: str) -> int:
        """Return the seconds to wait for, or 0: then this guess counts as wrong, however many come at once, until it is
        found right.
        """
        now = self._now()
        if now >= self._ends:
            self._wrong.clear()
            self._ends = now + MINUTE
        if self._wrong[address] >= MOST:
            return ceil((self._ends - now).total_seconds())
        self._wrong[address] += 1
        return 0

    def was_right(self, address: str) -> None:
        """Take back what `begin` counted."""
        if self._wrong[address]:  # nothing is left of it where a minute has ended meanwhile
            self._wrong[address] -= 1
