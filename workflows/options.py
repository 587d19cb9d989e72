"""Task queues, time-outs and retries, each with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

# Sends and their deliveries share a queue, so that a worker starts the delivery it just asked for without a detour
# through the server (docs/decisions/0002).
SENDS = "relance-sends"

# A roll-out over a hundred thousand sends never stands in front of a mail that is due.
PLANNING = "relance-planning"

_FOREVER = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)

# One statement. PostgreSQL may be away for hours: the row must be asked, so it is asked again.
LOOK = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=_FOREVER,
    local_retry_threshold=timedelta(seconds=5),
)

# A worker that was killed is noticed this soon; a living one beats every five seconds (activities/heartbeat.py).
NOTICED_DEAD = timedelta(seconds=15)

# Connecting, a body and a patient wait for the reply, yet shorter than the row's lease (settings.py).
# No overall time-out: the row's `latest_at` says when a mail is too late.
DELIVER = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=NOTICED_DEAD,
    retry_policy=_FOREVER,
)

# The reply of the mail server is known and nowhere written: keep trying, this is the second witness.
RECORD = ActivityConfig(start_to_close_timeout=timedelta(seconds=10), retry_policy=_FOREVER)

# One session in a constant number of statements, however large.
PLAN = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=NOTICED_DEAD,
    retry_policy=_FOREVER,
)

# As long as it takes.
FAN_OUT = ActivityConfig(
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=NOTICED_DEAD,
    retry_policy=_FOREVER,
)

# Not tried again: the next sweep is.
SWEEP = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=NOTICED_DEAD,
    retry_policy=RetryPolicy(maximum_attempts=1),
)
