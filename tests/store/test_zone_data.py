"""New zone data: exactly what it moves is planned anew (DESIGN 6)."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

import activities.zone_data
from activities.poke import Poke
from activities.zone_data import ZoneData
from domain.upkeep import Repair
from domain.zones import zone_data_version
from store.participants import add_participant
from store.sessions import put_session
from store.upkeep import list_repairs
from tests.store.store_rows import Rows
from tests.store.test_planning_rows import counted
from tests.zone_release import LATER, paris_without_summer_time

PARIS = "Europe/Paris"
GRACE = timedelta(minutes=1)


class Pokes:
    """Stands where Temporal begins."""

    def __init__(self) -> None:
        self.sessions: list[str] = []

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool:
        self.sessions.append(key)
        return True

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool:
        raise AssertionError


@pytest.fixture
def pokes() -> Pokes:
    return Pokes()


@pytest.fixture
def mend(rows: Rows, pokes: Pokes) -> ZoneData:
    return ZoneData(rows.store, cast("Poke", pokes))


@pytest.fixture
def later() -> Iterator[None]:
    """What was planned before is of an older release; use it by `request.getfixturevalue`."""
    with paris_without_summer_time():
        yield


async def session(rows: Rows, key: str, month: int, *people: str, zone: str = PARIS) -> UUID:
    """Make and plan a session at 09:00 in Paris on the 15th of a month of next year."""
    year = (await rows.now()).year + 1
    summer = 3 < month < 11
    starts_at = datetime(year, month, 15, 7 if summer else 8, tzinfo=UTC)
    async with rows.store.transaction() as db:
        said = {"name": key, "zone": zone, "starts_at": starts_at, "ends_at": None}
        made = (await put_session(db, rows.organization, key, **said)).id  # type: ignore[arg-type]
    for person in people:
        known = await rows.person(person)
        async with rows.store.transaction() as db:
            await add_participant(db, made, known)
    await rows.plan(made)
    return made


async def dirty(rows: Rows) -> list[tuple[str, str]]:
    assert await rows.one("select count(*) from sessions where version > planned_version") == 0
    found = await rows.execute("""
        select s.key, people.key as person from participations p
        join sessions s on s.id = p.session_id join people on people.id = p.person_id
        where p.version > p.planned_version order by 1, 2
    """)
    return [(row.key, row.person) for row in found]


async def found(rows: Rows) -> dict[str, tuple[str, str, str, int]]:
    """Return, by rule and session, when a mail is due in UTC and on the wall, of which release, and its version."""
    sends = await rows.execute("""
        select r.key || ' ' || session.key as of, s.due_at, s.due_local, s.zone_data, s.version
        from sends s join rules r on r.id = s.rule_id join sessions session on session.id = s.session_id
    """)
    return {
        row.of: (f"{row.due_at:%d %H:%MZ}", f"{row.due_local:%H:%M}", row.zone_data, row.version)
        for row in sends
    }


async def test_what_new_zone_data_moves_is_planned_anew_and_the_rest_left_alone(
    rows: Rows, mend: ZoneData, pokes: Pokes, request: pytest.FixtureRequest
) -> None:
    await rows.rule("nine", offset="-P7D", at="09:00")
    await rows.rule("hours", offset="-PT36H")
    for key, month in (("june", 6), ("winter", 1)):
        await session(rows, key, month, "ada")
    await session(rows, "utc", 7, "ada", zone="UTC")
    now = zone_data_version()
    before = {
        "hours june": ("13 19:00Z", "21:00", now, 1),
        "hours utc": ("13 19:00Z", "19:00", now, 1),
        "hours winter": ("13 20:00Z", "21:00", now, 1),
        "nine june": ("08 07:00Z", "09:00", now, 1),
        "nine utc": ("08 09:00Z", "09:00", now, 1),
        "nine winter": ("08 08:00Z", "09:00", now, 1),
    }
    assert await found(rows) == before
    request.getfixturevalue("later")

    repaired = await mend.mend(GRACE)

    assert repaired == Counter({Repair.ZONE_DATA: 1})
    assert await dirty(rows) == [("june", "ada")]
    assert pokes.sessions == ["june"]
    after = {name: (at, local, LATER, 1) for name, (at, local, _, _) in before.items()}
    untouched = {name: before[name] for name in ("hours june", "nine june")}  # until its session is planned
    assert await found(rows) == after | untouched

    await rows.plan(await rows.one("select id from sessions where key = 'june'"))
    assert await mend.mend(GRACE) == Counter()
    # Thirty-six hours are that long whatever the clocks show, which is another time.
    after["hours june"] = ("13 19:00Z", "20:00", LATER, 1)
    after["nine june"] = ("08 08:00Z", "09:00", LATER, 2)
    assert await found(rows) == after
    assert await mend.mend(GRACE) == Counter()
    assert (pokes.sessions, await dirty(rows)) == (["june"], [])
    async with rows.store.transaction() as db:
        assert {kind: n for kind, n in (await list_repairs(db)).items() if n} == {Repair.ZONE_DATA: 1}


async def test_a_mail_moves_with_an_anchor_that_is_read_otherwise_though_its_own_hour_is_not(
    rows: Rows, mend: ZoneData, request: pytest.FixtureRequest
) -> None:
    """A week before 1 April the clocks show winter time in both releases."""
    await rows.rule("same hour", offset="-P3W")
    await session(rows, "april", 4, "ada")
    (due,) = (await found(rows)).values()
    assert due[:2] == ("25 08:00Z", "09:00")
    request.getfixturevalue("later")

    assert await mend.mend(GRACE) == Counter({Repair.ZONE_DATA: 1})

    await rows.plan(await rows.one("select id from sessions"))
    (due,) = (await found(rows)).values()
    assert due == ("25 07:00Z", "08:00", LATER, 2)


async def test_a_time_that_somebody_set_and_a_mail_that_has_left_stay(
    rows: Rows, mend: ZoneData, pokes: Pokes, request: pytest.FixtureRequest
) -> None:
    await rows.rule("nine", offset="-P7D", at="09:00")
    await session(rows, "june", 6, "ada", "bob")
    by_hand, left = (send["id"] for send in await rows.sends())
    set_by_hand = (
        "update sends set due_override_at = due_at, due_at = due_at - interval '1 hour' where id = :send"
    )
    await rows.execute(set_by_hand, send=by_hand)
    await rows.execute("update sends set status = 'sent' where id = :send", send=left)
    request.getfixturevalue("later")

    assert await mend.mend(GRACE) == Counter()

    assert (await dirty(rows), pokes.sessions) == ([], [])
    assert (await rows.row(by_hand))["zone_data"] == LATER
    assert (await rows.row(left))["zone_data"] != LATER
    assert [send["version"] for send in await rows.sends()] == [1, 1]


async def test_what_is_dirty_is_left_to_planning_and_seen_to_afterwards(
    rows: Rows, mend: ZoneData, request: pytest.FixtureRequest
) -> None:
    await rows.rule("nine", offset="-P7D", at="09:00")
    made = await session(rows, "june", 6, "ada", "bob")
    await rows.participant(made, "cyd")
    request.getfixturevalue("later")

    assert await mend.mend(GRACE) == Counter()
    assert await dirty(rows) == [("june", "cyd")]

    await rows.plan(made)
    assert await mend.mend(GRACE) == Counter({Repair.ZONE_DATA: 2})
    assert await dirty(rows) == [("june", "ada"), ("june", "bob")]
    await rows.plan(made)
    await rows.execute("update rules set version = version + 1")
    await rows.execute("update sends set zone_data = '2000a'")
    assert await mend.mend(GRACE) == Counter()  # its roll-out comes to them
    assert await rows.one("select zone_data from upkeep") is None
    await rows.execute("update rules set planned_version = version")
    await mend.mend(GRACE)
    await mend.mend(GRACE)
    assert await rows.one("select zone_data from upkeep") == LATER


async def test_those_due_next_come_first_a_bounded_number_a_round(
    rows: Rows, mend: ZoneData, pokes: Pokes, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows.rule("nine", offset="-P7D", at="09:00")
    for month in (8, 6, 7):
        await session(rows, str(month), month, "ada")
    monkeypatch.setattr(activities.zone_data, "AT_MOST", 1)
    request.getfixturevalue("later")

    for expected in (["6"], ["6", "7"], ["6", "7", "8"], ["6", "7", "8"]):
        await mend.mend(GRACE)
        assert pokes.sessions == expected


async def test_a_worker_of_an_older_release_leaves_alone_what_a_newer_has_planned(
    rows: Rows, mend: ZoneData, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paris_without_summer_time():
        await rows.rule("nine", offset="-P7D", at="09:00")
        await session(rows, "june", 6, "ada")
        await mend.mend(GRACE)
    before: Any = (await found(rows), await rows.one("select zone_data from upkeep"))
    assert before[1] == LATER

    assert await mend.mend(GRACE) == Counter()

    assert (await found(rows), await rows.one("select zone_data from upkeep")) == before
    assert await dirty(rows) == []


async def test_where_nothing_is_behind_one_statement_says_so_until_tomorrow(
    rows: Rows, mend: ZoneData
) -> None:
    """A worker of an older release may go on for a while, and plan with it."""
    await rows.rule("nine", offset="-P7D", at="09:00")
    await session(rows, "june", 6, "ada")
    await mend.mend(GRACE)
    with counted(rows.store) as statements:
        await mend.mend(GRACE)
    assert len(statements) == 1

    await rows.execute("update sends set zone_data = '2000a'")
    assert await mend.mend(GRACE) == Counter()
    assert (await rows.one("select distinct zone_data from sends")) == "2000a"
    await rows.advance(timedelta(days=1, minutes=1))
    assert await mend.mend(GRACE) == Counter()
    assert (await rows.one("select distinct zone_data from sends")) == zone_data_version()
