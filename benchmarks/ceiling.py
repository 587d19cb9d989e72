"""The other side: a Temporal server with our flags, a plain worker, and a client that starts and signals."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from activities.together import AT_ONCE
from benchmarks.plain import QUEUE, READY, PlainSend
from benchmarks.processes import Meter, settled, until
from benchmarks.server_file import ServerFile
from embedded.processes import free_port, serve
from embedded.temporal import TemporalServer


class Ceiling:
    """What the plain SDK does with as many workflows."""

    def __init__(self, folder: Path, processes: dict[str, int], client: Client) -> None:
        self.processes = processes
        self._folder, self._client = folder, client
        self._server = ServerFile(folder)
        self._ids: list[str] = []

    async def start(self, due_at: Sequence[datetime]) -> float:
        """Start a workflow for each instant; return when the last had set its timer."""
        self._ids = [f"send/{uuid4()}" for _ in due_at]

        async def start(id: str, due_at: datetime) -> None:
            await self._client.start_workflow(PlainSend.run, due_at.isoformat(), id=id, task_queue=QUEUE)

        await _at_once(start, self._ids, due_at)
        return await until(lambda: self._asleep(timer=1))

    async def move(self, due_at: datetime) -> float:
        """Move every workflow; return when the last had replaced its timer."""

        async def move(id: str, due_at: datetime) -> None:
            handle = self._client.get_workflow_handle(id)
            await handle.signal(PlainSend.move, due_at.isoformat())

        await _at_once(move, self._ids, [due_at] * len(self._ids))
        return await until(lambda: self._asleep(timer=2))

    async def done(self) -> float:
        """Return when every workflow has ended."""
        return await until(self._is_done)

    async def meter(self) -> Meter:
        """Return a meter of all processes, once they rest."""
        await settled(self.processes)
        return Meter(self.processes)

    def handed_over_at(self) -> list[datetime]:
        """Return when each activity began, in order."""
        return [datetime.fromisoformat(line) for line in _notes(self._folder).read_text().splitlines()]

    def history_lengths(self) -> list[int]:
        """Return how many events each send left in its history, the shortest first."""
        return self._server.history_lengths()

    async def _asleep(self, timer: int) -> bool:
        return self._server.timers(timer) == len(self._ids)

    async def _is_done(self) -> bool:
        return self._server.closed() == len(self._ids)


@asynccontextmanager
async def ceiling(folder: Path) -> AsyncIterator[Ceiling]:
    """Start server and worker in `folder`; end them with the block."""
    temporal = TemporalServer(folder)
    await temporal.start(free_port(), free_port())
    try:
        assert temporal.child
        log = folder / "log" / "plain.log"
        command = [sys.executable, "-m", "benchmarks.plain", temporal.address, str(_notes(folder))]

        async def is_ready() -> bool:
            return READY in log.read_text()

        worker = await serve(lambda: command, log, is_ready, [])
        try:
            processes = {"worker": worker.pid, "Temporal": temporal.child.pid, "client": os.getpid()}
            yield Ceiling(folder, processes, await Client.connect(temporal.address))
        finally:
            await worker.stop()
    finally:
        await temporal.stop()


def _notes(folder: Path) -> Path:
    return folder / "handed-over"


async def _at_once(
    work: Callable[[str, datetime], Awaitable[None]], ids: Sequence[str], due_at: Sequence[datetime]
) -> None:
    """Do it for each, as many at once as our own fan-out does."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(id: str, due: datetime) -> None:
        async with gate:
            await work(id, due)

    await asyncio.gather(*map(gated, ids, due_at))
