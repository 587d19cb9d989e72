"""What the pages say for the codes of the domain, in sentences.

The English is here, marked for translation; every other language is in `locale/`.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from babel.lists import format_list

from domain.anchors import Anchor
from domain.sends import Reason, Status
from domain.timing import Offset
from domain.triggers import DateTrigger
from web.dates import day_in_words, time_in_words
from web.language import Language


def mark(message: str) -> str:
    """Return the message as it is: the name tells the extraction that it is one to translate."""
    return message


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
    Reason.ALREADY_RECEIVED: mark("The recipient already received this mail."),
    Reason.CANCELLED_BY_HAND: mark("Somebody cancelled it."),
    Reason.CONDITIONS_NOT_MET: mark("The conditions of the rule are no longer met."),
    Reason.CONNECTION_LOST: mark(
        "The connection broke before the mail server answered: it may have arrived."
    ),
    Reason.DOUBT_DROPPED: mark("It may have arrived; somebody decided to leave it at that."),
    Reason.DUE_IN_PAST: mark("The date moved, and its time had already passed."),
    Reason.LEASE_OVER: mark("The worker vanished while handing it over: it may have arrived."),
    Reason.NO_ADDRESS: mark("The recipient has no email address."),
    Reason.NO_ANCHOR_DATE: mark("The date that the rule counts from is not known."),
    Reason.PARTICIPANT_REMOVED: mark("The recipient no longer takes part."),
    Reason.PLACE_REMOVED: mark("The module or slot was removed."),
    Reason.REACTIVATED: mark("Its cancellation was taken back; planning decides what becomes of it."),
    Reason.REFUSED: mark("The mail server refused it for good."),
    Reason.RULE_DEACTIVATED: mark("The rule was deactivated."),
    Reason.RULE_DELETED: mark("The rule was deleted."),
    Reason.RULE_EDITED: mark("The rule now writes to others, or about something else."),
    Reason.SESSION_DELETED: mark("The session was deleted."),
    Reason.SUPPRESSED: mark("No mail goes to this address any more."),
    Reason.TEMPLATE_FAILED: mark("Its template could not be filled in."),
    Reason.TOO_LATE: mark("It could not leave in time."),
}

# Each reads on from "before", "after", "when" and "on the day".
_ANCHORS = {
    Anchor.SESSION_START: mark("the session starts"),
    Anchor.SESSION_END: mark("the session ends"),
    Anchor.MODULE_START: mark("the module starts"),
    Anchor.MODULE_END: mark("the module ends"),
    Anchor.SLOT_START: mark("the slot starts"),
    Anchor.SLOT_END: mark("the slot ends"),
}


def status_in_words(status: Status, *, language: Language) -> str:
    """Return the few words of a status chip."""
    return language.translations.gettext(_STATUSES[status])


def reason_in_words(reason: Reason, *, language: Language) -> str:
    """Return the sentence that says why a send stands where it stands."""
    return language.translations.gettext(_REASONS[reason])


def trigger_in_words(trigger: DateTrigger, zone: tzinfo, *, language: Language) -> str:
    """Return when a rule sends: "7 days before the session starts, at 09:00".

    `zone` is the session's; it tells on what day an absolute instant falls.
    """
    if isinstance(trigger.date, datetime):
        clock = time_in_words(trigger.date, zone, language.locale)
        return _at(_on(trigger.date, zone, language), clock, language)
    if trigger.date is not None and trigger.at is not None:
        return _at(_on(trigger.date, None, language), f"{trigger.at:%H:%M}", language)
    anchor = language.translations.gettext(_ANCHORS[trigger.anchor])
    if trigger.at is None:
        return _away(trigger.offset, anchor, language)
    # Days and months choose the day, `at` the time; what remains is counted from there.
    whole, rest = replace(trigger.offset, exact=timedelta()), Offset(exact=trigger.offset.exact)
    if whole == Offset():
        words = language.translations.gettext("on the day %(anchor)s") % {"anchor": anchor}
    else:
        words = _away(whole, anchor, language)
    clock = f"{trigger.at:%H:%M}"
    if rest == Offset():
        return _at(words, clock, language)
    return f"{words}, {_away(rest, clock, language)}"


def _on(day: date, zone: tzinfo | None, language: Language) -> str:
    return language.translations.gettext("on %(day)s") % {"day": day_in_words(day, zone, language.locale)}


def _away(offset: Offset, anchor: str, language: Language) -> str:
    """Return "2 hours before the session starts"."""
    _ = language.translations.gettext
    if offset == Offset():
        return _("when %(anchor)s") % {"anchor": anchor}
    before = min(offset.months, offset.days, offset.exact // timedelta(seconds=1)) < 0
    words = _("%(delay)s before %(anchor)s") if before else _("%(delay)s after %(anchor)s")
    return words % {"delay": _delay(offset, language), "anchor": anchor}


def _delay(offset: Offset, language: Language) -> str:
    """Return how long an offset is, whichever way it goes: "1 month and 3 days"."""
    ngettext = language.translations.ngettext
    minutes, seconds = divmod(abs(offset.exact) // timedelta(seconds=1), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        (ngettext("%(n)s month", "%(n)s months", abs(offset.months)), abs(offset.months)),
        (ngettext("%(n)s day", "%(n)s days", abs(offset.days)), abs(offset.days)),
        (ngettext("%(n)s hour", "%(n)s hours", hours), hours),
        (ngettext("%(n)s minute", "%(n)s minutes", minutes), minutes),
        (ngettext("%(n)s second", "%(n)s seconds", seconds), seconds),
    ]
    return format_list([words % {"n": n} for words, n in parts if n], locale=language.locale)


def _at(words: str, clock: str, language: Language) -> str:
    return language.translations.gettext("%(when)s, at %(time)s") % {"when": words, "time": clock}
