"""A file is written whole, or not at all; what is the same changes nothing; who vanished is asked about first."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.intake.desk import Desk

DOCUMENTED = Path(__file__).parents[2] / "docs" / "import.md"

ADA = {"id": "ada", "email": "ada@example.org", "first_name": "Ada"}

SLOT = {
    "id": "am",
    "name": "Morning",
    "starts_at": "2027-01-25T09:00:00+01:00",
    "ends_at": "2027-01-25T12:00:00+01:00",
}


def session(id: str, **more: Any) -> dict[str, Any]:
    dates = {"starts_at": "2027-01-25T09:00:00+01:00", "ends_at": "2027-01-26T17:00:00+01:00"}
    return {"id": id, "name": f"Session {id}", **dates, **more}


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """Keep the statements that are sent meanwhile."""
    sent: list[str] = []

    def keep(*arguments: Any) -> None:
        sent.append(arguments[2])

    engine = desk.door.store.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    yield sent
    event.remove(engine, "before_cursor_execute", keep)


async def test_the_documented_example_can_be_imported_as_it_is(desk: Desk) -> None:
    (example,) = re.findall(r"```\n(\{.*?)```", DOCUMENTED.read_text(), re.S)

    said = await desk.bring(desk.file(*example.splitlines()))

    assert said.code == 0
    assert said.line("Sessions") == "2 new, 0 changed, 0 removed, 0 as they were"


async def test_what_a_file_says_is_what_the_api_answers(desk: Desk) -> None:
    said = await desk.bring(
        desk.file(
            session("S-1", timezone="Europe/Prague", stage="confirmed", participants=[ADA], slots=[SLOT]),
            session("S-2", trainers=["ada"]),
        )
    )

    assert said.code == 0
    assert said.line("Sessions") == "2 new, 0 changed, 0 removed, 0 as they were"
    assert said.line("People") == "1 new, 0 changed, 0 removed, 0 as they were"
    assert said.line("Taking part") == "2 joined, 0 changed, 0 left, 0 as they were"
    assert said.line("Written") == "; planning follows for 2 sessions."
    answer = await desk.door.get("sessions/S-1")
    assert (answer["name"], answer["timezone"], answer["stage"]) == (
        "Session S-1",
        "Europe/Prague",
        "confirmed",
    )
    assert [slot["id"] for slot in answer["slots"]] == ["am"]
    assert (await desk.door.get("sessions/S-2"))["timezone"] == "Europe/Paris"  # the organization's
    assert (await desk.door.get("people/ada"))["email"] == "ada@example.org"
    assert await desk.taking_part("S-1") == ["ada"]
    assert await desk.taking_part("S-2", "trainer") == ["ada"]
    assert sorted(desk.door.pokes.take()) == ["session S-1", "session S-2"]


async def test_people_are_described_with_their_zone_and_their_manager(desk: Desk) -> None:
    boss = {"id": "boss", "email": "boss@example.org"}
    ada = ADA | {"timezone": "Asia/Kathmandu", "manager": "boss"}
    await desk.bring(desk.file(session("S-1", participants=[ada]), session("S-2", trainers=[boss, "ada"])))
    before, _ = await desk.door.everything(), desk.door.pokes.take()

    again = await desk.bring(desk.file(session("S-1", participants=[ada])))
    assert (again.code, await desk.door.everything()) == (0, before)
    told = await desk.door.get("people/ada")
    assert (told["timezone"], told["manager"]) == ("Asia/Kathmandu", "boss")

    await desk.bring(desk.file(session("S-1", participants=[ada | {"timezone": "Europe/Paris"}])))

    assert sorted(desk.door.pokes.take()) == ["session S-1", "session S-2"]
    parts = "participations p join people on people.id = p.person_id where people.key = 'ada'"
    assert await desk.rows(parts, "p.version") == [(2,), (2,)]


async def test_a_manager_whom_nobody_knows_is_refused_with_the_line(desk: Desk) -> None:
    said = await desk.bring(desk.file(session("S-1", participants=[ADA | {"manager": "nobody"}])))

    assert said.code == 1
    assert "there is no person 'nobody'" in said.text
    assert await desk.sessions() == []


async def test_the_manager_of_a_session_is_known_before_the_file(desk: Desk) -> None:  # F055
    boss = {"id": "boss", "email": "boss@example.org"}
    rows = session("S-1", manager="boss"), session("S-2", participants=[boss])

    early = await desk.bring(desk.file(*rows))
    assert early.code == 1
    assert "line 1: manager: there is no person 'boss': PUT /v1/people/{id} first" in early.text
    assert await desk.sessions() == []

    await desk.door.put("people/boss", email="boss@example.org")
    await desk.bring(desk.file(*rows))
    told = await desk.door.get("sessions/S-1")
    assert (told["manager"], told["version"]) == ("boss", 1)
    await desk.bring(desk.file(session("S-1")))
    assert (await desk.door.get("sessions/S-1"))["manager"] is None


async def test_the_same_file_again_changes_no_row_and_asks_for_no_planning(desk: Desk) -> None:
    path = desk.file(
        session(
            "S-1", participants=[ADA], modules=[{"id": "m", "name": "Basics"}], slots=[SLOT | {"module": "m"}]
        ),
        session("S-2", trainers=["ada"]),
    )
    await desk.bring(path, guests=3)
    before, _ = await desk.door.everything(), desk.door.pokes.take()

    said = await desk.bring(path, guests=3)

    assert await desk.door.everything() == before
    assert desk.door.pokes.take() == []
    assert said.line("Sessions") == "0 new, 0 changed, 0 removed, 2 as they were"
    assert said.line("People") == "0 new, 0 changed, 0 removed, 7 as they were"
    assert said.line("Taking part") == "0 joined, 0 changed, 0 left, 8 as they were"
    assert said.line("Written") == "; nothing is to be planned."


async def test_only_what_differs_is_planned_again(desk: Desk) -> None:
    """F024, F074."""
    one, two, three = session("S-1"), session("S-2", participants=[ADA]), session("S-3")
    await desk.bring(desk.file(one, two, three))
    before, _ = dict(await desk.rows("sessions", "key, version")), desk.door.pokes.take()
    later = session("S-1") | {"ends_at": "2027-01-27T17:00:00+01:00"}

    said = await desk.bring(desk.file(later, two | {"participants": []}, three))

    assert said.line("Sessions") == "0 new, 1 changed, 0 removed, 2 as they were"
    assert said.line("Taking part") == "0 joined, 0 changed, 1 left, 0 as they were"
    assert dict(await desk.rows("sessions", "key, version")) == before | {"S-1": before["S-1"] + 1}
    assert await desk.taking_part("S-2") == []
    assert sorted(desk.door.pokes.take()) == ["session S-1", "session S-2"]


async def test_a_dry_run_says_the_same_and_writes_nothing(desk: Desk) -> None:
    await desk.bring(desk.file(session("S-1"), session("S-2"), session("S-3")))
    before, _ = await desk.door.everything(), desk.door.pokes.take()
    path = desk.file(session("S-1"), session("S-2", stage="confirmed"), session("S-4", participants=[ADA]))

    rehearsed = await desk.bring(path, guests=2, remove_missing=True, dry_run=True)

    assert await desk.door.everything() == before
    assert desk.door.pokes.take() == []
    assert desk.asked == []
    assert rehearsed.line("Nothing") == "was written: this was a dry run."
    assert rehearsed.line("1 sessions") == "are not in the file: S-3"
    done = await desk.bring(path, guests=2, remove_missing=True)
    for kind in ("Sessions", "People", "Taking part"):
        assert done.line(kind) == rehearsed.line(kind)
    assert done.line("Sessions") == "1 new, 1 changed, 1 removed, 1 as they were"


async def test_a_file_with_a_bad_row_is_not_written_unless_bad_rows_are_to_be_skipped(desk: Desk) -> None:
    path = desk.file(
        session("S-1"), '{"id": "S-2"', session("S-3", ends_at="2027-01-24T09:00:00Z"), session("S-4")
    )
    before = await desk.door.everything()

    refused = await desk.bring(path)

    assert refused.code == 1
    assert await desk.door.everything() == before
    assert refused.text.splitlines() == [
        "✗ line 2: not JSON (Expecting ',' delimiter, column 13): write one session a line",
        "✗ line 3: ends_at lies before starts_at: swap them, or leave ends_at out",
        "Nothing was written: 2 of 4 rows are refused. Mend them, or leave them out with --skip-bad.",
    ]
    skipped = await desk.bring(path, skip_bad=True)
    assert skipped.code == 0
    assert await desk.sessions() == ["S-1", "S-4"]
    assert skipped.line("2 rows") == "were refused, and left out."
    assert skipped.text.count("✗ line ") == 2


async def test_a_file_of_bad_rows_alone_is_refused_even_so(desk: Desk) -> None:
    assert (await desk.bring(desk.file('{"id": "S-2"}'), skip_bad=True)).code == 1


async def test_whom_nobody_knows_is_refused_with_the_line(desk: Desk) -> None:
    await desk.door.put("people/grace", email="grace@example.org")
    await desk.door.put("people/gone", email="gone@example.org")
    await desk.door.call("DELETE", "/v1/people/gone")
    path = desk.file(
        session("S-1", participants=["grace", ADA]),
        session("S-2", trainers=["ada"]),
        session("S-3", trainers=["alan"]),
        session("S-4", participants=["gone"]),
        session("S-5", participants=["alan", {"id": "kurt"}]),
        session("S-6", participants=["kurt"]),  # described in a row that is refused
    )

    said = await desk.bring(path, skip_bad=True)

    cure = "PUT /v1/people/{id} first, or describe them here"
    assert [line for line in said.text.splitlines() if "✗" in line] == [
        f"✗ line 3: there is no person 'alan': {cure}",
        f"✗ line 4: there is no person 'gone': {cure}",
        f"✗ line 5: there is no person 'alan': {cure}",
        f"✗ line 6: there is no person 'kurt': {cure}",
    ]
    assert await desk.sessions() == ["S-1", "S-2"]


async def test_what_a_row_does_not_name_stays_as_it_was(desk: Desk) -> None:
    modules = [{"id": "m", "name": "Basics"}]
    await desk.bring(
        desk.file(session("S-1", participants=[ADA], trainers=["ada"], modules=modules, slots=[SLOT]))
    )

    said = await desk.bring(desk.file(session("S-1", stage="confirmed")))

    answer = await desk.door.get("sessions/S-1")
    assert (answer["stage"], len(answer["modules"]), len(answer["slots"])) == ("confirmed", 1, 1)
    assert await desk.taking_part("S-1") == await desk.taking_part("S-1", "trainer") == ["ada"]
    assert said.line("Taking part") == "0 joined, 0 changed, 0 left, 0 as they were"
    await desk.bring(desk.file(session("S-1", slots=[])))
    answer = await desk.door.get("sessions/S-1")
    assert (answer["stage"], answer["modules"], answer["slots"]) == (None, [], [])


async def test_vanished_sessions_are_removed_once_somebody_agrees(desk: Desk) -> None:
    await desk.bring(desk.file(*(session(f"S-{number}") for number in range(1, 5))))
    await desk.door.put("sessions/by-hand", name="By hand")
    await desk.bring(desk.file(session("S-1")))
    assert len(await desk.sessions()) == 5  # nobody asked for a removal
    desk.door.pokes.take()
    desk.agrees = False

    refused = await desk.bring(desk.file(session("S-1"), session("S-2")), remove_missing=True)

    assert refused.code == 1
    assert desk.asked == ["Remove 3 sessions, and stop their mails?"]
    assert len(await desk.sessions()) == 5
    desk.agrees = True
    said = await desk.bring(desk.file(session("S-1"), session("S-2")), remove_missing=True)
    assert said.line("3 sessions") == "are not in the file: S-3, S-4, by-hand"
    assert said.line("Sessions") == "0 new, 0 changed, 3 removed, 2 as they were"
    assert await desk.sessions() == ["S-1", "S-2"]
    assert sorted(desk.door.pokes.take()) == ["session S-3", "session S-4", "session by-hand"]


async def test_nothing_is_removed_for_a_row_that_could_not_be_read(desk: Desk) -> None:
    await desk.bring(desk.file(session("S-1"), session("S-2")))

    with pytest.raises(ValueError, match="do not go together"):
        await desk.bring(desk.file(session("S-1")), remove_missing=True, skip_bad=True)
    refused = await desk.bring(desk.file(session("S-1"), '{"id": "S-2"}'), remove_missing=True)

    assert (refused.code, desk.asked) == (1, [])
    assert await desk.sessions() == ["S-1", "S-2"]


async def test_a_session_that_vanished_comes_back_as_itself(desk: Desk) -> None:
    both = [session("S-1"), session("S-2", participants=[ADA])]
    await desk.bring(desk.file(*both))
    (_, (key, id)) = await desk.rows("sessions", "key, id")
    await desk.bring(desk.file(both[0]), remove_missing=True)

    said = await desk.bring(desk.file(*both))

    assert said.line("Sessions") == "1 new, 0 changed, 0 removed, 1 as they were"
    assert (await desk.rows("sessions", "key, id"))[1] == (key, id)
    assert await desk.taking_part("S-2") == ["ada"]


async def test_a_made_up_address_never_takes_the_place_of_a_real_one(desk: Desk) -> None:
    schedule = {
        "timezone": "Europe/Prague",
        "sessions": [
            {
                "code": "8XKCB8",
                "title": "Asyncio",
                "speakers": ["SR9UDD"],
                "start": "2027-01-25T09:00:00+01:00",
            }
        ],
    }
    path = desk.folder / "schedule.json"
    path.write_text(json.dumps(schedule))
    await desk.bring(path, guests=1)
    assert (await desk.door.get("people/SR9UDD"))["email"] == "SR9UDD@example.org"
    assert (await desk.door.get("people/8XKCB8-1"))["email"] == "8XKCB8-1@example.org"
    await desk.door.put("people/SR9UDD", email="ada@example.org", first_name="Ada")
    before = await desk.door.everything()

    said = await desk.bring(path, guests=1)

    assert await desk.door.everything() == before
    assert said.line("People") == "0 new, 0 changed, 0 removed, 2 as they were"


async def test_guests_come_beside_whoever_takes_part(desk: Desk) -> None:
    await desk.bring(desk.file(session("S-1", participants=[ADA])))

    await desk.bring(desk.file(session("S-1")), guests=2)
    assert await desk.taking_part("S-1") == ["S-1-1", "S-1-2", "ada"]
    await desk.bring(desk.file(session("S-1", participants=[ADA])), guests=1)
    assert await desk.taking_part("S-1") == ["S-1-1", "ada"]


async def test_an_older_row_is_ignored_with_its_people(desk: Desk) -> None:
    await desk.bring(desk.file(session("S-1", source_version=7, participants=[ADA])))

    said = await desk.bring(desk.file(session("S-1", source_version=6, stage="draft", participants=[])))

    assert (
        said.line("Sessions") == "0 new, 0 changed, 0 removed, 0 as they were, 1 older than what stands there"
    )
    assert (await desk.door.get("sessions/S-1"))["stage"] is None
    assert await desk.taking_part("S-1") == ["ada"]


async def test_a_larger_file_takes_no_more_statements(desk: Desk) -> None:
    sent = []
    for count in (2, 40):
        rows = [session(f"{count}-{n}", participants=[ADA], slots=[SLOT]) for n in range(count)]
        with statements(desk) as seen:
            await desk.bring(desk.file(*rows), guests=count, remove_missing=True)
        sent.append(len(seen))
        await desk.door.call("DELETE", f"/v1/sessions/{count}-1")

    # The second also removes what the first brought: to find it, to hold its facts and to delete it are a few more.
    assert sent[1] <= sent[0] + 5
    assert sent[1] < 32


async def test_what_temporal_did_not_hear_of_is_committed_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*session: object) -> bool:
        return False

    monkeypatch.setattr(desk.door.pokes, "session_changed", away)

    said = await desk.bring(desk.file(session("S-1")))

    assert said.code == 0
    assert said.line("Written") == ". Temporal is away: once it is back, the next sweep plans what changed."
    assert (await desk.door.get("sessions/S-1"))["planned"] is False
