"""What makes a session, or one person in it, dirty?"""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from store.people import Person, find_person, put_person
from store.planning import is_dirty
from store.sessions import (
    Participant,
    Session,
    add_participant,
    delete_session,
    find_session,
    list_participants,
    put_session,
    remove_participant,
)
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


async def add(rows: Rows, session: UUID, key: str = "ada") -> Participant:
    person = await rows.person(key)
    async with rows.store.transaction() as db:
        return await add_participant(db, session, person, key)


async def remove(rows: Rows, session: UUID, key: str = "ada") -> Participant | None:
    async with rows.store.transaction() as db:
        return await remove_participant(db, session, key)


async def dirty(rows: Rows, session: UUID) -> bool:
    async with rows.store.transaction() as db:
        return await is_dirty(db, session)


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


async def test_a_new_name_makes_nothing_dirty(rows: Rows) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    renamed = await put(rows, name="Another talk")

    assert renamed.name == "Another talk"
    assert (renamed.version, renamed.dirty) == (session.version, False)


@pytest.mark.parametrize(
    "moved",
    [
        {"starts_at": STARTS_AT - DAY},
        {"starts_at": None, "ends_at": None},
        {"ends_at": ENDS_AT + DAY},
        {"ends_at": None},
        {"zone": "America/Lima"},
    ],
)
async def test_a_new_date_or_zone_makes_a_session_dirty_and_so_does_the_way_back(
    rows: Rows, moved: dict[str, object]
) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    there = await put(rows, **moved)
    assert (there.version, there.dirty) == (session.version + 1, True)
    await rows.plan(session.id)
    back = await put(rows)
    assert (back.version, back.dirty) == (session.version + 2, True)


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


async def test_who_joins_leaves_and_joins_again_is_dirty_each_time_and_the_session_never(rows: Rows) -> None:
    session = await put(rows)
    await rows.plan(session.id)

    joined = await add(rows, session.id)
    assert (joined.version, joined.dirty) == (1, True)
    await rows.plan(session.id)

    assert not (await add(rows, session.id)).dirty  # in it already

    left = await remove(rows, session.id)
    assert left
    assert (left.version, left.dirty) == (2, True)
    assert await dirty(rows, session.id)
    await rows.plan(session.id)
    assert not await dirty(rows, session.id)

    assert await remove(rows, session.id) is None
    back = await add(rows, session.id)
    assert (back.version, back.dirty) == (3, True)

    assert not (await put(rows)).dirty
    assert await rows.one("select count(*) from participations") == 1


async def test_nobody_unknown_can_be_removed(rows: Rows) -> None:
    session = await put(rows)
    await rows.person("bob")

    assert await remove(rows, session.id, "bob") is None
    assert await remove(rows, session.id, "nobody") is None


async def test_participants_are_listed_by_id_without_those_who_left(rows: Rows) -> None:
    session = await put(rows)
    for key in ("cyd", "ada", "bob"):
        await add(rows, session.id, key)
    await remove(rows, session.id, "bob")

    async with rows.store.transaction() as db:
        found = await list_participants(db, session.id, 10)
        assert [participant.person for participant in found] == ["ada", "cyd"]
        assert [p.person for p in await list_participants(db, session.id, 1)] == ["ada"]


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


async def test_nobody_is_in_a_session_twice(rows: Rows) -> None:
    session = await put(rows)
    await add(rows, session.id)

    with pytest.raises(DBAPIError):
        await rows.execute(
            "insert into participations (session_id, person_id) select session_id, person_id from participations"
        )


async def test_a_change_tells_the_sweep_since_when_it_waits(rows: Rows) -> None:
    session = await put(rows)
    await add(rows, session.id)
    await rows.plan(session.id)
    await rows.advance(WEEK)
    before = await rows.now()

    await put(rows, starts_at=STARTS_AT - timedelta(hours=1))
    await remove(rows, session.id)

    assert await rows.one("select changed_at from sessions") > before
    assert await rows.one("select changed_at from participations") > before
