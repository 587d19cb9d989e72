"""What the statuses and reasons of sends are called."""

from domain.sends import Reason, Status
from words.languages import Language, mark

_STATUSES = {
    Status.SCHEDULED: mark("Scheduled"),
    Status.CLAIMED: mark("Being prepared"),
    Status.HANDING_OVER: mark("Leaving now"),
    Status.SENT: mark("Sent"),
    Status.IN_DOUBT: mark("To decide"),
    Status.FAILED: mark("Failed"),
    Status.EXPIRED: mark("Expired"),
    Status.SKIPPED: mark("Skipped"),
    Status.MISSED: mark("Missed"),
    Status.REMOVED: mark("Withdrawn"),
    Status.CANCELLED: mark("Cancelled"),
}

_REASONS = {
    Reason.ALREADY_ANSWERED: mark("The recipient already answered the questionnaire."),
    Reason.ALREADY_RECEIVED: mark("The recipient already received this mail."),
    Reason.ANOTHER_CENTER: mark("The rule is not shared with the center of the session."),
    Reason.ATTENDANCE_NOT_MET: mark("The rule asks for another attendance than the recipient’s."),
    Reason.CANCELLED_BY_HAND: mark("Somebody cancelled it."),
    Reason.COMPLETION_NOT_MET: mark("The recipient is less far, or farther, than the rule asks."),
    Reason.CONDITIONS_NOT_MET: mark("The conditions of the rule are no longer met."),
    Reason.CONNECTION_LOST: mark(
        "The connection broke before the mail server answered: it may have arrived."
    ),
    Reason.COVERED_ALREADY: mark("Everybody it was about is in another mail to their company."),
    Reason.DATE_AS_TOLD: mark("The date is again what its recipient was told: there is nothing to correct."),
    Reason.DATE_CHANGED_AGAIN: mark("The date changed again: it would tell one that is no longer true."),
    Reason.DOUBT_DROPPED: mark("It may have arrived; somebody decided to leave it at that."),
    Reason.DUE_IN_PAST: mark("The date moved, and its time had already passed."),
    Reason.LEASE_OVER: mark("The worker vanished while handing it over: it may have arrived."),
    Reason.NO_ADDRESS: mark("The recipient has no email address."),
    Reason.NO_ANCHOR_DATE: mark("The date that the rule counts from is not known."),
    Reason.NOBODY_IN_ROLE: mark("Nobody is known in the role that the rule writes to."),
    Reason.NOT_OF_PLACE: mark("The recipient comes to none of the slots that it is about."),
    Reason.OLD_FACT: mark("What it follows had happened more than a day before it was written down here."),
    Reason.OLDER_SESSION: mark("The rule leaves alone the sessions that were there before it."),
    Reason.PARTICIPANT_REMOVED: mark("The recipient no longer takes part."),
    Reason.PLACE_REMOVED: mark("The module or slot was removed."),
    Reason.REACTIVATED: mark("Its cancellation was taken back; planning decides what becomes of it."),
    Reason.REFUSED: mark("The mail server refused it for good."),
    Reason.RULE_DEACTIVATED: mark("The rule was deactivated."),
    Reason.RULE_DELETED: mark("The rule was deleted."),
    Reason.RULE_EDITED: mark("The rule was edited, and does not ask for it any more."),
    Reason.SERIES_OVER: mark(
        "The series is over: nothing more is asked of the recipient, or it was sent often enough."
    ),
    Reason.SESSION_DELETED: mark("The session was deleted."),
    Reason.STATUS_NOT_MET: mark("The rule asks for another status of participation than the recipient’s."),
    Reason.SUPPRESSED: mark("No mail goes to this address any more."),
    Reason.SWITCHED_OFF_HERE: mark("The rule is switched off for this session."),
    Reason.TEMPLATE_FAILED: mark("Its template could not be filled in."),
    Reason.TOO_LATE: mark("It could not leave in time."),
}


def status_in_words(status: Status, *, language: Language) -> str:
    """Return the few words of a status chip."""
    return language.translations.gettext(_STATUSES[status])


def reason_in_words(reason: Reason, *, language: Language) -> str:
    """Return the sentence that says why a send stands where it stands."""
    return language.translations.gettext(_REASONS[reason])
