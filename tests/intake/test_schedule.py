"""The schedule of a conference: what becomes of its words, and on which line each session stands."""

import json
import re
from datetime import UTC, datetime

from tests.intake.reading import contents, rejected, sessions

TALK = {
    "code": "8XKCB8",
    "title": "Asyncio without Asyncio",
    "type": "Tutorial",
    "track": "Web",
    "state": "confirmed",
    "room": "Club A",
    "start": "2023-07-17T09:30:00+02:00",
    "end": "2023-07-17T11:00:00+02:00",
    "speakers": ["SR9UDD"],
    "abstract": "what we have no word for",
}


def schedule(*sessions: object, indent: int | None = 1) -> str:
    return json.dumps(
        {"conference": "Ours", "timezone": "Europe/Prague", "sessions": sessions}, indent=indent
    )


def test_each_word_of_a_schedule_has_one_of_ours() -> None:
    (session,) = sessions(schedule(TALK))

    assert (session.id, session.name) == ("8XKCB8", "Asyncio without Asyncio")
    assert (session.mode, session.category, session.stage) == ("Tutorial", "Web", "confirmed")
    assert (session.room, session.timezone) == ("Club A", "Europe/Prague")
    assert session.starts_at == datetime(2023, 7, 17, 7, 30, tzinfo=UTC)
    assert session.ends_at == datetime(2023, 7, 17, 9, tzinfo=UTC)
    assert session.trainers == ["SR9UDD"]
    assert session.participants is None


def test_a_session_without_speakers_has_no_trainers_and_one_that_does_not_say_keeps_its_own() -> None:
    none, unsaid = sessions(
        schedule(
            TALK | {"code": "A", "speakers": [], "track": None},
            {key: value for key, value in TALK.items() if key != "speakers"},
        )
    )

    assert none.trainers == []
    assert unsaid.trainers is None


def test_a_session_stands_on_the_line_where_it_begins() -> None:
    text = '{"extra": {"sessions": [1, "]"]},\n\n "sessions"\n:\n[{"code":\n"A"},\n\n {"code": "B"}, {"code": "C"}\n], "x": []}'

    assert rejected(text) == [
        "line 5: name: Field required",
        "line 8: name: Field required",
        "line 8: name: Field required",
    ]
    assert [row.line for row in contents(schedule(TALK, TALK | {"code": "B"})).rows] == [5, 19]
    assert [row.line for row in contents(schedule(TALK, indent=None)).rows] == [1]


def test_a_wrong_session_is_told_with_its_field() -> None:
    said = rejected(
        schedule(
            7,
            TALK | {"code": None},
            TALK | {"speakers": "SR9UDD"},
            TALK | {"speakers": [7]},
            TALK | {"start": "2023-07-17T09:30:00"},
            TALK | {"code": "B", "speakers": ["x" * 200]},
        )
    )

    assert [re.split(" should|: say| 1 to", one.partition(": ")[2])[0] for one in said] == [
        'a session is an object: {"code": …, "title": …}',
        "id: Input",
        "speakers: a list of codes, each of them text",
        "speakers: a list of codes, each of them text",
        "starts_at: it has no timezone",
        "trainers.0: an id holds",
    ]
