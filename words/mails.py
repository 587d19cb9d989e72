"""What made one mail of a rule leave when it does: its trigger, a step of its series, or a date that has changed."""

from datetime import tzinfo

from domain.occurrences import CORRECTION, LAST, Occurrence
from domain.rules import RuleDefinition
from words.languages import Language, mark
from words.rules import rule_in_words
from words.windows import window_in_words

_CORRECTED = mark("a correction, at once since the date that was told has changed")
_CORRECTED_BY_HAND = mark(
    "a correction that somebody asked for, at once since the date that was told has changed"
)


def mail_in_words(
    definition: RuleDefinition, occurrence: Occurrence, zone: tzinfo, *, language: Language
) -> str:
    """Return when a mail leaves, as `rule_in_words` does, and which one of its rule it is where it is not the first."""
    if occurrence.kind == CORRECTION:
        return _correction(definition, occurrence, language)
    place = _place_in_series(occurrence)
    if place is None:
        return rule_in_words(definition, zone, language=language)
    _ = language.translations.gettext
    told = {"mail": _(place) % {"number": occurrence.step}}
    if not _is_written_still(definition, occurrence):
        return _("%(mail)s that the rule does not write any more") % told
    return _("%(mail)s that begins %(when)s") % {
        **told,
        "when": rule_in_words(definition, zone, language=language),
    }


def _correction(definition: RuleDefinition, occurrence: Occurrence, language: Language) -> str:
    _ = language.translations.gettext
    told = _(_CORRECTED_BY_HAND if occurrence.by_hand else _CORRECTED)
    if definition.window is None:
        return told
    return _("; ").join((told, window_in_words(definition.window, language)))


def _place_in_series(occurrence: Occurrence) -> str | None:
    if occurrence.kind == LAST:
        return mark("the last mail of a series")
    return mark("mail %(number)s of a series") if (occurrence.number or 1) > 1 else None


def _is_written_still(definition: RuleDefinition, occurrence: Occurrence) -> bool:
    repeat = definition.repeat
    return repeat is not None and (occurrence.kind != LAST or repeat.then is not None)
