"""Does what happened to a mail say who said so?"""

from domain.histories import tell
from domain.steps import Code

DUE = "2027-01-25T09:00:00+00:00"


def test_whoever_had_a_mail_withdrawn_is_named_for_that_time_alone() -> None:
    trace = [
        {"at": "2027-01-01T09:00:00+00:00", "step": "scheduled", "due_at": DUE},
        {"at": "2027-01-02T09:00:00+00:00", "step": "switched_off_here", "by": "ann"},
        {"at": "2027-01-02T09:00:01+00:00", "step": "removed", "reason": "switched_off_here"},
        {"at": "2027-01-03T09:00:00+00:00", "step": "scheduled", "due_at": DUE},
        {"at": "2027-01-04T09:00:00+00:00", "step": "removed", "reason": "switched_off_here"},
    ]

    withdrawn = [dict(one.values) for one in tell(trace) if one.code is Code.CHANGED]

    assert [values.get("by") for values in withdrawn] == ["ann", None]
