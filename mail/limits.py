"""How much a template may cost: it is written by customers and rendered beside everybody else's mails."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one template. Ordinary mails stay a hundred times below each."""

    source: int = 100_000  # characters; some mail programs cut a mail off at 102 kB
    nodes: int = 2_000  # tags, filters, conditions; plain text is free
    depth: int = 40
    nested_loops: int = 3
    turns: int = 100_000  # of all loops together
    output: int = 256_000  # characters of one part
    subject: int = 500
    seconds: float = 1.0  # of one part


class LimitError(Exception):
    """A template went over a limit while it was rendered; the text names the limit."""


class Budget:
    """What is left of the limits during one rendering."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._turns = 0
        self._size = 0
        self._until = time.monotonic() + limits.seconds

    def turn(self) -> None:
        """Count one turn of a loop."""
        self._turns += 1
        if self._turns > self.limits.turns:
            raise LimitError(f"more than {self.limits.turns} turns of loops")
        self.look_at_the_clock()

    def write(self, size: int) -> None:
        """Count `size` characters of output."""
        self._size += size
        self.hold(self._size)
        self.look_at_the_clock()

    def hold(self, size: int) -> None:
        """Refuse a text of `size` characters that is too long for any output."""
        if size > self.limits.output:
            raise LimitError(f"more than {self.limits.output} characters")

    def look_at_the_clock(self) -> None:
        if time.monotonic() >= self._until:
            raise LimitError(f"more than {self.limits.seconds:g} s")
