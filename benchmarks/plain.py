"""The ceiling: the plain SDK, a workflow of one timer and one activity that does nothing.

As a process: `python -m benchmarks.plain ADDRESS FILE`, a worker that writes to FILE when each activity began.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "plain"
READY = "the plain worker is ready"

with workflow.unsafe.imports_passed_through():
    from settings import Settings
    from worker import (
        CACHED_WORKFLOWS,
        DELIVERIES_PER_CONNECTION,
        GRACE,
        POLLS_FOR_FIRST_TASKS,
        WORKFLOW_POLLS,
    )


@workflow.defn
class PlainSend:
    """Sleep until due, then do nothing, once."""

    @workflow.init
    def __init__(self, due_at: str) -> None:
        self.due_at = datetime.fromisoformat(due_at)

    @workflow.run
    async def run(self, due_at: str) -> None:
        while (left := self.due_at - workflow.now()) > timedelta(0):
            await self._sleep(left)
        await workflow.execute_activity_method(
            HandOver.hand_over, start_to_close_timeout=timedelta(minutes=5)
        )

    @workflow.signal
    def move(self, due_at: str) -> None:
        self.due_at = datetime.fromisoformat(due_at)

    async def _sleep(self, left: timedelta) -> None:
        asleep_until = self.due_at
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self.due_at != asleep_until, timeout=left)


class HandOver:
    """Nothing but a note of when it happened."""

    def __init__(self, file: Path) -> None:
        self._notes = file.open("a", buffering=1)

    @activity.defn
    async def hand_over(self) -> None:
        self._notes.write(f"{datetime.now(UTC).isoformat()}\n")


async def run(address: str, file: Path) -> None:
    """Work until SIGTERM, with the options of our own worker of sends."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(address)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[PlainSend],
        activities=[HandOver(file).hand_over],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_workflow_task_polls=WORKFLOW_POLLS,
        nonsticky_to_sticky_poll_ratio=POLLS_FOR_FIRST_TASKS,
        max_concurrent_activities=DELIVERIES_PER_CONNECTION * Settings().smtp_connections,
        graceful_shutdown_timeout=GRACE,
    ):
        print(READY, flush=True)
        await stop.wait()
    os._exit(0)  # as our own does


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))
