from zoneinfo import ZoneInfo

import pytest

from domain.anchors import Anchor
from domain.rules import RuleDefinition, ToRole, Until
from domain.sends import Reason, Status
from tests.web.web_fakes import a_trigger
from words.languages import Language, load_languages
from words.rules import rule_in_words, trigger_in_words
from words.sends import reason_in_words, status_in_words

LANGUAGES = load_languages()
ENGLISH, FRENCH = LANGUAGES["en"], LANGUAGES["fr"]
AUCKLAND = ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_every_status_has_its_own_words(language: Language) -> None:
    words = [status_in_words(status, language=language) for status in Status]

    assert all(words)
    assert len(set(words)) == len(Status)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_every_reason_is_a_sentence_of_its_own(language: Language) -> None:
    sentences = [reason_in_words(reason, language=language) for reason in Reason]

    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(Reason)


def test_no_status_and_no_reason_reads_the_same_in_french() -> None:
    for status in Status:
        assert status_in_words(status, language=ENGLISH) != status_in_words(status, language=FRENCH)
    for reason in Reason:
        assert reason_in_words(reason, language=ENGLISH) != reason_in_words(reason, language=FRENCH)


@pytest.mark.parametrize("anchor", [anchor for anchor in Anchor if anchor is not Anchor.DATE])
@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_every_anchor_can_be_told(anchor: Anchor, language: Language) -> None:
    assert trigger_in_words(a_trigger(anchor=anchor), AUCKLAND, language=language)


@pytest.mark.parametrize(
    ("trigger", "english", "french"),
    [
        (
            {"anchor": "session.start", "offset": "-P7D", "at": "09:00"},
            "7 days before the session starts, at 09:00",
            "7 jours avant le début de la session, à 09:00",
        ),
        (
            {"anchor": "session.end", "offset": "P1D", "at": "10:00"},
            "1 day after the session ends, at 10:00",
            "1 jour après la fin de la session, à 10:00",
        ),
        (
            {"anchor": "session.start", "offset": "-PT2H"},
            "2 hours before the session starts",
            "2 heures avant le début de la session",
        ),
        (
            {"anchor": "module.start", "offset": "-P1M3DT1H30M"},
            "1 month, 3 days, 1 hour and 30 minutes before the module starts",
            "1 mois, 3 jours, 1 heure et 30 minutes avant le début du module",
        ),
        (
            {"anchor": "slot.end", "offset": "PT90S"},
            "1 minute and 30 seconds after the slot ends",
            "1 minute et 30 secondes après la fin du créneau",
        ),
        ({"anchor": "session.start"}, "when the session starts", "dès le début de la session"),
        (
            {"anchor": "session.start", "offset": "P0D", "at": "08:30"},
            "on the day the session starts, at 08:30",
            "le même jour que le début de la session, à 08:30",
        ),
        (  # the time of day is taken first, exact time counted from there
            {"anchor": "session.start", "offset": "-P1DT2H", "at": "09:00"},
            "1 day before the session starts, 2 hours before 09:00",
            "1 jour avant le début de la session, 2 heures avant 09:00",
        ),
        (
            {"anchor": "date", "date": "2026-12-24", "at": "09:00"},
            "on Thu, 24 Dec 2026, at 09:00",
            "le jeu. 24 déc. 2026, à 09:00",
        ),
        (  # 20:30 in London is 09:30 of the next day in Auckland
            {"anchor": "date", "date": "2026-12-24T20:30:00+00:00"},
            "on Fri, 25 Dec 2026, at 09:30",
            "le ven. 25 déc. 2026, à 09:30",
        ),
    ],
)
def test_a_trigger_is_told_as_people_say_it(trigger: dict[str, str], english: str, french: str) -> None:
    assert trigger_in_words(a_trigger(**trigger), AUCKLAND, language=ENGLISH) == english
    assert trigger_in_words(a_trigger(**trigger), AUCKLAND, language=FRENCH) == french


@pytest.mark.parametrize(
    ("says", "english", "french"),
    [
        ({}, "", ""),
        (
            {"repeat": {"every": "P7D", "until": "completed", "at_most": 4}},
            "; then again, 7 days apart, until they have completed the session, 4 mails at most",
            " ; puis à nouveau, à 7 jours d’intervalle, jusqu’à ce que la session soit achevée, 4 mails au plus",
        ),
        (
            {"repeat": {"every": "P1M", "at_most": 1, "then": {"to": "manager"}}},
            "; then again, 1 month apart, 1 mail at most; then one last mail to their manager",
            " ; puis à nouveau, à 1 mois d’intervalle, 1 mail au plus ; puis un dernier mail à son responsable",
        ),
        (
            {
                "window": {
                    "days": ["mon", "tue", "wed", "thu", "fri"],
                    "from": "08:00",
                    "to": "19:00",
                    "holidays": "FR",
                }
            },
            "; Monday to Friday, 08:00 to 19:00, not on public holidays (France)",
            " ; du lundi au vendredi, de 08:00 à 19:00, pas les jours fériés (France)",
        ),
        ({"window": {"days": ["sat", "mon"], "from": "08:00"}}, "; Monday and Saturday, from 08:00", None),
        ({"window": {"holidays": "FR-57"}}, "; not on public holidays (France, 57)", None),
        ({"window": {}}, "; at any time", " ; à tout moment"),
        (
            {"catch_up": True},
            "; at once to whoever joins after that",
            " ; aussitôt à qui rejoint la session après",
        ),
        ({"zone": "recipient"}, "; on the recipient’s own clocks", " ; à l’heure du destinataire"),
    ],
)
def test_all_that_moves_or_repeats_a_mail_is_told_after_its_trigger(
    says: dict[str, object], english: str, french: str | None
) -> None:
    trigger = a_trigger(anchor="enrolled", offset="P7D")
    rule = RuleDefinition.model_validate({"trigger": trigger, **says})

    assert rule_in_words(rule, AUCKLAND, language=ENGLISH) == f"7 days after they are enrolled{english}"
    if french is not None:
        assert rule_in_words(rule, AUCKLAND, language=FRENCH) == f"7 jours après son inscription{french}"


@pytest.mark.parametrize("until", Until)
@pytest.mark.parametrize("to", ToRole)
@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_every_end_of_a_series_can_be_told(until: Until, to: ToRole, language: Language) -> None:
    repeat = {"every": "P7D", "until": until, "at_most": 2, "then": {"to": to}}
    rule = RuleDefinition.model_validate({"trigger": a_trigger(anchor="session.start"), "repeat": repeat})

    assert rule_in_words(rule, AUCKLAND, language=language).count(";") == 2
