"""The worker: builds what activities need, registers workflows and activities, runs until told to stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.delivery import DeliveryActivities, Leases
from activities.errors import ErrorsAsCodes
from activities.planning import PlanningActivities
from activities.sweep import SweepActivities
from control.client import connect
from control.plans import Plans
from control.schedule import ensure_schedule
from control.search_attributes import ensure_search_attributes
from control.sends import SendWorkflows
from control.sweep import build_sweeper, sweep_for_ever
from domain.upkeep import Sweeping
from mail.transport import Relay, RelaySettings
from settings import Settings
from store.clock import check_clock
from store.database import Store
from store.senders import set_rate
from workflows import options
from workflows.epoch import EpochWorkflow
from workflows.plan_session import PlanSessionWorkflow
from workflows.roll_out import RollOutRuleWorkflow
from workflows.send import SendWorkflow
from workflows.sweep import SweepWorkflow

# Larger than the bursts we expect, so that sleepers that wake together are not replayed (55 kB each).
CACHED_WORKFLOWS = 2000

# Half of them wait for first tasks, one or more at each of the server's four partitions of a queue. The SDK's default is
# a single one, and of a partition where none waits the server forwards ten tasks a second.
WORKFLOW_POLLS = 10
POLLS_FOR_FIRST_TASKS = 0.5

# While one mail is on the wire the next is prepared; more would hold their rows and wait for a connection.
DELIVERIES_PER_CONNECTION = 2

# A stopped worker lets a hand-over under way finish, so that a clean stop leaves no doubt.
GRACE = timedelta(seconds=30)


def build_workers(
    client: Client,
    store: Store,
    relay: Relay,
    leases: Leases | None = None,
    interceptors: Sequence[Interceptor] = (),
    sweeping: Sweeping | None = None,
    workflow_runner: WorkflowRunner | None = None,
) -> list[Worker]:
    """Return the worker of sends and the worker of planning; each is an async context manager.

    Tests run workflows in the SDK's sandbox, which finds what is not deterministic; without it starting one costs
    half as much (docs/decisions/0009).
    """
    runner = workflow_runner or UnsandboxedWorkflowRunner()
    deliveries = DeliveryActivities(store, relay, leases, Plans(client))
    planning = PlanningActivities(store, SendWorkflows(client))
    sweeping = sweeping or Sweeping()
    upkeep = SweepActivities(build_sweeper(client, store, sweeping.every), sweeping)
    return [
        Worker(
            client,
            task_queue=options.SENDS,
            workflows=[SendWorkflow],
            activities=[deliveries.look, deliveries.deliver, deliveries.record],
            workflow_runner=runner,
            interceptors=[ErrorsAsCodes(), *interceptors],
            max_cached_workflows=CACHED_WORKFLOWS,
            max_concurrent_workflow_task_polls=WORKFLOW_POLLS,
            nonsticky_to_sticky_poll_ratio=POLLS_FOR_FIRST_TASKS,
            max_concurrent_activities=DELIVERIES_PER_CONNECTION * relay.settings.connections,
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            client,
            task_queue=options.PLANNING,
            workflows=[PlanSessionWorkflow, RollOutRuleWorkflow, SweepWorkflow, EpochWorkflow],
            activities=[planning.plan_session, planning.fan_out, planning.roll_out, upkeep.sweep],
            workflow_runner=runner,
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
    store = Store(settings.database_url, pool_size=20, ping=False, prepare_at_once=True)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        async with store.transaction() as db:
            await check_clock(db)
            woken = await set_rate(db, settings.sender_rate, settings.sender_burst)
        client = await connect(settings.temporal_address, settings.temporal_namespace)
        await ensure_search_attributes(client)
        for session in woken:
            await Plans(client).session_changed(session.organization, session.key, session.id)
        relay = Relay(relay_settings(settings))
        stack.push_async_callback(relay.aclose)
        leases = Leases(settings.claim_lease, settings.hand_over_lease)
        sweeping = Sweeping(settings.sweep_every, settings.sweep_grace)
        for worker in build_workers(client, store, relay, leases, sweeping=sweeping):
            await stack.enter_async_context(worker)
        await ensure_schedule(client, sweeping.every)
        loop = asyncio.create_task(sweep_for_ever(build_sweeper(client, store, sweeping.every), sweeping))
        stack.callback(loop.cancel)
        yield


def relay_settings(settings: Settings) -> RelaySettings:
    """Return where mails are handed over, and how patiently."""
    return replace(
        RelaySettings.from_url(settings.smtp_url),
        connections=settings.smtp_connections,
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
