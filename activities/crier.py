"""Tell workflows what their rows say, in chunks, and let mails that are due go first."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from temporalio.service import RPCError, RPCStatusCode

from activities.together import AT_ONCE
from store.database import Store
from store.failpoints import MID_CHUNK, TOLD, failpoint
from store.signals import Unsignalled, is_any_late, list_unsignalled, mark_signalled

log = logging.getLogger(__name__)

# Between two chunks a newer change gets its turn, and so do mails that are due. Of two lanes one tells while the other
# reads and writes rows, so that Temporal never waits for PostgreSQL.
CHUNK = 100
LANES = 2

# First tasks of new workflows stand in one queue with those of mails that are due: each chunk of a roll-out waits, for so
# many seconds at the most, until fewer than so many tasks wait there and no mail is late, and looks so often.
LONGEST_PAUSE = 10.0
FEW = 200
LOOK_AGAIN = 0.25

# What Temporal says of one workflow; anything else may be over in a moment.
_REFUSALS = frozenset(
    {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.OUT_OF_RANGE}
)


class Signaller(Protocol):
    """Tells one send's workflow what its row says, starting it where it is not there."""

    async def tell(self, send: Unsignalled) -> None: ...

    async def backlog(self) -> int:
        """Return about how many tasks of workflows wait for a worker."""
        ...


class Crier:
    """Tells the workflows of some sessions; made anew for each run, so that the next tries again what was refused."""

    def __init__(self, store: Store, signaller: Signaller, *, gives_way: bool = False) -> None:
        """`gives_way`: what it tells is many and can wait for mails that are due, as a roll-out can."""
        self._store = store
        self._signaller = signaller
        self._gives_way = gives_way
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._listing = asyncio.Lock()
        self._in_hand: set[UUID] = set()
        self._refused: set[UUID] = set()
        self._more = True

    async def tell_all(
        self, sessions: Sequence[UUID], is_outdated: Callable[[], Awaitable[bool]]
    ) -> tuple[int, bool]:
        """Tell chunk after chunk, until all workflows know or `is_outdated` says that a newer change wants its turn.

        Return how many were told, and whether it was outdated. May be repeated, as `tell_some`.
        """
        told, outdated = 0, False
        self._more = True

        async def lane() -> None:
            nonlocal told, outdated
            while not outdated and (chunk := await self.tell_some(sessions)):
                told += chunk
                outdated = await is_outdated() or outdated

        async with asyncio.TaskGroup() as group:
            for _ in range(LANES):
                group.create_task(lane())
        return told, outdated

    async def tell_some(self, sessions: Sequence[UUID]) -> int:
        """Tell one chunk of workflows, the soonest due first; return how many, 0 when all know or are in hand.

        What Temporal refuses of one send stops no other: its row stays behind, and the sweep takes it up. An
        error that is nobody's own is raised when the others are told. May be repeated.
        """
        chunk = await self._take_in_hand(sessions)
        if not chunk:
            return 0
        try:
            if self._gives_way:
                await self._let_due_mails_pass()
            await self._tell(chunk)
        finally:
            self._in_hand.difference_update(send.id for send in chunk)
        return len(chunk)

    async def _take_in_hand(self, sessions: Sequence[UUID]) -> list[Unsignalled]:
        async with self._listing:
            if not self._more:
                return []
            async with self._store.transaction() as db:
                chunk = await list_unsignalled(db, sessions, CHUNK, without=self._refused | self._in_hand)
            self._in_hand.update(send.id for send in chunk)
            self._more = len(chunk) == CHUNK  # whoever writes what this did not find has it told as well
            return chunk

    async def _tell(self, chunk: Sequence[Unsignalled]) -> None:
        async def tell(send: Unsignalled) -> None:
            async with self._gate:
                await self._signaller.tell(send)
            failpoint(MID_CHUNK)

        outcomes = await asyncio.gather(*map(tell, chunk), return_exceptions=True)
        failpoint(TOLD)
        async with self._store.transaction() as db:
            await mark_signalled(
                db, [send for send, error in zip(chunk, outcomes, strict=True) if error is None]
            )
        for send, error in zip(chunk, outcomes, strict=True):
            if error is not None:
                self._leave(send, error)

    def _leave(self, send: Unsignalled, error: BaseException) -> None:
        if not isinstance(error, RPCError) or error.status not in _REFUSALS:
            raise error
        log.error("the workflow of send %s could not be told: %s", send.id, error.status.name)
        self._refused.add(send.id)

    async def _let_due_mails_pass(self) -> None:
        give_way_until = time.monotonic() + LONGEST_PAUSE
        while time.monotonic() < give_way_until:
            if not await self._is_busy():
                return
            await asyncio.sleep(LOOK_AGAIN)

    async def _is_busy(self) -> bool:
        if await self._signaller.backlog() > FEW:
            return True
        async with self._store.statement() as db:
            return await is_any_late(db)
