"""Places where a test lets this process die: what a crash between two lines would do."""

import os
import signal

DOMAIN_CHANGED = "domain-changed"  # committed, planning not yet poked
PLANNED = "planned"  # the plan's transaction committed, nobody told
MID_CHUNK = "mid-chunk"  # some workflows of a chunk told, others not
TOLD = "told"  # all workflows of a chunk told, `signalled_version` not yet written
CLAIMED = "claimed"  # between claim and fence
FENCED = "fenced"  # between fence and dot
REPLIED = "replied"  # between the 250 and its record

# RELANCE_FAILPOINT=fenced dies there the first time it comes by, fenced:3 the third time.
_NAME, _, _NTH = os.environ.get("RELANCE_FAILPOINT", "").partition(":")
_left = int(_NTH or 1)


def failpoint(name: str) -> None:
    """Kill this process, as by SIGKILL, where the environment asks for it; otherwise nothing."""
    global _left
    if name == _NAME:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
