"""A send: one mail, to one recipient, for one rule and one session; its states and what crosses to Temporal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Status(StrEnum):
    """Where a send stands in its life (DESIGN 7)."""

    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    MISSED = "missed"
    REMOVED = "removed"
    CANCELLED = "cancelled"


# The mail can still be called back.
REVOCABLE = frozenset({Status.SCHEDULED, Status.CLAIMED})

# It came to nothing, and planning may ask for it again.
REVIVABLE = frozenset({Status.MISSED, Status.REMOVED})

# Nothing more happens without planning or a person; a workflow may end on these only.
FINAL = frozenset(
    {
        Status.SENT,
        Status.FAILED,
        Status.EXPIRED,
        Status.SKIPPED,
        Status.MISSED,
        Status.REMOVED,
        Status.CANCELLED,
    }
)


class Reason(StrEnum):
    """Why a send stands where it stands: a closed set, told in words by the pages."""

    ALREADY_ANSWERED = "already_answered"  # the questionnaire of the template (F088)
    ALREADY_RECEIVED = "already_received"
    ANOTHER_CENTER = "another_center"  # the rule is not shared with it (F045)
    ATTENDANCE_NOT_MET = "attendance_not_met"
    CANCELLED_BY_HAND = "cancelled_by_hand"
    COMPLETION_NOT_MET = "completion_not_met"
    CONDITIONS_NOT_MET = "conditions_not_met"  # those of the session
    CONNECTION_LOST = "connection_lost"  # between the dot and the reply
    COVERED_ALREADY = "covered_already"  # everybody it was about is in another mail to their company (F019)
    DATE_CHANGED_AGAIN = "date_changed_again"  # the one that this mail would tell is not true any more
    DATE_AS_TOLD = "date_as_told"  # the date is again what its recipient was told: nothing to correct
    DOUBT_DROPPED = "doubt_dropped"  # nobody knows whether it arrived, and nobody sends it again
    DUE_IN_PAST = "due_in_past"
    LEASE_OVER = "lease_over"  # the worker vanished after the fence
    NO_ADDRESS = "no_address"
    NO_ANCHOR_DATE = "no_anchor_date"
    NOBODY_IN_ROLE = "nobody_in_role"  # whom the rule writes to in the recipient's place (F056)
    NOT_OF_PLACE = "not_of_place"  # they take part, and come to other slots
    OLD_FACT = "old_fact"  # it had happened more than a day before it was written down here
    OLDER_SESSION = "older_session"  # the rule leaves alone what was there before it (C1)
    PARTICIPANT_REMOVED = "participant_removed"
    PLACE_REMOVED = "place_removed"  # the module or slot
    REACTIVATED = "reactivated"  # its cancellation was taken back; planning decides what becomes of it
    REFUSED = "refused"  # a 5xx reply
    RULE_DEACTIVATED = "rule_deactivated"
    RULE_DELETED = "rule_deleted"
    RULE_EDITED = "rule_edited"  # it writes to others, or about something else, now
    SERIES_OVER = "series_over"  # nothing more is asked, or it was sent as often as it may be
    SESSION_DELETED = "session_deleted"
    STATUS_NOT_MET = "status_not_met"  # that of the participation
    SUPPRESSED = "suppressed"  # the address is one that no mail goes to any more
    SWITCHED_OFF_HERE = "switched_off_here"  # the rule, for this session alone (F072)
    TEMPLATE_FAILED = "template_failed"
    TOO_LATE = "too_late"


class Decision(StrEnum):
    """What a person says of a mail that may have arrived (DESIGN 8, Doubt)."""

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"  # under the same Message-ID
    DROP = "drop"


@dataclass(frozen=True)
class SendInput:
    """What a `SendWorkflow` is started with; ids and instants only, since histories are plain text."""

    send: UUID
    due_at: datetime
    version: int
    rule: str = ""  # the caller's keys, for the summary an operator reads
    session: str = ""
    wake_at: datetime | None = None  # when to ask the row next, where that is not the due time
    shows_due_at: bool = True  # until 0.1 a search attribute followed the due time (docs/decisions/0008)
    looks_first: bool = True  # until 0.2 the row was looked at when its timer had fired, and then delivered


@dataclass(frozen=True)
class DueChanged:
    """Signal: the send is due at `due_at`, says the plan of `version`."""

    due_at: datetime
    version: int


@dataclass(frozen=True)
class Stop:
    """Signal: the row of `version` is final, for `reason`."""

    reason: str
    version: int


@dataclass(frozen=True)
class Decided:
    """Signal: a doubt was settled in the row of `version`."""

    version: int


@dataclass(frozen=True)
class Ask:
    """Ask the row of a send, as a workflow that last heard of `version` does."""

    send: UUID
    version: int


class Next(StrEnum):
    """What a workflow does after it asked the row."""

    DELIVER = "deliver"
    WAIT = "wait"  # `wait_seconds`, or until a newer signal
    HOLD = "hold"  # in doubt: somebody decides; the row is asked now and then
    RECORD = "record"  # the reply is known, the row could not be told
    END = "end"


@dataclass(frozen=True)
class Answer:
    """What the row says now."""

    next: Next
    version: int
    status: str
    wait_seconds: float = 0.0  # WAIT; by the database's clock, so never a point in time
    due_at: datetime | None = None  # WAIT
    outcome: "Outcome | None" = None  # RECORD


@dataclass(frozen=True)
class Outcome:
    """The reply of the mail server to one hand-over, as codes: its text may hold an address."""

    send: UUID
    token: UUID
    status: Status
    reason: str | None = None
    code: int | None = None  # RFC 5321, 4.2.1
    retry_after: timedelta = timedelta(0)


@dataclass(frozen=True)
class SendStatus:
    """What the query `status` answers."""

    due_at: datetime
    asks_again_at: datetime
    version: int
    outcome: Outcome | None = None  # the reply of the mail server, which the row could not be told yet
