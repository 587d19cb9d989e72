"""Temporal's side of the epoch."""

from dataclasses import dataclass

from temporalio import workflow


@dataclass(frozen=True)
class EpochInput:
    """How far PostgreSQL and Temporal had come together when this run began."""

    epoch: int = 0


@workflow.defn
class EpochWorkflow:
    """Remember the epoch for as long as Temporal remembers anything: gone or behind, Temporal was lost or restored."""

    @workflow.init
    def __init__(self, input: EpochInput) -> None:
        self.reached = input.epoch

    @workflow.run
    async def run(self, input: EpochInput) -> None:
        await workflow.wait_condition(workflow.info().is_continue_as_new_suggested)
        workflow.continue_as_new(EpochInput(self.reached))

    @workflow.signal
    def advance(self, epoch: int) -> None:
        self.reached = max(self.reached, epoch)

    @workflow.query
    def epoch(self) -> int:
        return self.reached
