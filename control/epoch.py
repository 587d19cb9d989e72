"""Temporal's side of the epoch, and what else has to be there on a Temporal that is new."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from control.patience import TO_ANSWER, is_missing, is_silence
from control.schedule import ensure_schedule
from control.search_attributes import ensure_search_attributes
from workflows import options
from workflows.epoch import EpochInput, EpochWorkflow

ID = "relance-epoch"


class TemporalEpoch:
    """The counter that lives in a workflow; an RPCError when Temporal is away."""

    def __init__(self, client: Client, every: timedelta | None = None) -> None:
        """`every` is how often the schedule calls for the sweep; None: there is no schedule."""
        self._client = client
        self._every = every

    async def read(self) -> int | None:
        handle = self._client.get_workflow_handle(ID)
        try:
            with _silence_as_timeout():
                return await handle.query(EpochWorkflow.epoch, rpc_timeout=TO_ANSWER)
        except RPCError as error:
            if is_missing(error):
                return None
            raise

    async def advance(self, epoch: int) -> None:
        with _silence_as_timeout():
            await self._client.start_workflow(
                EpochWorkflow.run,
                EpochInput(),
                id=ID,
                task_queue=options.PLANNING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal="advance",
                start_signal_args=[epoch],
                static_summary="how far PostgreSQL and Temporal have come together",
                rpc_timeout=TO_ANSWER,
            )

    async def prepare(self) -> None:
        await ensure_search_attributes(self._client)
        if self._every is not None:
            await ensure_schedule(self._client, self._every)


@contextmanager
def _silence_as_timeout() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if is_silence(error):
            raise TimeoutError from error
        raise
