"""How long Temporal may take to answer, and what its silence means."""

from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

# A query is answered by a worker, which may be busy.
TO_ANSWER = timedelta(seconds=5)

_SILENT = {
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,  # as the client calls its own time-out
    RPCStatusCode.FAILED_PRECONDITION,  # no worker asks for work
    RPCStatusCode.RESOURCE_EXHAUSTED,
}


def is_silence(error: RPCError) -> bool:
    """Return whether Temporal is there, and merely nobody has answered."""
    return error.status in _SILENT


def is_missing(error: RPCError) -> bool:
    return error.status is RPCStatusCode.NOT_FOUND
