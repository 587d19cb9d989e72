"""The schedule by which Temporal calls for the sweep."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows import options
from workflows.sweep import SweepWorkflow

ID = "relance-sweep"

# After an outage one sweep is enough: the shortest that Temporal takes.
CATCH_UP = timedelta(seconds=10)


async def ensure_schedule(client: Client, every: timedelta) -> None:
    """Have the sweep called for this often; may be repeated, by many workers at once."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(SweepWorkflow.run, id=ID, task_queue=options.PLANNING),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )

    def update(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = found.description.schedule.state  # an operator's pause stays
        return ScheduleUpdate(schedule)

    try:
        await client.create_schedule(ID, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(ID).update(update)
