from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.occurrences import LAST, Occurrence, correction_step
from domain.rules import RuleDefinition
from tests.web.web_fakes import a_trigger
from words.languages import load_languages
from words.mails import mail_in_words
from words.rules import rule_in_words

LANGUAGES = load_languages()
ENGLISH, FRENCH = LANGUAGES["en"], LANGUAGES["fr"]
PARIS = ZoneInfo("Europe/Paris")
SERIES = {"repeat": {"every": "P7D", "at_most": 3, "then": {"to": "manager"}}}
NEW_DATE = datetime(2026, 12, 5, 8, tzinfo=UTC)
SOMEBODY = UUID(int=7)


@pytest.mark.parametrize("occurrence", [Occurrence(), Occurrence(group=SOMEBODY), Occurrence(memory=2)])
@pytest.mark.parametrize("says", [{}, SERIES])
def test_the_first_mail_of_a_rule_is_told_as_the_rule_is(
    says: dict[str, object], occurrence: Occurrence
) -> None:
    """F080"""
    rule = a_rule(says)

    for language in LANGUAGES.values():
        told = mail_in_words(rule, occurrence, PARIS, language=language)
        assert told == rule_in_words(rule, PARIS, language=language)


@pytest.mark.parametrize(
    ("says", "step", "english", "french"),
    [
        (
            SERIES,
            "2",
            (
                "mail 2 of a series that begins 7 days after they are enrolled; then again, 7 days apart, 3 mails at most"
                "; then one last mail to their manager"
            ),
            (
                "mail 2 d’une série qui commence 7 jours après son inscription ; puis à nouveau, à 7 jours d’intervalle, "
                "3 mails au plus ; puis un dernier mail à son responsable"
            ),
        ),
        (
            SERIES,
            LAST,
            (
                "the last mail of a series that begins 7 days after they are enrolled; then again, 7 days apart, "
                "3 mails at most; then one last mail to their manager"
            ),
            (
                "dernier mail d’une série qui commence 7 jours après son inscription ; puis à nouveau, à 7 jours "
                "d’intervalle, 3 mails au plus ; puis un dernier mail à son responsable"
            ),
        ),
        (
            {},
            "2",
            "mail 2 of a series that the rule does not write any more",
            "mail 2 d’une série que la règle n’écrit plus",
        ),
        (
            {"repeat": {"every": "P7D", "at_most": 3}},
            LAST,
            "the last mail of a series that the rule does not write any more",
            "dernier mail d’une série que la règle n’écrit plus",
        ),
        (
            {},
            correction_step(NEW_DATE, 2),
            "a correction, at once since the date that was told has changed",
            "un rectificatif, aussitôt, car la date annoncée a changé",
        ),
        (
            {"window": {"from": "08:00", "to": "19:00"}},
            correction_step(NEW_DATE),
            "a correction, at once since the date that was told has changed; 08:00 to 19:00",
            "un rectificatif, aussitôt, car la date annoncée a changé ; de 08:00 à 19:00",
        ),
        (
            {},
            correction_step(NEW_DATE, by_hand=True),
            "a correction that somebody asked for, at once since the date that was told has changed",
            "un rectificatif demandé par quelqu’un, aussitôt, car la date annoncée a changé",
        ),
    ],
)
def test_any_other_mail_tells_what_makes_it_leave(
    says: dict[str, object], step: str, english: str, french: str
) -> None:
    """F080: the trigger alone is not what makes a later mail of a series leave, nor a correction."""
    occurrence = Occurrence(step, SOMEBODY, 2)

    assert mail_in_words(a_rule(says), occurrence, PARIS, language=ENGLISH) == english
    assert mail_in_words(a_rule(says), occurrence, PARIS, language=FRENCH) == french


def a_rule(says: dict[str, object]) -> RuleDefinition:
    return RuleDefinition.model_validate({"trigger": a_trigger(anchor="enrolled", offset="P7D"), **says})
