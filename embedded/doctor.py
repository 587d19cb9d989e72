"""`relance doctor`: look at every part, and say how to mend what is wrong."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from control.client import SEARCH_ATTRIBUTES, connect
from domain.zones import zone_data_version
from embedded.up import ADDRESSES, base_url
from mail.transport import Relay
from settings import Settings
from store.clock import check_clock
from store.database import Store
from store.migrate import pending
from store.sweep import list_rules_left, list_sessions_left
from worker import relay_settings
from workflows import options

PATIENCE = 10  # seconds for each check
LONG_DIRTY = timedelta(minutes=2)


class IllError(Exception):
    """Something is wrong; the message says what, and how to mend it."""


async def doctor(folder: Path, console: Console) -> int:
    """Print one line for each part; return 1 when any is ill."""
    settings = _settings(folder, console)
    ill = 0
    for name, check in CHECKS.items():
        try:
            async with asyncio.timeout(PATIENCE):
                console.print(f"  [green]✓[/] {name:<16}{escape(await check(settings))}")
        except Exception as error:  # whatever it is, the doctor goes on to the next part
            ill = 1
            text = f"no answer in {PATIENCE} s" if isinstance(error, TimeoutError) else str(error)
            console.print(f"  [red]✗[/] {name:<16}{escape(text.strip())}")
    return ill


def _settings(folder: Path, console: Console) -> Settings:
    """Return the settings of the environment, completed by those of a running `relance up`."""
    settings = Settings()
    running = folder / ADDRESSES
    if running.exists():
        for name, value in json.loads(running.read_text()).items():
            if name in Settings.model_fields:
                setattr(settings, name, value)
        console.print(f"Looking at what `relance up` runs in {folder}/.")
    return settings


async def _python(_: Settings) -> str:
    fixed = (3, 11, 10) if sys.version_info < (3, 12) else (3, 12, 5)
    note = (
        "" if sys.version_info >= fixed else "; its email package has a known hole that Relance does not use"
    )
    return f"{sys.version.split()[0]}, zone data {zone_data_version()}{note}"


async def _database(settings: Settings) -> str:
    if not settings.database_url:
        raise IllError("nothing is named: run `relance up`, or set DATABASE_URL to postgresql://…")
    revisions = await asyncio.to_thread(pending, settings.database_url)
    if revisions:
        raise IllError(f"{len(revisions)} migrations are missing: run `relance migrate`")
    store = Store(settings.database_url)
    try:
        async with store.transaction() as db:
            await check_clock(db)
            sessions = await list_sessions_left(db, LONG_DIRTY, 100)
            rules = await list_rules_left(db, LONG_DIRTY, 100)
    finally:
        await store.close()
    if sessions or rules:
        behind = f"{len(sessions)} sessions and {len(rules)} rules have waited for planning for two minutes"
        raise IllError(f"{behind}: is a worker running?")
    return "answers, tables up to date, clock right, commits durable"


async def _temporal(settings: Settings) -> str:
    client = await _client(settings)
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known]
    if missing:
        raise IllError(
            f"search attributes are missing ({', '.join(missing)}): start a worker, which makes them"
        )
    return f"answers at {settings.temporal_address}, search attributes are there"


async def _worker(settings: Settings) -> str:
    client = await _client(settings)
    for queue in (options.SENDS, options.PLANNING):
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        if not (await client.workflow_service.describe_task_queue(request)).pollers:
            raise IllError(f"nobody works on {queue}: run `relance worker`")
    return "polls both task queues"


async def _mail(settings: Settings) -> str:
    if not settings.smtp_url:
        raise IllError("nothing is named: run `relance up`, or set SMTP_URL to smtp://…")
    relay = Relay(relay_settings(settings))
    try:
        await relay.check()
    finally:
        await relay.aclose()
    return "the mail server greets"


async def _api(settings: Settings) -> str:
    try:
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
    except OSError:
        cure = "run `relance up` or `relance api`"
        raise IllError(f"nobody answers at {base_url(settings)}: {cure}") from None
    writer.write(b"GET /openapi.json HTTP/1.0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    if b" 200 " not in status:
        raise IllError(f"port {settings.port} is taken by something else: set RELANCE_PORT")
    return f"answers at {base_url(settings)}"


async def _client(settings: Settings) -> Client:
    if not settings.temporal_address:
        raise IllError("nothing is named: run `relance up`, or set TEMPORAL_ADDRESS to host:port")
    return await connect(settings.temporal_address, settings.temporal_namespace)


CHECKS: dict[str, Callable[[Settings], Awaitable[str]]] = {
    "Python": _python,
    "PostgreSQL": _database,
    "Temporal": _temporal,
    "Worker": _worker,
    "Mail server": _mail,
    "API": _api,
}
