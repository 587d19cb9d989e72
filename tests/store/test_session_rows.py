"""What makes a session dirty, and what tells that a person is not the same any more?"""

import asyncio
from datetime import datetime, timedelta

import pytest

from store.delivery import NotFencedError
from store.departures import delete_person
from store.people import Person, find_person, put_person
from store.sessions import Session, delete_session, find_session, put_session
from tests.store.store_rows import DAY, WEEK, Rows

STARTS_AT = datetime.fromisoformat("2026-11-12T09:00+01:00")
ENDS_AT = STARTS_AT + DAY


async def put(rows: Rows, **fields: object) -> Session:
    said = {"name": "Talk", "zone": "Europe/Paris", "starts_at": STARTS_AT, "ends_at": ENDS_AT}
    async with rows.store.transaction() as db:
        return await put_session(db, rows.organization, "S-1", **{**said, **fields})  # type: ignore[arg-type]


async def delete(rows: Rows) -> Session | None:
    async with rows.store.transaction() as db:
        return await delete_session(db, rows.organization, "S-1")


async def test_a_new_session_is_dirty_until_it_is_planned(rows: Rows) -> None:
    session = await put(rows)
    assert session.dirty
    assert (session.version, session.planned_version) == (1, 0)

    await rows.plan(session.id)

    assert not (await put(rows)).dirty


async def test_the_same_values_again_change_nothing(rows: Rows) -> None:
    first = await put(rows)
    changed_at = await rows.one("select changed_at from sessions")

    assert await put(rows) == first
    assert await put(rows, starts_at=STARTS_AT.astimezone()) == first  # the same instant in another spelling
    assert await rows.one("select changed_at from sessions") == changed_at


async def test_a_new_name_or_room_makes_nothing_dirty(rows: Rows) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    renamed = await put(rows, name="Another talk", room="B 204")

    assert (renamed.name, renamed.room) == ("Another talk", "B 204")
    assert (renamed.version, renamed.dirty) == (session.version, False)


async def read_version(rows: Rows) -> int:
    found: int = await rows.one("select read_version from sessions")
    return found


async def test_another_manager_makes_nothing_dirty_and_stops_a_mail_that_is_leaving(
    rows: Rows,
) -> None:  # F055
    session = await put(rows)
    claire, tom = await rows.person("claire"), await rows.person("tom")
    await rows.plan(session.id)

    told = []
    for manager in (claire, claire, tom, None, None):
        before = await read_version(rows)
        said = await put(rows, manager_id=manager)
        assert (said.version, said.dirty) == (session.version, False)
        told.append((said.manager, await read_version(rows) - before))
    assert told == [("claire", 1), ("claire", 0), ("tom", 1), (None, 1), (None, 0)]

    await put(rows, name="Another", room="B 204", manager_id=None)
    assert await read_version(rows) == 4


async def test_a_letter_to_the_manager_of_before_does_not_leave(rows: Rows) -> None:  # F055
    claire = await rows.person("claire")
    await rows.planned("ada")
    starts_at = await rows.one("select starts_at from sessions")
    await rows.advance(WEEK)
    claimed = await rows.claimed(await rows.send())

    again = await put(rows, zone="UTC", starts_at=starts_at, ends_at=None, manager_id=claire)

    assert not again.dirty
    with pytest.raises(NotFencedError):
        await rows.fence(claimed)


async def test_a_manager_who_is_deleted_manages_nothing_any_more(rows: Rows) -> None:
    claire = await rows.person("claire")
    session = await put(rows, manager_id=claire)
    await rows.plan(session.id)
    async with rows.store.transaction() as db:
        departed = await delete_person(db, rows.organization, "claire")

    assert departed
    assert dict(departed.sessions) == {}  # nothing is to be planned
    async with rows.store.transaction() as db:
        found = await find_session(db, rows.organization, "S-1")
    assert found
    assert (found.manager, found.dirty) == (None, False)
    assert await read_version(rows) == 2


@pytest.mark.parametrize(
    "moved",
    [
        {"starts_at": STARTS_AT - DAY},
        {"starts_at": None, "ends_at": None},
        {"ends_at": ENDS_AT + DAY},
        {"ends_at": None},
        {"zone": "America/Lima"},
        {"stage": "confirmed"},
        {"mode": "remote"},
        {"category": "safety"},
        {"center": "lyon"},
        {"stage": "confirmed", "starts_at": STARTS_AT - DAY, "room": "B 204"},
    ],
)
async def test_what_planning_reads_makes_a_session_dirty_and_so_does_the_way_back(
    rows: Rows, moved: dict[str, object]
) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    there = await put(rows, **moved)
    assert (there.version, there.dirty) == (session.version + 1, True)
    await rows.plan(session.id)
    back = await put(rows)
    assert (back.version, back.dirty) == (session.version + 2, True)


async def test_the_same_values_again_write_no_row(rows: Rows) -> None:
    await put(rows, stage="confirmed")
    before = await rows.one("select xmin from sessions")

    await put(rows, stage="confirmed")

    assert await rows.one("select xmin from sessions") == before


async def test_of_two_who_make_the_same_session_at_once_one_edits_it(rows: Rows) -> None:
    made = await asyncio.gather(*(put(rows, stage=f"stage {number}") for number in range(4)))

    assert len({session.id for session in made}) == 1
    assert sorted(session.version for session in made) == [1, 2, 3, 4]


async def test_a_deleted_session_is_not_found_and_comes_back_as_itself(rows: Rows) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    gone = await delete(rows)
    assert gone
    assert (gone.id, gone.version, gone.dirty) == (session.id, session.version + 1, True)
    async with rows.store.transaction() as db:
        assert await find_session(db, rows.organization, "S-1") is None
    assert await delete(rows) is None

    back = await put(rows)  # the same values: yet it was gone
    assert (back.id, back.version, back.dirty) == (session.id, session.version + 2, True)


async def test_two_organizations_may_use_the_same_id(rows: Rows) -> None:
    ours = await put(rows)
    other = await rows.one(
        """
        insert into organizations (key, name, zone, language, sender_address, sender_name)
        values ('other', 'Other', 'UTC', 'en', 'x@example.org', 'X') returning id
        """
    )
    async with rows.store.transaction() as db:
        theirs = await put_session(db, other, "S-1", name="Theirs", zone="UTC", starts_at=None, ends_at=None)
        assert theirs.id != ours.id
        assert (await find_session(db, rows.organization, "S-1")) == ours


async def test_the_version_of_a_person_tells_that_the_mail_would_be_another(rows: Rows) -> None:  # F038
    fields: dict[str, str | None] = {
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "language": None,
    }
    versions = []
    for change in ({}, {}, {"email": None}, {"email": None}, {"first_name": "A."}, {"language": "fr"}):
        await rows.person("ada", **{**fields, **change})
        versions.append(await rows.one("select version from people"))

    assert versions == [1, 1, 2, 2, 3, 4]


async def test_a_person_is_found_in_their_own_organization_only(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        made = await put_person(
            db, rows.organization, "ada", email=None, first_name="Ada", last_name="", language="fr"
        )
        assert made == Person(made.id, "ada", None, "Ada", "", "fr")
        assert await find_person(db, rows.organization, "ada") == made
        assert await find_person(db, made.id, "ada") is None
        assert await find_person(db, rows.organization, "Ada") is None


async def test_a_change_tells_the_sweep_since_when_it_waits(rows: Rows) -> None:
    session = await put(rows)
    await rows.plan(session.id)
    await rows.advance(WEEK)
    before = await rows.now()

    await put(rows, starts_at=STARTS_AT - timedelta(hours=1))

    assert await rows.one("select changed_at from sessions") > before
