"""What processes use, and when they have nothing more to do."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import psutil

PATIENCE = 120  # seconds
_LOOK = 0.05  # seconds between two looks: half a percent of what we measure


async def until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Wait until it holds; return when that was seen, by `time.time()`."""
    give_up_at = time.monotonic() + PATIENCE
    while not await condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"it did not happen within {PATIENCE} s")
        await asyncio.sleep(_LOOK)
    return time.time()


def cpu_seconds(processes: Mapping[str, int]) -> dict[str, float]:
    """Return the processor seconds used so far, by name, from process ids.

    Their children count as theirs; those of this process, which started them all, do not.
    """
    return {name: _used(psutil.Process(id)) for name, id in processes.items()}


async def settled(processes: Mapping[str, int], share: float = 0.1, seconds: float = 0.5) -> None:
    """Return when none of them uses more than this share of a processor: what was put off is done as well."""
    before = cpu_seconds(processes)
    while True:
        await asyncio.sleep(seconds)
        after = cpu_seconds(processes)
        if all(after[name] - before[name] < share * seconds for name in processes):
            return
        before = after


class Meter:
    """Processor time from its making on."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = processes
        self._before = cpu_seconds(processes)

    async def read(self, count: int) -> dict[str, float]:
        """Wait for the end of all work and return milliseconds for each of `count` sends, by process."""
        await settled(self._processes)
        after = cpu_seconds(self._processes)
        return {name: (after[name] - self._before[name]) / count * 1000 for name in after}


def _used(process: psutil.Process) -> float:
    own = process.cpu_times()
    used = own.user + own.system
    if process.pid == os.getpid():
        return float(used)
    used += own.children_user + own.children_system  # of those that have ended
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # its parent counts it from now on
            used += _used(child)
    return float(used)
