"""Temporal for one machine: the vendor's dev server with its UI, its state in a file."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import IO

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from embedded.processes import Child, claim, end_leftover, find_binary, free_port, serve

_OPTIONS = [
    *("--log-level", "warn"),
    # Nothing here calls out: neither for news nor for newer versions.
    *("--ui-disable-news-fetch", "--dynamic-config-value", "frontend.enableServerVersionCheck=false"),
    # Readers and the writer do not wait for each other; a power cut may cost the last moments, no more.
    *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
]


class TemporalServer:
    """One Temporal server below `folder`, the `var` of a Relance: state in `temporal`, logs in `log`.

    `address` and `ui_url` say where it answers, on the loopback interface only, once it has started.
    `namespace` is made where it is missing.
    """

    def __init__(self, folder: Path, namespace: str = "default") -> None:
        self.folder = folder.resolve() / "temporal"
        self.log = folder.resolve() / "log" / "temporal.log"
        self.namespace = namespace
        self.address = ""
        self.ui_url = ""
        self.child: Child | None = None
        self._database = self.folder / "temporal.db"
        self._pid = self.folder / "pid"
        self._lock: IO[str] | None = None

    async def start(self, port: int = 7233, ui_port: int = 8233) -> None:
        """Start the server, on the state of the last run if there is some; on other ports where these are taken.

        Raises StartError with nothing left running.
        """
        # Two servers on one file do not notice each other, and both fire its timers.
        self._lock = claim(self.folder)
        try:
            await self._end_leftover()
            await self._serve(port, ui_port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server, which takes a second or two. Safe to repeat."""
        if self.child:
            await self.child.stop()
        if self._lock:
            self._lock.close()

    async def _end_leftover(self) -> None:
        """End the server that outlived a killed parent, where the kernel does not do so."""
        with suppress(FileNotFoundError, ValueError):
            await end_leftover(int(self._pid.read_text()), str(self._database))

    async def _serve(self, port: int, ui_port: int) -> None:
        """Start the server and wait until it answers."""
        start_dev = [str(find_binary("temporal", "TEMPORAL_BIN")), "server", "start-dev", *_OPTIONS]
        # No file is there: a person's settings for the vendor's command line are not meant for us.
        ours = ["--env-file", str(self.folder / "none"), "--db-filename", str(self._database)]
        ours += ["--namespace", self.namespace]

        def command() -> list[str]:
            rpc, ui = free_port(port), free_port(ui_port)
            self.address, self.ui_url = f"127.0.0.1:{rpc}", f"http://127.0.0.1:{ui}"
            return [*start_dev, *ours, "--ip", "127.0.0.1", "--port", f"{rpc}", "--ui-port", f"{ui}"]

        # Somebody may take a port between our look and the server's; an old server may still hold the state.
        passing = ["address already in use", "database is locked"]
        self.child = await serve(command, self.log, self._answers, passing)
        self._pid.write_text(f"{self.child.pid}")

    async def _answers(self) -> bool:
        with suppress(RuntimeError, RPCError, OSError):
            client = await Client.connect(self.address)
            request = DescribeNamespaceRequest(namespace=self.namespace)
            await client.workflow_service.describe_namespace(request)
            _, page = await asyncio.open_connection(*self.ui_url.removeprefix("http://").split(":"))
            page.close()
            return True
        return False
