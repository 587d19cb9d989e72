"""Is there a sentence for everything that an explanation can say, in both languages?"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.anchors import Anchor
from domain.conditions import Completion, Presence
from domain.participations import Attendance
from domain.rules import Until
from domain.sends import Reason, Status
from domain.steps import Code, step
from words.languages import Language, load_languages
from words.steps import step_in_words

LANGUAGES = load_languages()
PARIS = ZoneInfo("Europe/Paris")
AT = datetime(2027, 1, 18, 8, tzinfo=UTC)
LOCAL = datetime(2027, 1, 18, 9)  # noqa: DTZ001 - what clocks show
LISTED: dict[str, Any] = {"wanted": ["a", "b"], "found": "c", "met": False}
BY: list[dict[str, str]] = [{}, {"by": "LMS"}]

VALUES: dict[Code, list[dict[str, Any]]] = {
    Code.STANDS: [{"status": status, "at": AT, "leaves_at": AT} for status in Status]
    + [{"status": Status.SCHEDULED, "leaves_at": AT, "retry_at": AT}],
    Code.REASON: [{"reason": reason} for reason in Reason],
    Code.SESSION_CENTER: [LISTED, {"wanted": ["a"], "met": False}],
    Code.SESSION_STAGE: [LISTED, {"wanted": ["a"], "met": False}],
    Code.PLACE_MODE: [LISTED, {"wanted": ["a"], "met": False}],
    Code.PLACE_CATEGORY: [LISTED, {"wanted": ["a"], "met": False}],
    Code.PARTICIPATION_STATUS: [LISTED, {"wanted": ["a"], "met": False}],
    Code.NO_ANCHOR: [{"anchor": anchor} for anchor in Anchor],
    Code.OLD_FACT: [{"anchor": Anchor.COMPLETED, "at": AT, "recorded_at": AT}],
    Code.BEFORE_RULE: [{"at": AT, "since": AT}],
    Code.DUE_IN_PAST: [{"local": LOCAL, "asked_at": AT}],
    Code.NO_CATCH_UP: [
        {"why": why, "at": AT, "recorded_at": AT, "since": AT}
        for why in ("old_record", "in_time", "before_rule", "too_late")
    ],
    Code.COVERED_BY: [
        {"participants": ["ada"], "send": "1", "status": status, "at": AT, "leaves_at": AT}
        for status in Status
    ],
    Code.TEMPLATE_HERE: [{"template": "own", "usual": "usual"}],
    Code.TIMES_HERE: [
        {"anchor": "session.start", "offset": "-P7D", "at": "09:00:00", "usual_offset": "-PT2H"},
    ],
    Code.ATTENDANCE: [
        {"wanted": wanted, "found": found, "met": False} for wanted in Presence for found in Attendance
    ]
    + [{"wanted": Presence.PRESENT, "met": False}],
    Code.COMPLETION: [{"wanted": list(Completion), "found": found, "met": True} for found in Completion],
    Code.ANSWERED: [{"questionnaire": "q", "met": met} for met in (True, False)],
    Code.SERIES_OVER: [{"until": until, "met": met} for until in Until for met in (True, False)] + [{}],
    Code.RECEIVED_BY: [{"rule": "Convocation", "at": AT, "send": "1"}, {"rule": "Convocation", "send": "1"}],
    Code.CLOCKS: [
        {"whose": whose, "zone": "Europe/Paris"} for whose in ("session", "recipient", "organization")
    ],
    Code.ANCHOR: [
        {"anchor": anchor, "local": LOCAL, "at": AT, **whose}
        for anchor in Anchor
        for whose in ({"whose": "own"}, {"whose": "session"}, {})
    ],
    Code.HAPPENED: [{"anchor": Anchor.ENROLLED, "at": AT, "recorded_at": AT}],
    Code.ON_DATE: [{"local": LOCAL}],
    Code.OFFSET: [{"offset": offset, "local": LOCAL} for offset in ("-P7D", "P1M", "-PT2H")],
    Code.TIME_OF_DAY: [{"at": "09:00:00", "local": LOCAL}],
    Code.REPEATED: [{"number": 2, "every": "P7D", "local": LOCAL}],
    Code.LAST_STEP: [{"every": "P7D", "local": LOCAL}],
    Code.CLOCKS_SKIP: [{"meant": LOCAL, "local": LOCAL}],
    Code.CLOCKS_TWICE: [{"local": LOCAL}],
    Code.CLOCKS_CHANGE: [{"local": LOCAL}],
    Code.CAUGHT_UP: [{"enrolled_at": AT, "local": LOCAL}],
    Code.CORRECTED: [{"anchor_at": AT}],
    Code.WINDOW_CLOSED: [{"why": why, "meant": LOCAL, "local": LOCAL} for why in ("day", "holiday", "hours")],
    Code.DUE: [{"local": LOCAL, "at": AT, "zone": "Europe/Paris"}],
    Code.LATEST: [{"at": AT, "why": why} for why in ("anchor", "deliver_within", "a_day")],
    Code.BY_HAND: [{"at": AT}],
    Code.ONCE_PLANNED: [{"was_at": AT, "at": AT}],
    Code.PLANNED: [{"happened_at": AT, "due_at": AT, **by} for by in BY],
    Code.MOVED: [{"happened_at": AT, "was_at": AT, "due_at": AT}],
    Code.PLANNED_AGAIN: [{"happened_at": AT, "due_at": AT}],
    Code.DEFERRED: [{"happened_at": AT, "reply_code": 451}, {"happened_at": AT}],
    Code.CHANGED: [{"happened_at": AT, "status": status} for status in Status]
    + [{"happened_at": AT, "status": Status.SKIPPED, "reason": reason} for reason in Reason]
    + [{"happened_at": AT, "status": status, "by": "LMS"} for status in Status],
    Code.REACTIVATED: [{"happened_at": AT, **by} for by in BY],
    Code.SENT_BY_HAND: [{"happened_at": AT, **by} for by in BY],
    Code.SENT_AGAIN: [{"happened_at": AT, **by} for by in BY],
    Code.HANDED_OVER: [{"happened_at": AT, "attempt": 1}],
}


@pytest.mark.parametrize("code", Code)
def test_every_step_is_a_sentence_in_both_languages(code: Code) -> None:
    for values in VALUES.get(code, [{}]):
        english, french = (say(code, values, LANGUAGES[language]) for language in ("en", "fr"))

        for sentence in (english, french):
            assert sentence[0].isupper() or sentence[0].isdigit()
            assert sentence.endswith(".")
            assert "%" not in sentence
        assert english != french


def say(code: Code, values: dict[str, Any], language: Language) -> str:
    return step_in_words(step(code, **values), PARIS, language=language)


@pytest.mark.parametrize(
    ("code", "values", "english", "french"),
    [
        (
            Code.DUE,
            {"local": LOCAL, "at": AT, "zone": "Europe/Paris"},
            "So it is due on Mon, 18 Jan 2027 at 09:00 (Paris), which is 2027-01-18 08:00 UTC.",
            "Il est donc dû le lun. 18 janv. 2027 à 09:00 (Paris), soit 2027-01-18 08:00 UTC.",
        ),
        (
            Code.STANDS,
            {"status": Status.CANCELLED, "at": AT},
            "It was cancelled on Mon, 18 Jan 2027 at 09:00.",
            "Il a été annulé le lun. 18 janv. 2027 à 09:00.",
        ),
        (
            Code.CHANGED,
            {"status": Status.CANCELLED, "happened_at": AT, "reason": Reason.CANCELLED_BY_HAND, "by": "LMS"},
            "On Mon, 18 Jan 2027 at 09:00 the token “LMS” cancelled it.",
            "Le lun. 18 janv. 2027 à 09:00, le jeton «\u00a0LMS\u00a0» l’a annulé.",
        ),
        (
            Code.NO_ANCHOR,
            {"anchor": Anchor.PARTICIPATION_DEADLINE},
            "The rule counts from when their deadline is reached, and that date is not known.",
            "La règle compte depuis son échéance, et cette date n’est pas connue.",
        ),
        (
            Code.SESSION_STAGE,
            {"wanted": ["confirmed", "over"], "met": False},
            "The rule is for sessions of stage “confirmed” or “over”. This one has no stage.",
            "La règle est pour les sessions à l’étape « confirmed » ou « over ». Celle-ci n’a pas d’étape.",
        ),
        (
            Code.COMPLETION,
            {
                "wanted": [Completion.NOT_STARTED, Completion.IN_PROGRESS],
                "found": Completion.COMPLETED,
                "met": False,
            },
            "The rule asks for: not started or in progress. The recipient’s progress: completed.",
            "La règle demande : pas commencé ou en cours. L’avancement du destinataire : achevé.",
        ),
    ],
)
def test_a_step_reads_as_people_say_it(code: Code, values: dict[str, Any], english: str, french: str) -> None:
    assert say(code, values, LANGUAGES["en"]) == english
    assert say(code, values, LANGUAGES["fr"]) == french


def test_a_name_is_said_as_it_is_written() -> None:
    values = {"rule": "100 % “J-7” %(at)s", "at": AT, "send": "1"}

    assert "100 % “J-7” %(at)s" in say(Code.RECEIVED_BY, values, LANGUAGES["en"])
