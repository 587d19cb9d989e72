"""Poke planning, once a change is committed."""

import logging
from datetime import timedelta
from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from domain.failures import codes
from domain.identity import plan_workflow_id, roll_out_workflow_id
from store.failpoints import DOMAIN_CHANGED, failpoint
from workflows import options
from workflows.plan_session import PlanInput, PlanSessionWorkflow
from workflows.roll_out import RollOutInput, RollOutRuleWorkflow

log = logging.getLogger(__name__)

# The caller's change is already safe: whoever waits for Temporal waits for nothing.
PATIENCE = timedelta(seconds=2)


class Plans:
    """Starts planning; a poke that fails is repaired by the sweep, since the row stays dirty."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def reachable(self) -> bool:
        """Return whether Temporal answers now."""
        try:
            return await self._client.service_client.check_health(timeout=PATIENCE)
        except (RPCError, RuntimeError):
            return False

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool:
        """Have a session planned, now or right after the planning under way; False when Temporal is away."""
        failpoint(DOMAIN_CHANGED)
        try:
            await self._client.start_workflow(
                PlanSessionWorkflow.run,
                PlanInput(session),
                id=plan_workflow_id(organization, key),
                task_queue=options.PLANNING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal="changed",
                rpc_timeout=PATIENCE,
            )
        except (RPCError, RuntimeError) as error:
            log.warning("session %s waits for the sweep: %s", session, codes(error))
            return False
        return True

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool:
        """Have a rule rolled out over all sessions; False when Temporal is away."""
        failpoint(DOMAIN_CHANGED)
        try:
            await self._client.start_workflow(
                RollOutRuleWorkflow.run,
                RollOutInput(rule),
                id=roll_out_workflow_id(organization, key, rule),
                task_queue=options.PLANNING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal="changed",
                rpc_timeout=PATIENCE,
            )
        except (RPCError, RuntimeError) as error:
            log.warning("rule %s waits for the sweep: %s", rule, codes(error))
            return False
        return True
