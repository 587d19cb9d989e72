"""Sleepers survive a change of code: every history ever released replays."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

# Else the sandbox imports them anew for the workflows below, and their enums are others' enums.
with workflow.unsafe.imports_passed_through():
    from domain.sends import Answer, SendInput
    from workflows.epoch import EpochWorkflow
    from workflows.plan_session import PlanSessionWorkflow
    from workflows.roll_out import RollOutRuleWorkflow
    from workflows.send import SendWorkflow
    from workflows.sweep import SweepWorkflow

HISTORIES = sorted(Path(__file__).parent.glob("*.json"))
SENDS = {"send-moved", "send-stopped", "send-asleep", "send-looked", "send-witness"}
SHAPES = SENDS | {"plan-session", "roll-out", "sweep", "epoch"}
WORKFLOWS = [SendWorkflow, PlanSessionWorkflow, RollOutRuleWorkflow, SweepWorkflow, EpochWorkflow]


def read(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def replayer(*workflows: type) -> Replayer:
    return Replayer(workflows=workflows, data_converter=pydantic_data_converter)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_every_history_replays(path: Path) -> None:
    await replayer(*WORKFLOWS).replay_workflow(read(path))


def test_every_shape_has_a_history() -> None:
    assert {path.stem.rpartition("-")[0] for path in HISTORIES} == SHAPES


def test_no_history_holds_anything_personal() -> None:
    """PROTOCOLS L: with ids only in the payloads, 52 addresses were still readable in exception texts."""
    for path in HISTORIES:
        assert "@example.org" not in path.read_text()


@workflow.defn(name="SendWorkflow")
class NapsFirst(SendWorkflow):
    """Broken on purpose: a new timer before all others, behind no patch."""

    @workflow.run
    async def run(self, input: SendInput) -> str:
        await workflow.sleep(1)
        return await super().run(input)


@workflow.defn(name="SendWorkflow")
class DeliversTwice(SendWorkflow):
    """Broken on purpose: a second activity after the first."""

    @workflow.run
    async def run(self, input: SendInput) -> str:
        return await super().run(input)

    async def _deliver(self, version: int) -> Answer:
        await super()._deliver(version)
        return await super()._deliver(version)


@workflow.defn(name="SendWorkflow")
class Unbroken(SendWorkflow):
    """Another class that does the same."""

    @workflow.run
    async def run(self, input: SendInput) -> str:
        return await super().run(input)


@pytest.mark.parametrize("broken", [NapsFirst, DeliversTwice])
async def test_a_workflow_that_would_break_a_sleeper_is_rejected(
    broken: Callable[..., Awaitable[str]],
) -> None:
    for path in HISTORIES:
        if path.stem.startswith("send-moved"):
            with pytest.raises(NondeterminismError):
                await replayer(broken).replay_workflow(read(path))  # type: ignore[arg-type]


async def test_what_does_the_same_in_another_class_is_not_rejected() -> None:
    """Else the test above would show nothing."""
    for path in HISTORIES:
        if path.stem.startswith("send-"):
            await replayer(Unbroken).replay_workflow(read(path))
