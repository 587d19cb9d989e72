"""The worker: builds what activities need, registers workflows and activities, runs until told to stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from activities.delivery import DeliveryActivities, Leases
from activities.errors import ErrorsAsCodes
from activities.planning import PlanningActivities
from control.client import connect
from control.plans import Plans
from control.search_attributes import ensure_search_attributes
from control.sends import SendWorkflows
from control.sweep import sweep_for_ever
from mail.transport import Relay, RelaySettings
from settings import Settings
from store.clock import check_clock
from store.database import Store
from workflows import options
from workflows.plan_session import PlanSessionWorkflow
from workflows.roll_out import RollOutRuleWorkflow
from workflows.send import SendWorkflow

# Larger than the bursts we expect, so that sleepers that wake together are not replayed (55 kB each).
CACHED_WORKFLOWS = 2000
DELIVERIES_AT_ONCE = 100

# A stopped worker lets a hand-over under way finish, so that a clean stop leaves no doubt.
GRACE = timedelta(seconds=30)


def build_workers(
    client: Client,
    store: Store,
    relay: Relay,
    leases: Leases | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> list[Worker]:
    """Return the worker of sends and the worker of planning; each is an async context manager."""
    deliveries = DeliveryActivities(store, relay, leases)
    planning = PlanningActivities(store, SendWorkflows(client))
    return [
        Worker(
            client,
            task_queue=options.SENDS,
            workflows=[SendWorkflow],
            activities=[deliveries.look, deliveries.deliver, deliveries.record],
            interceptors=[ErrorsAsCodes(), *interceptors],
            max_cached_workflows=CACHED_WORKFLOWS,
            max_concurrent_activities=DELIVERIES_AT_ONCE,
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            client,
            task_queue=options.PLANNING,
            workflows=[PlanSessionWorkflow, RollOutRuleWorkflow],
            activities=[planning.plan_session, planning.fan_out, planning.roll_out],
            interceptors=[ErrorsAsCodes(), *interceptors],
            max_concurrent_activities=10,
            graceful_shutdown_timeout=GRACE,
        ),
    ]


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Work while the block runs; refuse a database or settings that could break a promise."""
    # The SDK would log a failed activity with its traceback, whose texts hold addresses; we log it in one line.
    logging.getLogger("temporalio.activity").setLevel(logging.CRITICAL)
    store = Store(settings.database_url, pool_size=20)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        async with store.transaction() as db:
            await check_clock(db)
        client = await connect(settings.temporal_address, settings.temporal_namespace)
        await ensure_search_attributes(client)
        relay = Relay(relay_settings(settings))
        stack.push_async_callback(relay.aclose)
        leases = Leases(settings.claim_lease, settings.hand_over_lease)
        for worker in build_workers(client, store, relay, leases):
            await stack.enter_async_context(worker)
        sweeping = asyncio.create_task(sweep_for_ever(store, Plans(client)))
        stack.callback(sweeping.cancel)
        yield


def relay_settings(settings: Settings) -> RelaySettings:
    """Return where mails are handed over, and how patiently."""
    return replace(
        RelaySettings.from_url(settings.smtp_url),
        connect_timeout=settings.smtp_timeout.total_seconds(),
        body_timeout=settings.smtp_timeout.total_seconds(),
        reply_timeout=settings.reply_timeout.total_seconds(),
    )


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with working(settings.require("database_url", "temporal_address", "smtp_url")):
        logging.getLogger("relance").info("the worker is ready")
        await stop.wait()


if __name__ == "__main__":
    from cli import main

    main("worker")
