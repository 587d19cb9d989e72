"""Do the modules and slots of a session become what was said last, and which of it makes the session dirty?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store.places import Module, Slot, find_slots, list_modules, list_slots
from store.sessions import Session, delete_session, put_session
from tests.store.store_rows import DAY, Rows
from tests.store.test_planning_rows import counted

NINE = datetime.fromisoformat("2026-11-12T09:00+01:00")
HOUR = timedelta(hours=1)

SAFETY = Module("safety", "Safety first", NINE, NINE + DAY, "on site", "legal", "B 204")
SECOND = Module("second", "The second")
MONDAY = Slot("monday", "Monday", "safety", NINE, NINE + HOUR, synchronous=True, room="B 204")
FREE = Slot("free", "Open door", None, NINE + DAY, NINE + DAY + HOUR, synchronous=False)


async def put(rows: Rows, modules: Sequence[Module] = (), slots: Sequence[Slot] = ()) -> Session:
    async with rows.store.transaction() as db:
        return await put_session(
            db,
            rows.organization,
            "S-1",
            name="Talk",
            zone="UTC",
            starts_at=NINE,
            ends_at=None,
            modules=modules,
            slots=slots,
        )


async def both(rows: Rows, session: UUID) -> tuple[list[Module], list[Slot]]:
    async with rows.store.transaction() as db:
        return await list_modules(db, session), await list_slots(db, session)


async def ids(rows: Rows) -> dict[str, UUID]:
    found = await rows.execute("select key, id from modules union all select key, id from slots")
    return {row.key: row.id for row in found}


def but(place: Any, **says: Any) -> Any:
    return type(place)(**{**{name: getattr(place, name) for name in place.__slots__}, **says})


async def test_what_was_said_is_what_there_is_by_date(rows: Rows) -> None:
    session = await put(rows, [SECOND, SAFETY], [FREE, MONDAY])

    assert await both(rows, session.id) == ([SAFETY, SECOND], [MONDAY, FREE])
    assert session.version == 1


async def test_the_same_again_writes_no_row(rows: Rows) -> None:
    first = await put(rows, [SAFETY, SECOND], [MONDAY, FREE])
    written = "select array_agg(xmin::text order by id) from (select id, xmin from modules union all select id, xmin from slots) x"
    before = await rows.one(written)

    assert await put(rows, [SECOND, SAFETY], [FREE, MONDAY]) == first
    assert await put(rows, [but(SAFETY, starts_at=NINE.astimezone()), SECOND], [MONDAY, FREE]) == first
    assert await rows.one(written) == before


@pytest.mark.parametrize(
    ("modules", "slots"),
    [
        ([but(SAFETY, name="Another")], [MONDAY]),
        ([but(SAFETY, room="A 1")], [MONDAY]),
        ([SAFETY], [but(MONDAY, name="Another")]),
        ([SAFETY], [but(MONDAY, room=None)]),
    ],
)
async def test_names_and_rooms_make_nothing_dirty(
    rows: Rows, modules: list[Module], slots: list[Slot]
) -> None:
    session = await put(rows, [SAFETY], [MONDAY])

    again = await put(rows, modules, slots)

    assert again.version == session.version
    assert await both(rows, session.id) == (modules, slots)


@pytest.mark.parametrize(
    ("modules", "slots"),
    [
        ([but(SAFETY, starts_at=NINE - HOUR)], [MONDAY]),
        ([but(SAFETY, starts_at=None, ends_at=None)], [MONDAY]),
        ([but(SAFETY, ends_at=None)], [MONDAY]),
        ([but(SAFETY, mode="remote")], [MONDAY]),
        ([but(SAFETY, category=None)], [MONDAY]),
        ([SAFETY, SECOND], [MONDAY]),
        ([SAFETY], [but(MONDAY, starts_at=NINE - HOUR)]),
        ([SAFETY], [but(MONDAY, ends_at=NINE + 2 * HOUR)]),
        ([SAFETY], [but(MONDAY, module=None)]),
        ([SAFETY], [but(MONDAY, synchronous=False)]),
        ([SAFETY], [MONDAY, FREE]),
        ([SAFETY], []),
        ([SECOND], [but(MONDAY, module="second")]),
        ([], []),
    ],
)
async def test_what_planning_reads_of_a_place_makes_its_session_dirty_once_and_so_does_the_way_back(
    rows: Rows, modules: list[Module], slots: list[Slot]
) -> None:
    session = await put(rows, [SAFETY], [MONDAY])

    there = await put(rows, modules, slots)
    assert (there.version, await both(rows, session.id)) == (session.version + 1, (modules, slots))

    back = await put(rows, [SAFETY], [MONDAY])
    assert (back.version, await both(rows, session.id)) == (session.version + 2, ([SAFETY], [MONDAY]))


async def test_what_vanished_comes_back_as_itself(rows: Rows) -> None:
    session = await put(rows, [SAFETY], [MONDAY])
    before = await ids(rows)

    await put(rows)
    assert await both(rows, session.id) == ([], [])
    assert await rows.one("select count(*) from slots where removed_at is not null") == 1

    await put(rows, [SAFETY], [MONDAY])
    assert await ids(rows) == before


async def test_two_sessions_may_use_the_same_keys(rows: Rows) -> None:
    session = await put(rows, [SAFETY], [MONDAY])
    other = await rows.session("S-2", modules=[SAFETY], slots=[MONDAY])
    await rows.session("S-2")

    assert await both(rows, session.id) == ([SAFETY], [MONDAY])
    assert await both(rows, other) == ([], [])


async def test_a_deleted_session_that_comes_back_has_what_was_said_last(rows: Rows) -> None:
    session = await put(rows, [SAFETY], [MONDAY])
    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "S-1")

    back = await put(rows, [SECOND])

    assert (back.id, back.version) == (session.id, session.version + 2)
    assert await both(rows, session.id) == ([SECOND], [])


async def test_slots_are_found_by_key_while_they_are_there(rows: Rows) -> None:
    session = await put(rows, [SAFETY], [MONDAY, FREE])
    known = await ids(rows)
    await put(rows, [SAFETY], [MONDAY])

    async with rows.store.transaction() as db:
        found = await find_slots(db, session.id, ["monday", "free", "tuesday"])

    assert found == {"monday": known["monday"]}


async def test_any_number_of_slots_is_put_in_the_same_few_statements(rows: Rows) -> None:
    counts = set()
    for size in (0, 1, 500):
        slots = [but(MONDAY, key=f"slot-{number}") for number in range(size)]
        await put(rows, [SAFETY])
        with counted(rows.store) as statements:
            await put(rows, [SAFETY], slots)
        counts.add(len(statements))

    # look anew, make, locate, lock, heed, modules, slots, session, read again
    assert counts == {9}
