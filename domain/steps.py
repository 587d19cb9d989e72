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

    # What decided, or is going to.
    REASON = "reason"  # reason
    RULE_OFF = "rule_off"  # it is not active
    SESSION_CENTER = "session_center"  # wanted, found, met
    SESSION_STAGE = "session_stage"  # so these
    PLACE_MODE = "place_mode"
    PLACE_CATEGORY = "place_category"
    NOT_OF_PLACE = "not_of_place"  # their slots are others
    NO_ANCHOR = "no_anchor"  # anchor
    OLD_FACT = "old_fact"  # anchor, at, recorded_at
    BEFORE_RULE = "before_rule"  # at, since: a fact from before the rule was as it is
    DUE_IN_PAST = "due_in_past"  # local, asked_at
    OUTSIDE_CALENDAR = "outside_calendar"
    ATTENDANCE = "attendance"  # wanted, found, met
    COMPLETION = "completion"
    PARTICIPATION_STATUS = "participation_status"
    ANSWERED = "answered"  # questionnaire, met
    SERIES_OVER = "series_over"  # until, met
    RECEIVED_BY = "received_by"  # rule, at, send

    # How the due time comes about.
    CLOCKS = "clocks"  # whose, zone
    ANCHOR = "anchor"  # anchor, local, at, whose
    HAPPENED = "happened"  # anchor, at, recorded_at
    ON_DATE = "on_date"  # local
    OFFSET = "offset"  # offset, local
    TIME_OF_DAY = "time_of_day"  # at, local
    REPEATED = "repeated"  # number, every, local
    LAST_STEP = "last_step"  # every, local
    CLOCKS_SKIP = "clocks_skip"  # meant, local
    CLOCKS_TWICE = "clocks_twice"  # local
    CLOCKS_CHANGE = "clocks_change"  # local: between the anchor and the due time
    CAUGHT_UP = "caught_up"  # local, enrolled_at
    CORRECTED = "corrected"  # anchor_at
    WINDOW_CLOSED = "window_closed"  # why, meant, local
    DUE = "due"  # local, at, zone
    LATEST = "latest"  # at, why
    BY_HAND = "by_hand"  # at
    ONCE_PLANNED = "once_planned"  # was_at, at: counted today, it would be due elsewhere

    # What happened to its row; `by` is the name of the token of whoever decided, where one was shown.
    PLANNED = "planned"  # happened_at, due_at, by
    MOVED = "moved"  # happened_at, was_at, due_at
    PLANNED_AGAIN = "planned_again"  # happened_at, due_at
    DEFERRED = "deferred"  # happened_at, reply_code
    CHANGED = "changed"  # happened_at, status, reason, by
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
