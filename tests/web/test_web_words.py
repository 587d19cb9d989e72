from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.anchors import Anchor
from domain.sends import Reason, Status
from tests.web.web_fakes import a_trigger
from web import rendering
from web.language import Language, load_languages
from web.words import reason_in_words, status_in_words, trigger_in_words

LANGUAGES = load_languages(Path(rendering.__file__).parent / "locale")
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
