"""Workers in a hurry: processes of their own, forked from one that has already read the code."""

import asyncio
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import cli
from embedded.apart import READY

# Reading the code takes a second of one core, and fifty workers are killed.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["worker", "cli", "sqlalchemy.dialects.postgresql.psycopg"])

_numbers = itertools.count(1)


class ForkedWorker:
    """One running `relance worker`. It ends when we end, however we end."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.log = folder / "log" / f"forked-{next(_numbers)}.log"
        self.log.touch()
        self._process = _FORKS.Process(target=_work, args=(self.log, dict(environment)))
        self._process.start()

    async def ready(self) -> "ForkedWorker":
        """Return once it works."""
        while READY not in self.log.read_text():
            assert self._process.is_alive(), self.log.read_text()
            await asyncio.sleep(0.02)
        return self

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, how)
        await asyncio.to_thread(self._process.join, 60)
        self._process.kill()  # does nothing when it has ended
        self._process.join()
        return self._process.exitcode or 0


def _work(log: Path, environment: Mapping[str, str]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with log.open("wb", buffering=0) as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    os.environ.update(environment)
    cli.main("worker")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
