"""Steps: what an explanation is made of, as codes and values. The room `words` says them in sentences.

To add one: a member here with what its values are, where it is found, and a sentence in `words/steps.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Instants are aware and in UTC, wall-clock times naive and on the clocks of the explanation's zone.
Value = str | int | bool | datetime | Sequence[str] | None


class Code(StrEnum):
    """What a step says."""

    # What stands now.
    STANDS = "stands"  # status, at, leaves_at, retry_at
    NEVER_CREATED = "never_created"
    NO_FURTHER = "no_further"  # the series goes no further
    NOT_PLANNED_YET = "not_planned_yet"  # planning has yet to follow what was written

    # What decided, or is going to; `participants` are participations.
    ABOUT = "about"  # participants: a company's mail is about them; none: about whoever comes with it
    REASON = "reason"  # reason
    RULE_OFF = "rule_off"  # it is not active
    SESSION_CENTER = "session_center"  # wanted, found, met
    SESSION_STAGE = "session_stage"  # so these
    PLACE_MODE = "place_mode"
    PLACE_CATEGORY = "place_category"
    NO_ANCHOR = "no_anchor"  # anchor
    OLD_FACT = "old_fact"  # anchor, at, recorded_at
    BEFORE_RULE = "before_rule"  # at, since: a fact from before the rule was as it is
    NO_CATCH_UP = "no_catch_up"  # why, at, recorded_at, since: somebody joined, and the rule does not catch up with them
    DUE_IN_PAST = "due_in_past"  # local, asked_at
    OUTSIDE_CALENDAR = "outside_calendar"
    ATTENDANCE = "attendance"  # wanted, found, met
    COMPLETION = "completion"
    PARTICIPATION_STATUS = "participation_status"
    ANSWERED = "answered"  # questionnaire, met
    SERIES_OVER = "series_over"  # until, met
    RECEIVED_BY = "received_by"  # rule, at, send
    COVERED_BY = (
        "covered_by"  # participants, send, at, leaves_at: another mail to their company is about them
    )
    NOBODY_LEFT = "nobody_left"  # participants: none of them comes with the company any more
    SWITCHED_ON_HERE = "switched_on_here"  # the rule leaves older sessions alone, but for this one
    TEMPLATE_HERE = "template_here"  # template, usual: what this session sends

    # How the due time comes about. `tense` is "past" of what is over, "conditional" of what never was; else there is none.
    CLOCKS = "clocks"  # whose, zone
    ANCHOR = "anchor"  # anchor, local, at, whose
    HAPPENED = "happened"  # anchor, at, recorded_at
    TIMES_HERE = "times_here"  # anchor, date, offset, at, usual_offset, usual_at: what this session says
    ON_DATE = "on_date"  # local
    OFFSET = "offset"  # offset, local
    TIME_OF_DAY = "time_of_day"  # at, local
    REPEATED = "repeated"  # number, every, local
    LAST_STEP = "last_step"  # every, local
    ONCE_REPEATED = "once_repeated"  # number; none of the last: of a series that the rule has no more
    CLOCKS_SKIP = "clocks_skip"  # meant, local
    CLOCKS_TWICE = "clocks_twice"  # local
    CLOCKS_CHANGE = "clocks_change"  # local: between the anchor and the due time
    CAUGHT_UP = "caught_up"  # local, enrolled_at
    CORRECTED = "corrected"  # anchor_at
    WINDOW_CLOSED = "window_closed"  # why, meant, local
    DUE = "due"  # local, at, zone, tense
    LATEST = "latest"  # at, why, tense
    BY_HAND = "by_hand"  # at
    ONCE_PLANNED = "once_planned"  # was_at, at: counted today, it would be due elsewhere

    # What happened to its row; `by` is the name of the token of whoever decided, where one was shown.
    PLANNED = "planned"  # happened_at, due_at, by
    MOVED = "moved"  # happened_at, was_at, due_at
    PLANNED_AGAIN = "planned_again"  # happened_at, due_at
    DEFERRED = "deferred"  # happened_at, reply_code
    CHANGED = "changed"  # happened_at, status, reason, by; of: "company" where the mail is one's
    REACTIVATED = "reactivated"  # happened_at, by
    SENT_BY_HAND = "sent_by_hand"  # happened_at, by
    SENT_AGAIN = "sent_again"  # happened_at, by
    HANDED_OVER = "handed_over"  # happened_at, attempt


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation."""

    code: Code
    values: Mapping[str, Value]


def step(code: Code, **values: Value) -> Step:
    """Return a step; what is None is left out."""
    return Step(code, {name: value for name, value in values.items() if value is not None})
