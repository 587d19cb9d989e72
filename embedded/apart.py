"""The parts of `relance up`, each a process of its own: to be killed by tests, and to be measured."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from access import make_token
from embedded.mailbox import ACCEPTED
from embedded.postgres import Postgres
from embedded.processes import Child, free_port, serve
from embedded.temporal import TemporalServer
from migrate import migrate
from settings import Settings

READY = "the worker is ready"


@dataclass
class Apart:
    """PostgreSQL, Temporal and a mailbox that run; workers and APIs as they are asked for."""

    folder: Path
    environment: dict[str, str]
    postgres: Postgres
    temporal: TemporalServer
    mailbox: Child
    token: str  # opens the API
    started: list[Child] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def worker(self, **environment: str) -> Child:
        """Start a worker and return it once it works."""
        log = self._log("worker")

        async def is_ready() -> bool:
            return READY in log.read_text()

        return await self._serve("worker", log, is_ready, environment)

    async def api(self, **environment: str) -> tuple[Child, str]:
        """Start an API and return it, once it answers, with its address."""
        port = free_port()

        async def is_ready() -> bool:
            with suppress(OSError):
                _, connection = await asyncio.open_connection("127.0.0.1", port)
                connection.close()
                return True
            return False

        at = {"RELANCE_HOST": "127.0.0.1", "RELANCE_PORT": str(port)}
        child = await self._serve("server", self._log("api"), is_ready, at | environment)
        return child, f"http://127.0.0.1:{port}"

    def accepted(self) -> list[dict[str, Any]]:
        """Return what the mailbox took, in order: its log is the truth."""
        log = self.folder / "outbox" / ACCEPTED
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}-{next(self._numbers)}.log"

    async def _serve(
        self, module: str, log: Path, is_ready: Callable[[], Awaitable[bool]], environment: Mapping[str, str]
    ) -> Child:
        command = [sys.executable, "-m", module]
        child = await serve(lambda: command, log, is_ready, [], self.environment | dict(environment))
        self.started.append(child)
        return child


@asynccontextmanager
async def apart(
    folder: Path, environment: Mapping[str, str] | None = None, *, durable: bool = True
) -> AsyncIterator[Apart]:
    """Start PostgreSQL, Temporal and the mailbox below `folder`, and end them, and whatever was started, at the end.

    `environment` is that of every worker and API.
    """
    async with AsyncExitStack() as stack:
        postgres = Postgres(folder, durable=durable, settings={"max_connections": "200"})
        stack.push_async_callback(postgres.stop)
        settings = Settings()
        settings.database_url = await postgres.start()
        temporal = TemporalServer(folder)
        stack.push_async_callback(temporal.stop)
        await temporal.start(free_port(), free_port())
        await migrate(settings)
        mailbox, port = await _mailbox(folder)
        stack.push_async_callback(mailbox.stop)
        addresses = {
            "DATABASE_URL": settings.database_url,
            "TEMPORAL_ADDRESS": temporal.address,
            "SMTP_URL": f"smtp://127.0.0.1:{port}",
        }
        token = await make_token(settings, "apart")
        house = Apart(folder, addresses | dict(environment or {}), postgres, temporal, mailbox, token)
        try:
            yield house
        finally:
            await asyncio.gather(*(child.stop() for child in house.started))


async def _mailbox(folder: Path) -> tuple[Child, int]:
    log = folder / "log" / "mailbox.log"
    command = [sys.executable, "-m", "embedded.mailbox", "--folder", str(folder / "outbox")]

    async def is_ready() -> bool:
        return log.read_text().strip().isdigit()

    child = await serve(lambda: command, log, is_ready, [])
    return child, int(log.read_text())
