"""Ask Temporal what a workflow does, by its id."""

from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from activities.witness import Doing, Said
from control.patience import TO_ANSWER, is_missing, is_silence
from control.sends import workflow_id
from domain.identity import plan_workflow_id, roll_out_workflow_id
from domain.sends import SendStatus, Status
from store.signals import Unsignalled
from store.sweep import Left
from workflows.send import SendWorkflow

Handle = WorkflowHandle[Any, Any]


class TemporalWitness:
    """What Temporal knows; an RPCError when it is away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def plans(self, session: Left) -> bool:
        return await self._runs(plan_workflow_id(session.organization, session.key))

    async def rolls_out(self, rule: Left) -> bool:
        return await self._runs(roll_out_workflow_id(rule.organization, rule.key, rule.id))

    async def ask(self, send: Unsignalled) -> Said:
        """Return what the workflow of a send does; one that does not answer is taken for one at work."""
        handle = self._handle(send)
        description = await self._describe(handle)
        if description is None:
            return Said(Doing.GONE)
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return await self._last_words(send, handle, description.status)
        if _is_at_work(description):
            return Said(Doing.WORKING)
        try:
            status = await _query(handle)
        except (TimeoutError, WorkflowQueryFailedError):
            return Said(Doing.WORKING)
        return Said(Doing.ASLEEP, status.asks_again_at)

    async def look(self, send: Unsignalled) -> None:
        handle = self._handle(send)
        try:
            await handle.signal(SendWorkflow.look)
        except RPCError as error:
            if not is_missing(error):  # ended meanwhile: the next sweep sees to it
                raise

    def _handle(self, send: Unsignalled) -> Handle:
        return self._client.get_workflow_handle(workflow_id(send))

    async def _last_words(
        self, send: Unsignalled, handle: Handle, status: WorkflowExecutionStatus | None
    ) -> Said:
        """Return what a closed workflow still knows of a hand-over: the second witness."""
        try:
            if status is WorkflowExecutionStatus.COMPLETED and await handle.result() == Status.SENT:
                return Said(Doing.ENDED, sent=True)
            if send.status is Status.HANDING_OVER:
                return Said(Doing.ENDED, outcome=(await _query(handle)).outcome)
        except TimeoutError:
            return Said(Doing.WORKING)
        except WorkflowQueryFailedError:  # it can no longer be read, and never will be
            pass
        return Said(Doing.ENDED)

    async def _runs(self, id: str) -> bool:
        description = await self._describe(self._client.get_workflow_handle(id))
        return description is not None and description.status is WorkflowExecutionStatus.RUNNING

    async def _describe(self, handle: Handle) -> WorkflowExecutionDescription | None:
        try:
            return await handle.describe(rpc_timeout=TO_ANSWER)
        except RPCError as error:
            if is_missing(error):
                return None
            raise


async def _query(handle: Handle) -> SendStatus:
    """Return its status; raise TimeoutError when no worker answers in time."""
    try:
        return await handle.query(SendWorkflow.status, rpc_timeout=TO_ANSWER)
    except RPCError as error:
        if is_silence(error):
            raise TimeoutError from error
        raise


def _is_at_work(description: WorkflowExecutionDescription) -> bool:
    raw = description.raw_description
    return bool(raw.pending_activities) or raw.HasField("pending_workflow_task")
