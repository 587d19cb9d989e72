"""Start and signal the workflows of sends."""

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from control.client import ORGANIZATION, RECIPIENT, RULE, SESSION
from control.patience import TO_ANSWER
from domain.identity import send_workflow_id
from domain.sends import FINAL, REVOCABLE, Decided, DueChanged, SendInput, Stop
from store.signals import Unsignalled
from workflows import options
from workflows.send import SendWorkflow


class SendWorkflows:
    """What rows say, told to the workflows that sleep for them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tell(self, send: Unsignalled) -> None:
        """Tell the workflow of a send what its row says, starting it where it is wanted and missing.

        May be repeated, late or out of order: a workflow keeps the highest version it has seen.
        """
        if send.status in FINAL:
            await self._stop(send)
        else:
            await self._start(send)

    async def backlog(self) -> int:
        """Return about how many tasks of sends wait for a worker; 0 where the server does not count them."""
        asked = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=options.SENDS),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            report_stats=True,
        )
        try:
            queue = await self._client.workflow_service.describe_task_queue(asked, timeout=TO_ANSWER)
        except RPCError:
            return 0
        return queue.stats.approximate_backlog_count

    async def _start(self, send: Unsignalled) -> None:
        """A row that is not final has a workflow; one that never changed has no news for it."""
        signal, words = _news(send) if send.version > 1 else (None, [])
        await self._client.start_workflow(
            SendWorkflow.run,
            SendInput(
                send.id,
                send.due_at,
                send.version,
                send.rule,
                send.session,
                shows_due_at=False,
                looks_first=False,
            ),
            id=workflow_id(send),
            task_queue=options.SENDS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=signal,
            start_signal_args=words,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(ORGANIZATION, send.organization),
                    SearchAttributePair(RULE, send.rule),
                    SearchAttributePair(SESSION, send.session),
                    SearchAttributePair(RECIPIENT, str(send.recipient)),
                ]
            ),
        )

    async def _stop(self, send: Unsignalled) -> None:
        handle = self._client.get_workflow_handle(workflow_id(send))
        try:
            await handle.signal(SendWorkflow.stop, Stop(send.reason or send.status, send.version))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # ended, or never needed
                raise


def _news(send: Unsignalled) -> tuple[str, list[DueChanged | Decided]]:
    """Return the signal for a row that is not final, and what it says."""
    if send.status in REVOCABLE:
        return "due_changed", [DueChanged(send.due_at, send.version)]
    return "decided", [Decided(send.version)]


def workflow_id(send: Unsignalled) -> str:
    """Return the id under which Temporal knows the workflow of a send."""
    return send_workflow_id(send.organization, send.rule, send.session, send.id)
