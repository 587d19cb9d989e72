"""The schedule of a real conference that really changed: what follows is what two files alone say must follow.

`expectation.py` computes it, and shares no line with what is judged. RELANCE_LARGE=1 has 60 participants a session,
some 20,000 mails alive at once.
"""

import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.expectation import NEWS, Fate, Key, Plan, Schedule, codes, news, plan, same_times
from tests.e2e.processes import Told, house_apart, until
from tests.e2e.schedule_house import RULES, Item, ScheduleHouse, Timer, said, times

DATA = Path(__file__).parents[3] / "shared" / "data"
FIRST = DATA / "europython-2023-schedule-2023-07-01.json"
SECOND = DATA / "europython-2023-schedule-2023-07-14.json"

LARGE = bool(os.environ.get("RELANCE_LARGE"))
PARTICIPANTS = 60 if LARGE else 3
PATIENCE = 900 if LARGE else 240  # seconds, for planning on a loaded machine

TRACK = "Web"
NEWS_AFTER = timedelta(seconds=90)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(3600 if LARGE else 600),
    pytest.mark.skipif(not FIRST.exists(), reason="the schedules lie beside the project, in ../shared/data"),
]


def test_the_two_files_hold_every_kind_of_change() -> None:
    """What is compared below is nothing if nothing changes."""
    first, second, fate = expected()

    assert first.weeks == second.weeks > 0
    assert len(first.sessions.keys() - second.sessions.keys()) == 7
    assert len(second.sessions.keys() - first.sessions.keys()) == 15
    assert len(codes(first, second, lambda one, other: not same_times(one, other))) == 9
    assert len(codes(first, second, same_times)) == 156
    assert len(codes(first, second, lambda one, other: one["speakers"] != other["speakers"])) == 2
    assert any(
        session["track"] == TRACK for code, session in first.sessions.items() if code not in second.sessions
    )
    assert all(
        fate.counts()[kind].keys() == RULES.keys() for kind in ("created", "moved", "removed", "left_alone")
    )
    assert fate.counts()["bounded"] == {"convocation": 4}  # another hour of the same day
    assert fate.counts()["moved"] == {
        "convocation": 3,
        "reminder": 8 * PARTICIPANTS,
        "survey": 3 * PARTICIPANTS,
    }


async def test_the_plan_follows_the_schedule_send_by_send(tmp_path: Path, told: Told) -> None:
    first, second, fate = expected()
    async with house_apart(tmp_path) as apart:
        house = ScheduleHouse(apart, PATIENCE)
        await apart.worker()
        await apart.api()
        arguments = ["--participants", str(PARTICIPANTS), "--shift-to", EARLIEST.isoformat()]

        text = await house.bring(FIRST, *arguments)
        assert said(text, "Sessions").endswith(
            f"{len(first.sessions)} new, 0 changed, 0 removed, 0 as they were"
        )
        for key, rule in RULES.items():
            await house.activate(key, rule)
        await house.planned()
        due_at = await house.activate_news(TRACK, NEWS_AFTER)
        await house.planned()
        told("alive at once", await agreed(house, plan(first, PARTICIPANTS) | news_of(first, due_at)))

        mails = {(key, f"{key[2]}@example.org"): 1 for key in news_of(first, due_at)}
        await arrived(house, due_at, len(mails))
        before = await house.sends()
        assert house.mailbox(before) == Counter(mails)

        text = await house.bring(SECOND, *arguments, "--remove-missing")
        answered_at = datetime.now(UTC)
        assert "15 new" in said(text, "Sessions")
        assert " 7 removed, " in said(text, "Sessions")
        planned_at, written_at = await house.planned(), await house.written_at()

        after = await house.sends()
        followed(fate, before, after)
        still_sent(news_of(first, due_at), before, after)
        told("of the first import's mails and the second's", fate.counts())
        await compare_timers(house, plan(second, PARTICIPANTS), after)
        await until(lambda: counted(house, len(plan(second, PARTICIPANTS))), PATIENCE)
        moved_at = await house.last_timer_set_at(fate.created.keys() | fate.moved.keys() | fate.removed)
        told("from the second import's commit to the last row planned and told", planned_at - written_at)
        told("from the second import's commit to the last timer moved", moved_at - written_at)
        told(
            "from the second import's answer to the last timer moved",
            max(moved_at - answered_at, timedelta(0)),
        )
        assert house.mailbox(after) == Counter(mails)  # nobody was written to again

        text = await house.bring(SECOND, *arguments, "--remove-missing")
        assert said(text, "Sessions").endswith(
            f"0 new, 0 changed, 0 removed, {len(second.sessions)} as they were"
        )
        assert await house.sends() == after


# So far ahead that all of it lies in the future, also what is due a week before.
EARLIEST = (datetime.now(UTC) + timedelta(days=30)).date()


def expected() -> tuple[Schedule, Schedule, Fate]:
    first, second = (Schedule.read(path, EARLIEST) for path in (FIRST, SECOND))
    return first, second, Fate.between(plan(first, PARTICIPANTS), plan(second, PARTICIPANTS))


def news_of(first: Schedule, due_at: datetime) -> Plan:
    return news(first, PARTICIPANTS, TRACK, due_at)


async def agreed(house: ScheduleHouse, wanted: Plan) -> int:
    """Compare rows and timers with what must wait now; return how many do."""
    sends, timers = await house.sends(), await house.timers()
    assert times(sends) == wanted
    planned = {key: one for key, one in sends.items() if key[0] != NEWS}  # these may have left meanwhile
    assert {one["status"] for one in planned.values()} == {"scheduled"}
    assert {key: timers[key] for key in planned} == {key: Timer(True, wanted[key].due_at) for key in planned}
    return len(wanted)


async def arrived(house: ScheduleHouse, due_at: datetime, count: int) -> None:
    """Wait until every mail of a day of its own has arrived, on the real clock: nobody sends it by hand."""

    async def have() -> bool:
        return len(house.house.parts.accepted()) >= count

    async def settled() -> bool:
        return (await house.house.statuses(NEWS)) == {"sent": count}

    assert count > 0
    await until(have, PATIENCE)
    await until(settled, PATIENCE, say=lambda: house.house.statuses(NEWS))
    assert all(datetime.fromisoformat(line["accepted_at"]) >= due_at for line in house.house.parts.accepted())


def followed(fate: Fate, before: Mapping[Key, Item], after: Mapping[Key, Item]) -> None:
    """Compare every row with what the second file says must have become of it."""
    planned = {key: one for key, one in after.items() if key[0] != NEWS}
    wanted = fate.created | fate.moved | fate.bounded | fate.left_alone
    assert planned.keys() == wanted.keys() | fate.removed
    waiting = {key: one for key, one in planned.items() if key not in fate.removed}
    assert {one["status"] for one in waiting.values()} == {"scheduled"}
    assert times(waiting) == wanted
    assert {(after[key]["status"], after[key]["reason"]) for key in fate.removed} == {
        ("removed", "session_deleted")
    }
    assert not before.keys() & fate.created.keys()
    for key in fate.moved.keys() | fate.bounded.keys() | fate.removed:
        assert after[key]["id"] == before[key]["id"]
        assert after[key]["trace"][: len(before[key]["trace"])] == before[key]["trace"]
        assert len(after[key]["trace"]) == len(before[key]["trace"]) + 1
    for key in fate.left_alone:
        assert as_planned(after[key]) == as_planned(before[key])


def as_planned(send: Item) -> dict[str, Any]:
    """Return what planning wrote of a send: the room is its session's, and may be another."""
    return {name: value for name, value in send.items() if name != "room"}


def still_sent(left: Plan, before: Mapping[Key, Item], after: Mapping[Key, Item]) -> None:
    """What has left stays as it is, also where its session vanished; and nobody who came later gets it, too late."""
    assert {key for key in after if key[0] == NEWS} == left.keys()
    assert {after[key]["status"] for key in left} == {"sent"}
    assert [as_planned(after[key]) for key in left] == [as_planned(before[key]) for key in left]


async def compare_timers(house: ScheduleHouse, waiting: Plan, sends: Mapping[Key, Item]) -> None:
    """Compare what every workflow waits for with the plan, once those that were told last have heard of it."""
    wanted = {key: Timer(True, waiting[key].due_at) if key in waiting else Timer(False) for key in sends}
    timers = await house.timers()
    assert timers.keys() == wanted.keys()
    behind = {key for key, timer in timers.items() if timer != wanted[key]}

    async def have_heard() -> bool:
        return await house.timers(behind) == {key: wanted[key] for key in behind}

    await until(have_heard, PATIENCE, say=lambda: house.timers(behind))


async def counted(house: ScheduleHouse, count: int) -> bool:
    """Return whether Temporal counts so many, once its listing has caught up."""
    return await house.running() == count
