"""The server of the API and the pages: builds what routes need, runs until told to stop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.house import House
from control.client import connect
from control.plans import Plans
from mail.outbox import Outbox
from settings import Settings
from store.database import Store
from store.organizations import MAIN, fetch_organization
from web.pages import create_pages
from web.sign_in import SignIn
from web.stored_sends import StoredSends
from web.stored_tokens import StoredTokens

GRACE = 5  # seconds for answers under way: a connection that never ends must not keep us from stopping

# Seconds. Longer than clients keep a connection that nobody uses: who closes first must not be us, as they ask.
KEEP_ALIVE = 75


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[FastAPI]:
    """Return API and pages as one application, over connections that last as long as the block."""
    store = Store(settings.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        async with store.transaction() as db:
            organization = await fetch_organization(db, MAIN)
        client = await connect(settings.temporal_address, settings.temporal_namespace)
        plans = Plans(client)
        app = create_app(House(store, plans, organization))
        outbox = Outbox(Path(settings.outbox)) if settings.outbox else None
        ui = settings.temporal_ui or None
        workflows = f"{ui}/namespaces/{settings.temporal_namespace}/workflows" if ui else None
        sign_in = None if settings.open_pages else SignIn(StoredTokens(store, organization))
        sends = StoredSends(store, organization, workflows, plans)
        app.include_router(create_pages(sends, outbox, ui, sign_in=sign_in, host=settings.host))
        yield app


@asynccontextmanager
async def serving(settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    """Serve on a listening socket while the block runs."""
    async with application(settings) as app:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]))
        ready = asyncio.create_task(server.ready.wait())
        try:
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            if not server.started:
                await task  # says why
                raise RuntimeError("the API ended while it started")
            yield
        finally:  # also when the block is cancelled
            ready.cancel()
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Says when it answers, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings) -> None:
    """Serve on the host and port of the settings until SIGTERM or SIGINT."""
    async with application(settings.require("database_url", "temporal_address")) as app:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    from cli import main

    main("api")
