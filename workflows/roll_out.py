"""The roll-out of one rule over all sessions."""

from dataclasses import dataclass
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.planning import PlanningActivities, RollOutRequest
    from workflows import options


@dataclass(frozen=True)
class RollOutInput:
    """Which rule to roll out."""

    rule: UUID


@workflow.defn
class RollOutRuleWorkflow:
    """Bring every session in line with a rule that changed, again for every change that came meanwhile."""

    @workflow.init
    def __init__(self, input: RollOutInput) -> None:
        self.changes = 1
        self.rolled_out = 0

    @workflow.run
    async def run(self, input: RollOutInput) -> None:
        while self.rolled_out < self.changes:
            hearing = self.changes
            progress = await workflow.execute_activity_method(
                PlanningActivities.roll_out, RollOutRequest(input.rule), **options.FAN_OUT
            )
            if not progress.dirty:
                self.rolled_out = hearing
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)

    @workflow.signal
    def changed(self) -> None:
        self.changes += 1
