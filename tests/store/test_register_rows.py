"""Are many people and companies written as each of them alone would be?"""

import asyncio
from typing import Any

import pytest

from store.companies import put_companies
from store.departures import delete_person
from store.people import Details, find_people, put_people
from store.sessions import SessionSaid, delete_sessions, put_sessions
from store.written import Written
from tests.store.store_rows import WEEK, Rows
from tests.store.test_planning_rows import counted

WRITTEN = "select array_agg(xmin::text order by id) from {}"


async def put(rows: Rows, **people: Details) -> Written:
    async with rows.store.transaction() as db:
        return await put_people(db, rows.organization, people)


async def found(rows: Rows, columns: str = "key, email, first_name, version") -> list[tuple[Any, ...]]:
    statement = f"select {columns} from people order by key"  # noqa: S608 - a test's own words
    return [tuple(row) for row in await rows.execute(statement)]


async def test_people_are_made_edited_and_left_alone_together(rows: Rows) -> None:
    await put(rows, ada={"email": "ada@example.org", "first_name": "Ada"}, bob={"first_name": "Bob"})

    done = await put(
        rows, ada={"email": "new@example.org"}, bob={"first_name": "Bob"}, cyd={"email": "cyd@example.org"}
    )

    assert (set(done.ids), set(done.changed), set(done.ignored)) == (
        {"ada", "bob", "cyd"},
        {"ada", "cyd"},
        set(),
    )
    assert await found(rows) == [
        ("ada", "new@example.org", "Ada", 2),
        ("bob", None, "Bob", 1),
        ("cyd", "cyd@example.org", "", 1),
    ]


async def test_the_same_again_writes_no_row(rows: Rows) -> None:
    said: dict[str, Details] = {
        f"p{n}": {"email": f"p{n}@example.org", "source_version": n} for n in range(20)
    }
    await put(rows, **said)
    before = await rows.one(WRITTEN.format("people"))

    assert (await put(rows, **said)).changed == frozenset()
    assert (await put(rows, p3={}, p4={"source_version": None})).changed == frozenset()
    assert (await put(rows)).ids == {}
    assert await rows.one(WRITTEN.format("people")) == before


async def test_an_older_source_is_not_heeded(rows: Rows) -> None:
    await put(rows, ada={"first_name": "Ada", "source_version": 5}, bob={"first_name": "Bob"})

    done = await put(
        rows, ada={"first_name": "Old", "source_version": 4}, bob={"first_name": "B.", "source_version": 4}
    )

    assert (set(done.changed), set(done.ignored)) == ({"bob"}, {"ada"})
    columns = "first_name, version, source_version"
    assert await found(rows, columns) == [("Ada", 1, 5), ("B.", 2, 4)]
    assert (await put(rows, ada={"first_name": "Ada", "source_version": 9})).changed == frozenset()
    assert (await found(rows, columns))[0] == ("Ada", 1, 9)


async def test_of_two_sources_at_once_the_newer_wins_whichever_comes_last(rows: Rows) -> None:
    newer: Details = {"first_name": "New", "source_version": 2}
    older: Details = {"first_name": "Old", "source_version": 1}

    for first, second in ((newer, older), (older, newer)):
        for known in (False, True):
            await rows.execute("delete from people")
            if known:
                await put(rows, ada={})
            async with rows.store.transaction() as db:
                await put_people(db, rows.organization, {"ada": first})
                waiting = asyncio.create_task(put(rows, ada=second))
                await rows.blocked()
            await waiting
            assert await found(rows, "first_name, source_version") == [("New", 2)], (first, known)


async def test_whoever_was_deleted_is_unknown_and_comes_back_as_themselves(rows: Rows) -> None:
    ids = (await put(rows, ada={"first_name": "Ada"})).ids
    async with rows.store.transaction() as db:
        await delete_person(db, rows.organization, "ada")
        assert await find_people(db, rows.organization, ["ada"]) == {}
        assert await delete_person(db, rows.organization, "ada") is None

    back = await put(rows, ada={})

    assert (back.ids, set(back.changed)) == (ids, {"ada"})
    assert await found(rows, "first_name, version, deleted_at") == [("Ada", 3, None)]


async def test_a_new_company_needs_a_name_and_a_known_one_keeps_its_own(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        made = await put_companies(db, rows.organization, {"acme": {"name": "Acme"}})
        assert (await put_companies(db, rows.organization, {"acme": {"email": "a@example.org"}})).changed
    assert made.changed == {"acme"}
    with pytest.raises(Exception, match="not-null"):
        async with rows.store.transaction() as db:
            await put_companies(db, rows.organization, {"best": {"email": "b@example.org"}})


# Sessions, many at once.


async def test_sessions_are_made_moved_renamed_and_left_alone_together(rows: Rows) -> None:
    now = await rows.now()

    def said(**more: Any) -> SessionSaid:
        return SessionSaid(**{"name": "Talk", "zone": "UTC", "starts_at": now, "ends_at": None, **more})

    async def put_many(**sessions: SessionSaid) -> Written:
        async with rows.store.transaction() as db:
            return await put_sessions(db, rows.organization, sessions)

    same = said(data={"a": [1]}, source_version=3)
    await put_many(
        same=same, moved=said(), renamed=said(), late=said(source_version=3), gone=said(), back=said()
    )
    async with rows.store.transaction() as db:
        deleted = await delete_sessions(db, rows.organization, ["gone", "back", "never"])
        assert deleted.keys() == {"gone", "back"}
        assert await delete_sessions(db, rows.organization, ["gone"]) == {}
    before = {
        row.key: row.written for row in await rows.execute("select key, xmin::text as written from sessions")
    }

    done = await put_many(
        same=same,
        moved=said(starts_at=now + WEEK),
        renamed=said(name="Another", data={"b": 1}),
        late=said(stage="old", source_version=2),
        back=said(),
        new=said(),
    )

    assert (set(done.changed), set(done.ignored)) == ({"moved", "renamed", "back", "new"}, {"late"})
    after = {
        row.key: (row.version, row.deleted_at is None, row.written == before.get(row.key))
        for row in await rows.execute("select key, version, deleted_at, xmin::text as written from sessions")
    }
    assert after == {
        "same": (1, True, True),
        "moved": (2, True, False),
        "renamed": (1, True, False),
        "late": (1, True, True),
        "gone": (2, False, True),
        "back": (3, True, False),
        "new": (1, True, False),
    }


async def test_any_number_of_sessions_is_put_in_the_same_few_statements(rows: Rows) -> None:
    now, counts = await rows.now(), set()
    for size in (1, 20, 200):
        said = SessionSaid(name="Talk", zone="UTC", starts_at=now, ends_at=None)
        moved = SessionSaid(name="Talk", zone="UTC", starts_at=now + WEEK, ends_at=None)
        keys = [f"{size}-{number}" for number in range(size)]
        with counted(rows.store) as statements:
            async with rows.store.transaction() as db:
                await put_sessions(db, rows.organization, dict.fromkeys(keys, said))
                await put_sessions(db, rows.organization, dict.fromkeys(keys, moved))
                await delete_sessions(db, rows.organization, keys)
        counts.add(len(statements))

    assert len(counts) == 1, counts
