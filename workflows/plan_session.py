"""Planning of one session, whenever something changed."""

from dataclasses import dataclass
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.planning import PlanningActivities, PlanRequest
    from workflows import options


@dataclass(frozen=True)
class PlanInput:
    """Which session to plan."""

    session: UUID


@workflow.defn
class PlanSessionWorkflow:
    """Plan one session and tell its sends, again for every change that came meanwhile, then end."""

    @workflow.init
    def __init__(self, input: PlanInput) -> None:
        self.changes = 1  # heard of
        self.planned = 0

    @workflow.run
    async def run(self, input: PlanInput) -> None:
        request = PlanRequest(input.session)
        while self.planned < self.changes:
            hearing = self.changes
            plan = await workflow.execute_activity_method(
                PlanningActivities.plan_session, request, **options.PLAN
            )
            telling = await workflow.execute_activity_method(
                PlanningActivities.fan_out, request, **options.FAN_OUT
            )
            if not (plan.dirty or telling.dirty):
                self.planned = hearing
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)

    @workflow.signal
    def changed(self) -> None:
        self.changes += 1
