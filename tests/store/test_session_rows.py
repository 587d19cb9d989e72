"""What makes a session dirty, and what tells that a person is not the same any more?"""

import asyncio
from datetime import datetime, timedelta

import pytest

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
