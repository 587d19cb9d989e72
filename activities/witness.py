"""What Temporal knows of the workflow that a row should have; asked by id, never from a listing, which lags."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.sends import Outcome
from store.signals import Unsignalled
from store.sweep import Left


class Doing(StrEnum):
    """What a send's workflow does."""

    GONE = "gone"  # there is none
    ENDED = "ended"
    WORKING = "working"  # a task or an activity runs, or waits for a worker
    ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class Said:
    """What the workflow of a send says of itself."""

    doing: Doing
    asks_at: datetime | None = None  # ASLEEP: when it will ask its row
    outcome: Outcome | None = None  # the reply of the mail server, known to it and not yet to the row
    sent: bool = False  # ENDED: since its row said that the mail had left, whatever the row says now


class Witness(Protocol):
    """Asks Temporal."""

    async def plans(self, session: Left) -> bool:
        """Is this session being planned?"""

    async def rolls_out(self, rule: Left) -> bool:
        """Is this rule being rolled out?"""

    async def ask(self, send: Unsignalled) -> Said:
        """Return what its workflow does."""

    async def look(self, send: Unsignalled) -> None:
        """Have its workflow ask the row now."""
