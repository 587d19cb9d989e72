"""Who takes part in a session, and which write makes whom dirty?"""

from typing import Any, Unpack
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from domain.participations import Role
from store.contacts import put_contact
from store.participants import Participant, add_participant, list_participants, remove_participant
from store.participations import Said
from store.places import Module, Slot
from store.planning import is_dirty
from tests.store.store_rows import WEEK, Rows

ROLES = [Role.PARTICIPANT, Role.TRAINER]


async def add(
    rows: Rows, session: UUID, key: str = "ada", role: Role = Role.PARTICIPANT, **said: Unpack[Said]
) -> Participant:
    person = await rows.person(key)
    async with rows.store.transaction() as db:
        return await add_participant(db, session, person, said, role=role)


async def remove(
    rows: Rows, session: UUID, key: str = "ada", role: Role = Role.PARTICIPANT
) -> Participant | None:
    async with rows.store.transaction() as db:
        return await remove_participant(db, session, key, role=role)


async def listed(rows: Rows, session: UUID, role: Role = Role.PARTICIPANT, limit: int = 10) -> list[str]:
    async with rows.store.transaction() as db:
        return [one.person for one in await list_participants(db, session, limit, role=role)]


async def dirty(rows: Rows, session: UUID) -> bool:
    async with rows.store.transaction() as db:
        return await is_dirty(db, session)


async def slots(rows: Rows, count: int = 2) -> dict[str, Any]:
    """Return what gives a session so many slots."""
    now = await rows.now()
    return {
        "modules": [Module("m", "M")],
        "slots": [Slot(f"s{n}", f"S{n}", "m", now + WEEK, now + 2 * WEEK) for n in range(1, count + 1)],
    }


async def slot_ids(rows: Rows) -> dict[str, UUID]:
    return {row.key: row.id for row in await rows.execute("select key, id from slots")}


@pytest.mark.parametrize("role", ROLES)
async def test_who_joins_leaves_and_joins_again_is_dirty_each_time_and_the_session_never(
    rows: Rows, role: Role
) -> None:
    session = await rows.session()
    await rows.plan(session)

    joined = await add(rows, session, role=role)
    assert (joined.version, joined.dirty) == (1, True)
    await rows.plan(session)

    assert not (await add(rows, session, role=role)).dirty  # in it already

    left = await remove(rows, session, role=role)
    assert left
    assert (left.version, left.dirty) == (2, True)
    assert await dirty(rows, session)
    await rows.plan(session)
    assert not await dirty(rows, session)

    assert await remove(rows, session, role=role) is None
    back = await add(rows, session, role=role)
    assert (back.version, back.dirty) == (3, True)

    assert await rows.one("select version = planned_version from sessions")
    assert await rows.one("select count(*) from participations") == 1


async def test_who_takes_part_already_is_not_written_again(rows: Rows) -> None:
    session = await rows.session(**await slots(rows))
    acme, known = await rows.company("acme"), await slot_ids(rows)
    said: Said = {"company": acme, "slots": frozenset(known.values())}
    first = await add(rows, session, **said)
    written = "select array_agg(xmin::text) from participations"
    before = await rows.one(written)

    assert await add(rows, session, **said) == first
    assert await add(rows, session) == first
    assert await rows.one(written) == before


async def test_what_was_said_stays_until_something_else_is_said(rows: Rows) -> None:
    session = await rows.session(**await slots(rows))
    acme, known = await rows.company("acme"), await slot_ids(rows)
    await add(rows, session, company=acme, slots=frozenset({known["s2"]}))

    await remove(rows, session)
    back = await add(rows, session)
    assert (back.company, back.slots) == ("acme", ["s2"])

    elsewhere = await add(rows, session, slots=frozenset(known.values()))
    assert (elsewhere.company, elsewhere.slots) == ("acme", ["s1", "s2"])

    alone = await add(rows, session, company=None, slots=None)
    assert (alone.company, alone.slots) == (None, None)


@pytest.mark.parametrize("role", ROLES)
async def test_other_slots_make_a_participation_dirty_once(rows: Rows, role: Role) -> None:
    session = await rows.session(**await slots(rows))
    known = await slot_ids(rows)
    one, both = frozenset({known["s1"]}), frozenset(known.values())

    versions = [
        (await add(rows, session, role=role, slots=said)).version
        for said in (None, one, one, both, both, frozenset[UUID](), None)
    ]

    assert versions == [1, 2, 2, 3, 3, 4, 5]


async def test_a_slot_that_vanished_is_not_told_and_comes_back_with_its_people(rows: Rows) -> None:
    session = await rows.session(**await slots(rows))
    await add(rows, session, slots=frozenset((await slot_ids(rows)).values()))

    await rows.session(**await slots(rows, 1))
    assert (await add(rows, session)).slots == ["s1"]

    await rows.session(**await slots(rows))
    assert (await add(rows, session)).slots == ["s1", "s2"]


async def test_who_trains_and_learns_does_both(rows: Rows) -> None:
    session = await rows.session()
    await add(rows, session)
    await add(rows, session, role=Role.TRAINER)

    await remove(rows, session)

    assert (await listed(rows, session), await listed(rows, session, Role.TRAINER)) == ([], ["ada"])


async def test_nobody_unknown_can_be_removed(rows: Rows) -> None:
    session = await rows.session()
    await rows.person("bob")
    await add(rows, session, "ada")

    assert await remove(rows, session, "bob") is None
    assert await remove(rows, session, "nobody") is None
    assert await remove(rows, session, "ada", Role.TRAINER) is None


async def test_participants_are_listed_by_id_without_those_who_left(rows: Rows) -> None:
    session = await rows.session()
    for key in ("cyd", "ada", "bob"):
        await add(rows, session, key)
    await remove(rows, session, "bob")

    assert await listed(rows, session) == ["ada", "cyd"]
    assert await listed(rows, session, limit=1) == ["ada"]


async def test_nobody_is_in_a_session_twice(rows: Rows) -> None:
    session = await rows.session()
    await add(rows, session)

    with pytest.raises(DBAPIError):
        await rows.execute(
            "insert into participations (session_id, role, person_id) select session_id, role, person_id from participations"
        )


async def test_a_change_tells_the_sweep_since_when_it_waits(rows: Rows) -> None:
    session = await rows.session()
    acme = await rows.company("acme")
    await add(rows, session, company=acme)
    await rows.plan(session)
    await rows.advance(WEEK)
    before = await rows.now()

    await remove(rows, session)

    assert await rows.one("select min(changed_at) from participations") > before


# Companies.


async def company_version(rows: Rows, company: UUID) -> int | None:
    found = await rows.execute(
        "select version from participations where role = 'company' and company_id = :company", company=company
    )
    return found[0].version if found else None


async def versions(rows: Rows, *companies: UUID) -> list[int | None]:
    return [await company_version(rows, company) for company in companies]


async def test_a_company_takes_part_once_the_first_of_its_people_does(rows: Rows) -> None:
    session = await rows.session()
    acme = await rows.company("acme")
    await add(rows, session, "ada")
    await add(rows, session, "eve", Role.TRAINER)
    assert await company_version(rows, acme) is None

    await add(rows, session, "bob", company=acme)

    assert await company_version(rows, acme) == 1
    assert await rows.one("select planned_version from participations where role = 'company'") == 0


async def test_only_the_first_to_come_and_the_last_to_leave_concern_their_company(rows: Rows) -> None:
    session = await rows.session()
    acme = await rows.company("acme")
    seen = []
    for key in ("ada", "bob", "cyd"):
        await add(rows, session, key, company=acme)
        seen.append(await company_version(rows, acme))
    for key in ("bob", "ada", "cyd"):
        await remove(rows, session, key)
        seen.append(await company_version(rows, acme))
    await add(rows, session, "bob")
    seen.append(await company_version(rows, acme))

    assert seen == [1, 1, 1, 1, 1, 2, 3]


async def test_a_company_is_concerned_when_its_people_come_to_other_slots(rows: Rows) -> None:
    session = await rows.session(**await slots(rows, 3))
    acme, known = await rows.company("acme"), await slot_ids(rows)

    def some(*keys: str) -> frozenset[UUID]:
        return frozenset(known[key] for key in keys)

    steps: list[tuple[str, Any, int]] = [
        ("ada", some("s1"), 1),
        ("bob", some("s1"), 1),  # what ada comes to already
        ("bob", some("s1", "s2"), 2),
        ("cyd", some("s2"), 2),
        ("bob", some("s1"), 3),  # conservative: nobody else alone comes to both s1 and s2
        ("bob", None, 4),
        ("cyd", some("s3"), 4),  # bob comes to everything
        ("ada", None, 4),
        ("bob", some("s1"), 4),  # now ada does
        ("ada", some("s1"), 5),
        ("dan", frozenset(), 5),  # who comes to no slot brings none
    ]
    for key, said, expected in steps:
        await add(rows, session, key, company=acme, slots=said)
        assert await company_version(rows, acme) == expected, (key, said)


async def test_who_changes_company_concerns_both(rows: Rows) -> None:
    session = await rows.session()
    acme, best = await rows.company("acme"), await rows.company("best")
    await add(rows, session, "ada", company=acme)

    await add(rows, session, "ada", company=best)
    assert await versions(rows, acme, best) == [2, 1]

    await add(rows, session, "bob", company=acme)
    await add(rows, session, "cyd", company=best)
    assert await versions(rows, acme, best) == [3, 1]

    await add(rows, session, "ada", company=acme)  # somebody was there, somebody stays
    assert await versions(rows, acme, best) == [3, 1]

    await add(rows, session, "ada", company=None)
    await add(rows, session, "cyd", company=None)
    assert await versions(rows, acme, best) == [3, 2]


async def test_who_left_concerns_no_company_wherever_they_are_said_to_come_from(rows: Rows) -> None:
    session = await rows.session()
    acme, best = await rows.company("acme"), await rows.company("best")
    await add(rows, session, "ada", company=acme)
    await remove(rows, session, "ada")
    assert await versions(rows, acme, best) == [2, None]

    await add(rows, session, "ada", company=best)  # back, and from elsewhere

    assert await versions(rows, acme, best) == [2, 1]


async def test_a_company_in_another_session_is_not_concerned(rows: Rows) -> None:
    first, second = await rows.session("S-1"), await rows.session("S-2")
    acme = await rows.company("acme")
    await add(rows, first, "ada", company=acme)
    await rows.plan(first)

    await add(rows, second, "bob", company=acme)

    assert not await dirty(rows, first)
    assert await rows.one("select count(*) from participations where role = 'company'") == 2


_COUNTED = """
    select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read, sum(n_tup_ins + n_tup_upd)::int as written
    from pg_stat_xact_user_tables
"""


async def cost(rows: Rows, session: UUID, key: str, **said: Unpack[Said]) -> tuple[int, int]:
    """Enrol somebody and return how many rows that read and wrote, as PostgreSQL counts them."""
    person = await rows.person(key)
    async with rows.store.transaction() as db:
        before = (await db.exec_driver_sql(_COUNTED)).one()  # of earlier transactions, not yet reported
        await add_participant(db, session, person, said)
        after = (await db.exec_driver_sql(_COUNTED)).one()
    return after.read - before.read, after.written - before.written


@pytest.mark.parametrize("comes_to", ["all", "one slot"])
async def test_3000_people_of_one_company_cost_the_same_each(rows: Rows, comes_to: str) -> None:
    session = await rows.session(**await slots(rows))
    acme = await rows.company("acme")
    some = None if comes_to == "all" else frozenset({(await slot_ids(rows))["s1"]})
    await add(rows, session, "first", company=acme, slots=some)
    _, before = await cost(rows, session, "second", company=acme, slots=some)
    await rows.participants(session, 3000)
    await rows.execute(
        "update participations set company_id = :acme, slots = :slots where role = 'participant'",
        acme=acme,
        slots=None if some is None else list(some),
    )
    await rows.store.engine.dispose()  # no plan of before
    await rows.execute("analyze participations, people, companies, sessions, slots")

    read, after = await cost(rows, session, "last", company=acme, slots=some)

    assert before == after == 1
    assert read < 20
    assert await company_version(rows, acme) == 1


async def test_a_contact_for_the_session_concerns_its_company(rows: Rows) -> None:  # F057
    session = await rows.session()
    acme, claire = await rows.company("acme"), await rows.person("claire")
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)

    async def put(contact: UUID | None) -> tuple[str | None, int, int]:
        async with rows.store.transaction() as db:
            said = await put_contact(db, session, acme, contact)
        return said.contact, said.version, await rows.one("select version from companies")

    # the participation's version is compared by the fence of the company's own mails, the company's by that of copies
    assert [await put(who) for who in (claire, claire, None, None)] == [
        ("claire", 2, 2),
        ("claire", 2, 2),
        (None, 3, 3),
        (None, 3, 3),
    ]
    assert await rows.one("select count(*) from participations where version > planned_version") == 1
