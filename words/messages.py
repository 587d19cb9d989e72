"""What the steps of an explanation say, in English; `words.steps` puts their values in, in any language."""

from domain.conditions import Completion, Presence
from domain.participations import Attendance
from domain.rules import Until
from domain.sends import Reason, Status
from domain.steps import Code
from words.languages import mark

STANDS = {
    Status.SCHEDULED: mark("It waits, and is to leave on %(leaves_at)s."),
    Status.CLAIMED: mark("It is being prepared, and is to leave now."),
    Status.HANDING_OVER: mark("It is leaving now."),
    Status.SENT: mark("It was sent on %(at)s."),
    Status.IN_DOUBT: mark("It was handed over on %(at)s, and nobody knows whether it arrived."),
    Status.FAILED: mark("It failed on %(at)s."),
    Status.EXPIRED: mark("It expired on %(at)s: it could not leave in time."),
    Status.SKIPPED: mark("It was skipped on %(at)s, when it was to leave."),
    Status.MISSED: mark("It was missed: on %(at)s its time had passed already."),
    Status.REMOVED: mark("It was withdrawn on %(at)s."),
    Status.CANCELLED: mark("It was cancelled on %(at)s."),
}

CHANGED = {
    Status.SCHEDULED: mark("On %(happened_at)s it was planned."),
    Status.CLAIMED: mark("On %(happened_at)s it was prepared."),
    Status.HANDING_OVER: mark("On %(happened_at)s it was handed to the mail server."),
    Status.SENT: mark("On %(happened_at)s the mail server took it."),
    Status.IN_DOUBT: mark("On %(happened_at)s it was no longer known whether it had arrived."),
    Status.FAILED: mark("On %(happened_at)s it failed."),
    Status.EXPIRED: mark("On %(happened_at)s it expired."),
    Status.SKIPPED: mark("On %(happened_at)s it was skipped."),
    Status.MISSED: mark("On %(happened_at)s it was missed."),
    Status.REMOVED: mark("On %(happened_at)s it was withdrawn."),
    Status.CANCELLED: mark("On %(happened_at)s somebody cancelled it."),
}

# The same, where the token is known of whoever decided it.
CHANGED_BY = {
    Status.SENT: mark("On %(happened_at)s the token “%(by)s” decided that it had arrived."),
    Status.FAILED: mark(
        "It may have arrived; on %(happened_at)s the token “%(by)s” decided to leave it at that."
    ),
    Status.CANCELLED: mark("On %(happened_at)s the token “%(by)s” cancelled it."),
}

# Why planning withdrew it, where the token is known of whoever said so.
WITHDRAWN_BY = {
    Reason.RULE_DEACTIVATED: mark(
        "On %(happened_at)s it was withdrawn: the token “%(by)s” deactivated the rule."
    ),
    Reason.RULE_DELETED: mark("On %(happened_at)s it was withdrawn: the token “%(by)s” deleted the rule."),
    Reason.SWITCHED_OFF_HERE: mark(
        "On %(happened_at)s it was withdrawn: the token “%(by)s” switched the rule off for this session."
    ),
}

# Which other mail to a company is about somebody; in vain where it ended otherwise.
COVERED = {
    Status.SCHEDULED: mark("%(names)s: in another mail to the company, which is to leave on %(leaves_at)s."),
    Status.CLAIMED: mark("%(names)s: in another mail to the company, which is to leave now."),
    Status.HANDING_OVER: mark("%(names)s: in another mail to the company, which is leaving now."),
    Status.SENT: mark("%(names)s: in another mail to the company, which left on %(at)s."),
    Status.IN_DOUBT: mark(
        "%(names)s: in another mail to the company, which left on %(at)s and may have arrived."
    ),
}
COVERED_IN_VAIN = mark("%(names)s: in another mail to the company, which came to nothing on %(at)s.")

PRESENCE = {
    Presence.ANY: mark("whoever it is"),
    Presence.PRESENT: mark("whoever was present at least once"),
    Presence.PRESENT_THROUGHOUT: mark("whoever was present throughout"),
    Presence.ABSENT: mark("whoever was absent at least once"),
    Presence.NEVER_PRESENT: mark("whoever was never present"),
}

SEEN = {
    Attendance.THROUGHOUT: mark("present throughout"),
    Attendance.PARTLY: mark("present at times, and absent at times"),
    Attendance.NEVER: mark("never present"),
}

COMPLETION = {
    Completion.NOT_STARTED: mark("not started"),
    Completion.IN_PROGRESS: mark("in progress"),
    Completion.COMPLETED: mark("completed"),
}

SERIES = {
    Until.COMPLETED: mark("The series ends once the recipient has completed the session."),
    Until.ANSWERED: mark("The series ends once the recipient has answered the questionnaire."),
}

WHOSE_CLOCKS = {
    "session": mark("Its times are read on the clocks of the session: %(place)s."),
    "recipient": mark("Its times are read on the recipient’s own clocks: %(place)s."),
    "organization": mark(
        "Its times are read on the clocks of the organization, since the recipient’s are not known: %(place)s."
    ),
}

WHY_CLOSED = {
    "day": mark("Nothing leaves on that day of the week: from %(meant)s it moves to %(local)s."),
    "holiday": mark("That day is a public holiday: from %(meant)s it moves to %(local)s."),
    "hours": mark("Nothing leaves at that hour: from %(meant)s it moves to %(local)s."),
}

WHY_LATEST = {
    "anchor": mark("It may leave until %(at)s: by then what it announces has come."),
    "deliver_within": mark("It may leave until %(at)s, as the rule says."),
    "a_day": mark("It may leave until %(at)s, a day after its time."),
}

COULD_HAVE_LEFT = {
    "anchor": mark("It could have left until %(at)s: by then what it announces has come."),
    "deliver_within": mark("It could have left until %(at)s, as the rule says."),
    "a_day": mark("It could have left until %(at)s, a day after its time."),
}

DUE = {
    None: mark("So it is due on %(local)s (%(place)s), which is %(utc)s UTC."),
    "past": mark("So it was due on %(local)s (%(place)s), which is %(utc)s UTC."),
    "conditional": mark("So it would have been due on %(local)s (%(place)s), which is %(utc)s UTC."),
}

WHY_NOT_CAUGHT_UP = {
    "old_record": mark(
        "The rule catches up with whoever joins late. The recipient joined on %(at)s, which was written down here more "
        "than a day later, on %(recorded_at)s: it was no news any more."
    ),
    "in_time": mark(
        "The rule catches up with whoever joins late: the recipient had joined before its time, on %(at)s."
    ),
    "before_rule": mark(
        "The rule is as it is since %(since)s, and catches up with whoever joins late after that: the recipient had "
        "joined before, on %(at)s."
    ),
    "too_late": mark(
        "The rule catches up with whoever joins late: the recipient joined on %(at)s, too late for it."
    ),
}

# Sentences that need nothing but their values.
PLAIN = {
    Code.NEVER_CREATED: mark("No such mail was ever created."),
    Code.NO_FURTHER: mark("The series goes no further."),
    Code.NOT_PLANNED_YET: mark(
        "No such mail exists yet: planning has still to follow what was last written."
    ),
    Code.RULE_OFF: mark("The rule is not active."),
    Code.NO_ANCHOR: mark("The rule counts from when %(anchor)s, and that date is not known."),
    Code.OLD_FACT: mark(
        "The rule counts from when %(anchor)s. That was on %(at)s, and was written down here more than a day later, "
        "on %(recorded_at)s: it was no news any more."
    ),
    Code.BEFORE_RULE: mark(
        "What it follows was written down on %(at)s, before the rule was as it is now, on %(since)s."
    ),
    Code.DUE_IN_PAST: mark("Its time, %(local)s, had already passed when it was asked for, on %(asked_at)s."),
    Code.OUTSIDE_CALENDAR: mark("Counted from there, its time lies outside the calendar."),
    Code.SWITCHED_ON_HERE: mark(
        "The rule leaves alone the sessions that were there before it, but somebody switched it on for this one."
    ),
    Code.TEMPLATE_HERE: mark("This session sends the template “%(template)s” by it instead of “%(usual)s”."),
    Code.ANCHOR: mark("The rule counts from when %(anchor)s: %(local)s."),
    Code.HAPPENED: mark(
        "The rule counts from when %(anchor)s: that was on %(at)s, and was written down here on %(recorded_at)s."
    ),
    Code.ON_DATE: mark("The rule names the date itself: %(local)s."),
    Code.OFFSET: mark("%(offset)s: %(local)s."),
    Code.TIME_OF_DAY: mark("At %(at)s on that day: %(local)s."),
    Code.REPEATED: mark("It is mail %(number)s of a series, %(every)s apart: %(local)s."),
    Code.LAST_STEP: mark("It is the last mail of a series, %(every)s apart: %(local)s."),
    Code.CLOCKS_SKIP: mark("Clocks change on that day and never show %(meant)s: it becomes %(local)s."),
    Code.CLOCKS_TWICE: mark("Clocks change on that day and show %(local)s twice: the second time is meant."),
    Code.CLOCKS_CHANGE: mark("Clocks change in between: it stays %(local)s as they show it then."),
    Code.CAUGHT_UP: mark(
        "Its time had passed when the recipient joined, on %(enrolled_at)s: the rule catches up, on %(local)s."
    ),
    Code.CORRECTED: mark("It corrects a date that was told before: that is now %(anchor_at)s."),
    Code.BY_HAND: mark("Somebody sent it by hand, on %(at)s, whatever its time."),
    Code.ONCE_PLANNED: mark("It was planned for %(was_at)s; counted from today’s dates it would be %(at)s."),
    Code.PLANNED: mark("On %(happened_at)s it was planned, for %(due_at)s."),
    Code.MOVED: mark("On %(happened_at)s it moved, from %(was_at)s to %(due_at)s."),
    Code.PLANNED_AGAIN: mark("On %(happened_at)s it was planned again, for %(due_at)s."),
    Code.REACTIVATED: mark("On %(happened_at)s somebody took its cancellation back."),
    Code.SENT_BY_HAND: mark("On %(happened_at)s somebody sent it by hand."),
    Code.SENT_AGAIN: mark("On %(happened_at)s somebody had it sent again."),
    Code.HANDED_OVER: mark("On %(happened_at)s it was handed to the mail server."),
}

# The same, where the token is known of whoever decided it.
PLAIN_BY = {
    Code.PLANNED: mark("On %(happened_at)s the token “%(by)s” asked for it, for %(due_at)s."),
    Code.REACTIVATED: mark("On %(happened_at)s the token “%(by)s” took its cancellation back."),
    Code.SENT_BY_HAND: mark("On %(happened_at)s the token “%(by)s” sent it by hand."),
    Code.SENT_AGAIN: mark("On %(happened_at)s the token “%(by)s” had it sent again."),
}
