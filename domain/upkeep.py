"""What upkeep repairs: whatever fell between two lines. In a healthy house nothing does."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Repair(StrEnum):
    """What had to be repaired; each is counted."""

    SESSION = "session"  # dirty, and nobody planned it
    PARTICIPATION = "participation"  # the same
    RULE = "rule"  # changed, and nobody rolled it out
    SIGNAL = "signal"  # a send whose workflow nobody told
    OVERDUE = "overdue"  # a mail long due, whose workflow slept on or was gone
    HAND_OVER = "hand_over"  # after its fence nobody ended it: its workflow was asked to look
    REPLY = "reply"  # how a hand-over ended, which only its closed workflow knew
    DOUBT = "doubt"  # nobody ended a hand-over, and nobody knows the reply
    ZONE_DATA = "zone_data"  # a send that a new release of the zone database moves
    EPOCH = "epoch"  # a send told again, since Temporal or PostgreSQL had been restored or lost


@dataclass(frozen=True, slots=True)
class Sweeping:
    """How often to look for what was left behind, and for how long it is left to whoever works on it."""

    every: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(minutes=1)
