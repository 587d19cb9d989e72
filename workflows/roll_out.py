"""The roll-out of one rule over all sessions."""

from dataclasses import dataclass, replace
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.planning import PlanningActivities, RollOutProgress, RollOutRequest
    from workflows import options


@dataclass(frozen=True)
class RollOutInput:
    """Which rule to roll out, and from where."""

    rule: UUID
    progress: RollOutProgress | None = None


@workflow.defn
class RollOutRuleWorkflow:
    """Bring every session in line with a rule that changed, again for every change that came meanwhile."""

    @workflow.init
    def __init__(self, input: RollOutInput) -> None:
        self.changes = 1
        self.rolled_out = 0
        self.reached = input.progress or RollOutProgress(version=0)

    @workflow.run
    async def run(self, input: RollOutInput) -> None:
        while self.rolled_out < self.changes:
            hearing = self.changes
            self.reached = await workflow.execute_activity_method(
                PlanningActivities.roll_out, self._request(input.rule), **options.FAN_OUT
            )
            if not (self.reached.more or self.reached.dirty):
                self.rolled_out = hearing
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(replace(input, progress=self._request(input.rule).progress))

    def _request(self, rule: UUID) -> RollOutRequest:
        """Ask for the rest, or for a whole new roll-out."""
        return RollOutRequest(rule, self.reached if self.reached.more else None)

    @workflow.signal
    def changed(self) -> None:
        self.changes += 1

    @workflow.query
    def progress(self) -> RollOutProgress:
        """Say how far it is: sessions done and in total, sends changed, for which version of the rule."""
        return self.reached
