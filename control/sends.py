"""Start and signal the workflows of sends."""

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from control.client import ORGANIZATION, RECIPIENT, RULE, SESSION
from domain.identity import send_workflow_id
from domain.sends import Decided, DueChanged, SendInput, Status, Stop
from store.signals import Unsignalled
from workflows import options
from workflows.send import DUE_AT, SendWorkflow


class SendWorkflows:
    """What rows say, told to the workflows that sleep for them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, send: Unsignalled) -> None:
        """Tell the workflow of a send what its row says, starting it where it is wanted and missing.

        May be repeated, late or out of order: a workflow keeps the highest version it has seen.
        """
        if send.status in (Status.SCHEDULED, Status.CLAIMED):
            await self._start(send)
        else:
            await self._signal(send)

    async def _start(self, send: Unsignalled) -> None:
        await self._client.start_workflow(
            SendWorkflow.run,
            SendInput(send.id, send.due_at, send.version, send.rule, send.session),
            id=_workflow_id(send),
            task_queue=options.SENDS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="due_changed",
            start_signal_args=[DueChanged(send.due_at, send.version)],
            static_summary=f"{send.rule} · {send.session} · due {send.due_at:%Y-%m-%d %H:%M} UTC",
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(ORGANIZATION, send.organization),
                    SearchAttributePair(RULE, send.rule),
                    SearchAttributePair(SESSION, send.session),
                    SearchAttributePair(RECIPIENT, str(send.recipient)),
                    SearchAttributePair(DUE_AT, send.due_at),
                ]
            ),
        )

    async def _signal(self, send: Unsignalled) -> None:
        handle = self._client.get_workflow_handle_for(SendWorkflow.run, _workflow_id(send))
        try:
            if send.status in (Status.HANDING_OVER, Status.IN_DOUBT):
                await handle.signal(SendWorkflow.decided, Decided(send.version))
            else:
                await handle.signal(SendWorkflow.stop, Stop(send.reason or send.status, send.version))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # ended, or never needed
                raise


def _workflow_id(send: Unsignalled) -> str:
    return send_workflow_id(send.organization, send.rule, send.session, send.id)
