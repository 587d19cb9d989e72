"""Tell Temporal that a long activity is alive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import activity

BEAT_SECONDS = 5


@dataclass
class Heart:
    """What each beat says: how far the activity is, for the run after this one."""

    progress: object = None


@asynccontextmanager
async def heartbeating() -> AsyncIterator[Heart]:
    """Beat from a task of its own while the block runs, however busy the block is."""
    heart = Heart()
    beating = asyncio.create_task(_beat(heart))
    try:
        yield heart
    finally:
        beating.cancel()


async def _beat(heart: Heart) -> None:
    while True:
        await asyncio.sleep(
            BEAT_SECONDS
        )  # first: most activities are over before, and a beat costs the server a write
        activity.heartbeat(heart.progress)
