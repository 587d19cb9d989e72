"""What can go wrong at a mail server, for tests: in this process by overriding, from outside by address."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum

_KNOWN = re.compile(r"(?:refuse|later|twice|dot)-[45]\d\d|drop-(?:before|after)|(?:wait|slow)-\d+(?:\.\d+)?s")


class Drop(Enum):
    """The connection is cut without a word."""

    BEFORE = "before"  # the message is not accepted
    AFTER = "after"  # it is, and the client never hears of it


class Faults:
    """Nothing goes wrong. A test overrides what shall; each may also wait, and hold the client up."""

    async def at_rcpt(self, address: str) -> str | None:
        """Return what to answer instead of accepting a recipient, such as "451 4.3.0 later"."""
        return None

    async def at_data(self, addresses: Sequence[str]) -> str | Drop | None:
        """Return what to answer instead of asking for the message, or how to cut the connection."""
        return None

    async def at_dot(self, addresses: Sequence[str]) -> str | Drop | None:
        """Return what to answer instead of accepting a message, or how to cut the connection."""
        return None

    async def before_reply(self, addresses: Sequence[str]) -> None:
        """The message is accepted; its client hears of it once this returns."""


class FaultsByAddress(Faults):
    """Faults named by the local part of an address, which work from another process as well.

    * `refuse-550@`, `later-451@`: that code at RCPT, whichever it is;
    * `twice-451@`: that code at RCPT the first two times, then accepted;
    * `dot-554@`, `dot-451@`: that code at the dot;
    * `drop-before@`, `drop-after@`: the connection is cut at the dot, before or after the mail is accepted;
    * `wait-2s@`: the reply to RCPT comes two seconds late;
    * `slow-2s@`: the reply to the dot comes two seconds late.

    A plus sign and whatever follows it makes other addresses of the same kind: `later-451+claire@`.
    """

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    async def at_rcpt(self, address: str) -> str | None:
        kind, _, value = _fault(address)
        self._times[address] += 1
        if kind == "wait":
            await asyncio.sleep(_seconds(value))
        if kind in ("refuse", "later") or (kind == "twice" and self._times[address] <= 2):
            return f"{value} {value[:1]}.0.0 as asked for by the address"
        return None

    async def at_dot(self, addresses: Sequence[str]) -> str | Drop | None:
        for kind, _, value in map(_fault, addresses):
            if kind == "dot":
                return f"{value} {value[:1]}.0.0 as asked for by the address"
            if kind == "drop":
                return Drop(value)
        return None

    async def before_reply(self, addresses: Sequence[str]) -> None:
        for kind, _, value in map(_fault, addresses):
            if kind == "slow":
                await asyncio.sleep(_seconds(value))


def _fault(address: str) -> tuple[str, str, str]:
    """Return what the local part asks for, as ("refuse", "-", "550"); ("", "", "") if it asks for nothing."""
    asked = address.rpartition("@")[0].partition("+")[0].lower()
    return asked.partition("-") if _KNOWN.fullmatch(asked) else ("", "", "")


def _seconds(value: str) -> float:
    return float(value.removesuffix("s"))
