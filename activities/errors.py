"""Keep exception texts out of histories: they quote addresses (PROTOCOLS 4, L)."""

import logging
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.failures import codes, place

log = logging.getLogger(__name__)


class ErrorsAsCodes(Interceptor):
    """Let an activity's exception cross to Temporal as its class name alone."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except Exception as error:
            log.warning("%s failed: %s in %s", activity.info().activity_type, codes(error), place(error))
            raise ApplicationError(codes(error), type=codes(error)) from None
