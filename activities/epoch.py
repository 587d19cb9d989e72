"""Have PostgreSQL and Temporal come as far as each other? A counter in each tells when one was lost or restored."""

from collections import Counter as Repairs
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from activities.overdue import Overdue
from activities.poke import Poke
from activities.together import together
from domain.upkeep import Repair
from store.database import Store
from store.sweep import Left, forget_signals
from store.upkeep import count_repairs, lock_epoch, set_epoch

CHUNK = 5000  # rows locked together


class Counter(Protocol):
    """Temporal's side of the epoch."""

    async def read(self) -> int | None:
        """Return it; None when Temporal knows nothing of it. Raises TimeoutError when nobody answers for it."""

    async def advance(self, epoch: int) -> None:
        """Set it, where it is lower; made where it is missing."""

    async def prepare(self) -> None:
        """Make what our workflows need on a Temporal that has forgotten everything."""


class Epoch:
    """Advanced with every sweep, in Temporal first: ahead by one, PostgreSQL missed a commit and nothing is lost."""

    def __init__(self, store: Store, poke: Poke, counter: Counter, overdue: Overdue) -> None:
        self._store = store
        self._poke = poke
        self._counter = counter
        self._overdue = overdue

    async def mend(self, grace: timedelta) -> Repairs[Repair]:
        """Advance the epoch. Where the two do not fit, have every send that waits told again, and count them.

        May be repeated, and interrupted: what was forgotten is told by the next sweep.
        """
        try:
            found = await self._advance()
        except TimeoutError:  # the workers are busy: the next sweep asks again
            return Repairs()
        if found.fit:
            return Repairs()
        await self._counter.prepare()
        if found.postgres_is_older:
            await self._overdue.believe()
        sessions, sends = await self._forget()
        await self._advance(whatever=True)
        await together(lambda one: self._poke.session_changed(one.organization, one.key, one.id), sessions)
        return Repairs({Repair.EPOCH: sends})

    async def _advance(self, *, whatever: bool = False) -> "_Epochs":
        """Advance both where they fit; return how they were found."""
        async with self._store.transaction() as db:
            found = _Epochs(await lock_epoch(db), await self._counter.read())
            if whatever or found.fit:
                # Where both fit, a step that is taken again leads no further: else two that failed would look like a loss.
                epoch = (max(found.ours, found.theirs or 0) if whatever else found.ours) + 1
                await self._counter.advance(epoch)
                await set_epoch(db, epoch)
            return found

    async def _forget(self) -> tuple[list[Left], int]:
        """Forget, in chunks, that anybody was told; return the sessions concerned and how many sends."""
        sessions, sends, last = set[Left](), 0, None
        while True:
            async with self._store.transaction() as db:
                chunk = await forget_signals(db, last, CHUNK)
                if chunk is None:
                    return list(sessions), sends
                await count_repairs(db, {Repair.EPOCH: chunk.sends})
            last, sends = chunk.last, sends + chunk.sends
            sessions.update(chunk.sessions)


@dataclass(frozen=True, slots=True)
class _Epochs:
    """PostgreSQL's and Temporal's."""

    ours: int
    theirs: int | None

    @property
    def fit(self) -> bool:
        """Nothing was lost: both are as far, or a crash came between the two, or all begins."""
        return self.theirs in (self.ours, self.ours + 1) or (self.ours == 0 and self.theirs is None)

    @property
    def postgres_is_older(self) -> bool:
        return self.theirs is not None and self.theirs > self.ours
