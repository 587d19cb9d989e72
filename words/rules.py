"""What rules say, as people say it: "7 days before the session starts, at 09:00"."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from babel.lists import format_list

from domain.anchors import Anchor
from domain.rules import Repeat, RuleDefinition, ToRole, Until
from domain.timing import Offset
from domain.triggers import DateTrigger
from words.dates import day_in_words, time_in_words
from words.languages import Language, mark
from words.windows import window_in_words

# Each reads on from "before", "after", "when" and "on the day"; "they" are who the mail is about.
_ANCHORS = {
    Anchor.SESSION_START: mark("the session starts"),
    Anchor.SESSION_END: mark("the session ends"),
    Anchor.MODULE_START: mark("the module starts"),
    Anchor.MODULE_END: mark("the module ends"),
    Anchor.SLOT_START: mark("the slot starts"),
    Anchor.SLOT_END: mark("the slot ends"),
    Anchor.PARTICIPATION_START: mark("their own dates begin"),
    Anchor.PARTICIPATION_END: mark("their own dates end"),
    Anchor.PARTICIPATION_DEADLINE: mark("their deadline is reached"),
    Anchor.FIRST_SYNCHRONOUS_SLOT: mark("their first synchronous slot starts"),
    Anchor.LAST_SYNCHRONOUS_SLOT: mark("their last synchronous slot ends"),
    Anchor.ENROLLED: mark("they are enrolled"),
    Anchor.STARTED: mark("they start"),
    Anchor.COMPLETED: mark("they complete it"),
    Anchor.DATE: mark("that date comes"),
}

_UNTIL = {
    Until.COMPLETED: mark("until they have completed the session"),
    Until.ANSWERED: mark("until they have answered the questionnaire"),
}

_LAST = {
    ToRole.COMPANY_CONTACT: mark("then one last mail to the contact of their company"),
    ToRole.MANAGER: mark("then one last mail to their manager"),
    ToRole.SESSION_MANAGER: mark("then one last mail to the manager of the session"),
}


def rule_in_words(definition: RuleDefinition, zone: tzinfo, *, language: Language) -> str:
    """Return when a rule sends, with all that moves or repeats it; `zone` as of `trigger_in_words`."""
    return language.translations.gettext("; ").join(_when(definition, zone, language))


def trigger_in_words(trigger: DateTrigger, zone: tzinfo, *, language: Language) -> str:
    """Return when a rule sends: "7 days before the session starts, at 09:00".

    `zone` is the session's; it tells on what day an absolute instant falls.
    """
    if isinstance(trigger.date, datetime):
        clock = time_in_words(trigger.date, zone, language.locale)
        return _at(_on(trigger.date, zone, language), clock, language)
    if trigger.date is not None and trigger.at is not None:
        return _at(_on(trigger.date, None, language), f"{trigger.at:%H:%M}", language)
    anchor = anchor_in_words(trigger.anchor, language)
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


def anchor_in_words(anchor: Anchor, language: Language) -> str:
    """Return what a rule counts from, as a clause: "the session starts"."""
    return language.translations.gettext(_ANCHORS[anchor])


def offset_in_words(offset: Offset, language: Language) -> str:
    """Return how far, and which way: "7 days before"."""
    _ = language.translations.gettext
    words = _("%(delay)s before") if _is_before(offset) else _("%(delay)s after")
    return words % {"delay": delay_in_words(offset, language)}


def delay_in_words(offset: Offset, language: Language) -> str:
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


def _when(definition: RuleDefinition, zone: tzinfo, language: Language) -> Iterator[str]:
    _ = language.translations.gettext
    yield trigger_in_words(definition.trigger, zone, language=language)
    if definition.catch_up:
        yield _("at once to whoever joins after that")
    if definition.repeat is not None:
        yield _again(definition.repeat, language)
    if definition.repeat is not None and definition.repeat.then is not None:
        yield _(_LAST[definition.repeat.then.to])
    if definition.window is not None:
        yield window_in_words(definition.window, language)
    if definition.zone == "recipient":
        yield _("on the recipient’s own clocks")


def _again(repeat: Repeat, language: Language) -> str:
    """Return "then again, 7 days apart, until they have completed the session, 4 mails at most"."""
    _, ngettext = language.translations.gettext, language.translations.ngettext
    parts = [_("then again, %(delay)s apart") % {"delay": delay_in_words(repeat.every, language)}]
    if repeat.until is not None:
        parts.append(_(_UNTIL[repeat.until]))
    parts.append(
        ngettext("%(n)s mail at most", "%(n)s mails at most", repeat.at_most) % {"n": repeat.at_most}
    )
    return ", ".join(parts)


def _on(day: date, zone: tzinfo | None, language: Language) -> str:
    return language.translations.gettext("on %(day)s") % {"day": day_in_words(day, zone, language.locale)}


def _away(offset: Offset, anchor: str, language: Language) -> str:
    """Return "2 hours before the session starts"."""
    _ = language.translations.gettext
    if offset == Offset():
        return _("when %(anchor)s") % {"anchor": anchor}
    words = _("%(delay)s before %(anchor)s") if _is_before(offset) else _("%(delay)s after %(anchor)s")
    return words % {"delay": delay_in_words(offset, language), "anchor": anchor}


def _is_before(offset: Offset) -> bool:
    return min(offset.months, offset.days, offset.exact // timedelta(seconds=1)) < 0


def _at(words: str, clock: str, language: Language) -> str:
    return language.translations.gettext("%(when)s, at %(time)s") % {"when": words, "time": clock}
