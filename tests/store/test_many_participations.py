"""Are many participations written as each of them alone would be, and in how many statements?"""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.participations import Role
from store.companies import Details as CompanyDetails
from store.companies import put_companies
from store.locks import change_facts, trust_facts
from store.participants import add_participant, list_newer, remove_participant
from store.participations import Enrolled, Enrolment, Said, put_participations
from store.people import put_people
from store.places import Module, Slot
from tests.store.store_rows import WEEK, Rows, until
from tests.store.test_planning_rows import counted

PART = Role.PARTICIPANT
VERSIONS = """
    select coalesce(people.key, companies.key) as who, p.role, p.session_id, p.version, p.removed_at is null as present
    from participations p left join people on people.id = p.person_id
    left join companies on companies.id = p.company_id and p.role = 'company' order by 1, 2, 3
"""
WRITTEN = "select array_agg(xmin::text order by id) from participations"


async def people(rows: Rows, *keys: str) -> list[UUID]:
    async with rows.store.transaction() as db:
        written = await put_people(db, rows.organization, {key: {} for key in keys})
    return [written.ids[key] for key in keys]


async def put(rows: Rows, *enrolments: Enrolment, **more: Any) -> Enrolled:
    async with rows.store.transaction() as db:
        return await put_participations(db, enrolments, **more)


async def with_slots(rows: Rows, key: str = "S-1") -> UUID:
    now = await rows.now()
    slots = [Slot(f"s{n}", f"S{n}", "m", now + WEEK, now + 2 * WEEK) for n in (1, 2, 3)]
    return await rows.session(key, modules=[Module("m", "M")], slots=slots)


async def versions(rows: Rows) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await rows.execute(VERSIONS)]


async def test_many_join_at_once_and_the_session_stays_clean(rows: Rows) -> None:  # F022
    session = await rows.session()
    await rows.plan(session)
    ada, bob = await people(rows, "ada", "bob")
    acme = await rows.company("acme")

    done = await put(
        rows, Enrolment(session, ada, {"company": acme}), Enrolment(session, bob, role=Role.TRAINER)
    )

    assert done.changed == {(session, PART, ada), (session, Role.TRAINER, bob)}
    assert [row[:2] + row[3:] for row in await versions(rows)] == [
        ("acme", "company", 1, True),
        ("ada", "participant", 1, True),
        ("bob", "trainer", 1, True),
    ]
    assert sorted(done.versions.values()) == [1, 1, 1]
    assert await rows.one("select version = planned_version from sessions")


async def test_what_is_as_it_was_writes_no_row(rows: Rows) -> None:
    session = await with_slots(rows)
    ada, bob = await people(rows, "ada", "bob")
    acme = await rows.company("acme")
    (slot, *_) = [row.id for row in await rows.execute("select id from slots")]
    said: Said = {"company": acme, "slots": frozenset({slot})}
    same = [Enrolment(session, ada, said, source_version=3), Enrolment(session, bob)]
    await put(rows, *same)
    before = await rows.one(WRITTEN)

    done = await put(rows, *same, remove_others=[(session, PART)])

    assert (done.changed, done.removed, dict(done.versions)) == (frozenset(), frozenset(), {})
    await put(rows, Enrolment(session, ada))
    assert await rows.one(WRITTEN) == before


async def test_whoever_is_missing_leaves_where_that_was_said(rows: Rows) -> None:  # F023
    first, second = await rows.session("S-1"), await rows.session("S-2")
    ada, bob, cyd = await people(rows, "ada", "bob", "cyd")
    for session in (first, second):
        await put(rows, *(Enrolment(session, one) for one in (ada, bob)))
        await put(rows, Enrolment(session, bob, role=Role.TRAINER))

    done = await put(rows, Enrolment(first, cyd), remove_others=[(first, PART)])

    assert done.changed == {(first, PART, cyd)}
    assert done.removed == {(first, PART, ada), (first, PART, bob)}
    left = [row[:3] for row in await versions(rows) if not row[4]]
    assert left == [("ada", "participant", first), ("bob", "participant", first)]


async def test_an_older_source_is_not_heeded_and_is_not_missing(rows: Rows) -> None:
    session = await rows.session()
    (ada,) = await people(rows, "ada")
    acme = await rows.company("acme")
    await put(rows, Enrolment(session, ada, {"company": acme}, source_version=5))

    older = Enrolment(session, ada, {"company": None}, source_version=4)
    done = await put(rows, older, remove_others=[(session, PART)])
    assert (set(done.changed), set(done.ignored), set(done.removed)) == (set(), {older.who}, set())
    assert await rows.one("select company_id from participations where role = 'participant'") == acme

    equal = await put(rows, Enrolment(session, ada, {"company": None}, source_version=5))
    assert len(equal.changed) == 1
    silent = await put(rows, Enrolment(session, ada, {"company": acme}))
    assert len(silent.changed) == 1
    assert await rows.one("select source_version from participations where role = 'participant'") == 5

    newer = await put(rows, Enrolment(session, ada, {"company": acme}, source_version=6))
    assert newer.changed == frozenset()  # the same facts: nothing becomes dirty
    assert await rows.one("select source_version from participations where role = 'participant'") == 6
    async with rows.store.transaction() as db:
        assert await list_newer(db, session, PART, {"ada": 5}) == {"ada"}
        assert await list_newer(db, session, PART, {"ada": 6}) == set()
        assert await list_newer(db, session, PART, {}) == set()


async def test_an_older_source_does_not_bring_back_who_was_removed(rows: Rows) -> None:
    session = await rows.session()
    (ada,) = await people(rows, "ada")
    await put(rows, Enrolment(session, ada, source_version=5))
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
        late = await add_participant(db, session, ada, source_version=4)
        assert late.removed
        back = await add_participant(db, session, ada, source_version=5)
    assert not back.removed


async def test_of_two_sources_at_once_the_newer_wins_whichever_comes_last(rows: Rows) -> None:
    session = await rows.session()
    (ada,) = await people(rows, "ada")
    acme, best = await rows.company("acme"), await rows.company("best")
    newer = Enrolment(session, ada, {"company": best}, source_version=2)
    older = Enrolment(session, ada, {"company": acme}, source_version=1)

    for first, second in ((newer, older), (older, newer)):
        await rows.execute("delete from participations")
        async with rows.store.transaction() as db:
            await put_participations(db, [first])
            waiting = asyncio.create_task(put(rows, second))
            await rows.blocked()
        await waiting
        assert await rows.one("select company_id from participations where role = 'participant'") == best


async def test_somebody_who_was_never_there_is_not_removed(rows: Rows) -> None:
    session = await rows.session()
    (ada,) = await people(rows, "ada")

    done = await put(rows, Enrolment(session, ada, present=False))

    assert (done.changed, await versions(rows)) == (frozenset(), [])


async def test_a_trainer_who_leaves_among_many_is_another_person_to_the_fence(rows: Rows) -> None:
    session = await rows.session()
    ada, bob, cyd = await people(rows, "ada", "bob", "cyd")
    await put(
        rows, *(Enrolment(session, one, role=Role.TRAINER) for one in (ada, bob)), Enrolment(session, cyd)
    )

    await put(
        rows,
        Enrolment(session, ada, role=Role.TRAINER),
        remove_others=[(session, Role.TRAINER), (session, PART)],
    )

    found = await rows.execute("select key, version from people order by key")
    assert [tuple(row) for row in found] == [("ada", 1), ("bob", 2), ("cyd", 1)]


@pytest.mark.parametrize("seed", range(12))
async def test_many_at_once_leave_what_each_alone_would_and_concern_every_company_that_changed(
    rows: Rows, seed: int
) -> None:
    """Against what planning reads: whichever company's people or slots changed is dirty, and every change is one."""
    chance = random.Random(seed)
    sessions = [await with_slots(rows, "S-1"), await with_slots(rows, "S-2")]
    companies = [None, await rows.company("acme"), await rows.company("best")]
    who = await people(rows, *(f"p{number}" for number in range(6)))
    slots = {
        session: [
            row.id for row in await rows.execute("select id from slots where session_id = :s", s=session)
        ]
        for session in sessions
    }

    def some(present: bool) -> list[Enrolment]:
        return [
            Enrolment(
                session,
                one,
                {
                    "company": chance.choice(companies),
                    "slots": chance.choice(
                        [None, frozenset(chance.sample(slots[session], chance.randint(0, 3)))]
                    ),
                },
                present=present and chance.random() < 0.8,
            )
            for session in sessions
            for one in who
            if chance.random() < 0.6
        ]

    await put(rows, *some(present=True))
    for session in sessions:
        await rows.plan(session)
    before = await company_facts(rows)
    second = some(present=True)
    done = await put(rows, *second)
    after = await company_facts(rows)

    moved = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    dirty = await rows.execute(
        "select session_id, company_id from participations where role = 'company' and version > planned_version"
    )
    assert moved <= {(row.session_id, row.company_id) for row in dirty}
    found = await rows.execute("select id, version from participations where version > planned_version")
    assert {row.id: row.version for row in found} == dict(done.versions)
    for one in second:
        found = await rows.execute(
            "select * from participations where session_id = :s and person_id = :p",
            s=one.session,
            p=one.person,
        )
        for row in found:
            assert (row.removed_at is None) == one.present
            assert row.company_id == one.said["company"]
            assert (None if row.slots is None else frozenset(row.slots)) == one.said["slots"]
        assert found or not one.present


async def company_facts(rows: Rows) -> dict[tuple[UUID, UUID], tuple[bool, frozenset[UUID]]]:
    """Return what planning reads of every company: whether one of its people comes to all, and what they come to."""
    found = await rows.execute("""
        select p.session_id, p.company_id, bool_or(p.slots is null) as everything,
               coalesce(array_agg(slot) filter (where slot is not null), '{}') as slots
        from participations p left join lateral unnest(p.slots) as slot on true
        where role = 'participant' and removed_at is null and company_id is not null
        group by 1, 2
    """)
    return {
        (row.session_id, row.company_id): (
            row.everything,
            frozenset() if row.everything else frozenset(row.slots),
        )
        for row in found
    }


async def test_any_number_is_written_in_the_same_few_statements(rows: Rows) -> None:
    counts = set()
    for size in (2, 20, 2000):
        sessions = [await rows.session(f"{size}-{number}") for number in range(min(size, 50))]
        keys = [f"{size}-{number}" for number in range(size)]
        names: dict[str, CompanyDetails] = {f"c-{key}": {"name": key} for key in keys[:30]}
        with counted(rows.store) as statements:
            async with rows.store.transaction() as db:
                made = await put_people(
                    db, rows.organization, {key: {"email": f"{key}@example.org"} for key in keys}
                )
                companies = [*(await put_companies(db, rows.organization, names)).ids.values()]
                await put_participations(
                    db,
                    [
                        Enrolment(
                            sessions[number % len(sessions)],
                            person,
                            {"company": companies[number % len(companies)]},
                            Role.TRAINER if number == 1 else PART,
                        )
                        for number, person in enumerate(made.ids.values())
                    ],
                )
                again = await put_people(db, rows.organization, {key: {"email": None} for key in keys})
                left = await put_participations(
                    db, [], remove_others=[(one, role) for one in sessions for role in (PART, Role.TRAINER)]
                )
        assert (len(again.changed), len(left.removed)) == (size, size)
        counts.add(len(statements))

    assert len(counts) == 1, counts


async def test_two_who_write_many_of_the_same_people_wait_and_do_not_deadlock(rows: Rows) -> None:
    """Half of them are known, half are new, and each writes them in another order."""
    keys = [f"p{number}" for number in range(300)]
    await people(rows, *keys[::2])
    sessions = [await rows.session(f"S-{number}") for number in range(4)]

    async def write(session: UUID, order: list[str]) -> None:
        async with rows.store.transaction() as db:
            await change_facts(db, session)
            written = await put_people(
                db, rows.organization, {key: {"email": f"{session}@x.org"} for key in order}
            )
            await put_participations(db, [Enrolment(session, one) for one in written.ids.values()])

    for chance in (random.Random(n) for n in range(5)):
        await asyncio.gather(*(write(one, chance.sample(keys, len(keys))) for one in sessions))

    assert await rows.one("select count(*) from participations") == 4 * 300


async def test_many_wait_for_whoever_trusts_the_facts_of_one(rows: Rows) -> None:
    planned, other = await rows.planned("ada"), await rows.session("S-2")
    (bob,) = await people(rows, "bob")
    async with rows.store.transaction() as db:
        await trust_facts(db, await rows.send())
        waiting = asyncio.create_task(put(rows, Enrolment(other, bob), Enrolment(planned, bob)))

        async def waits() -> bool:
            return await rows.waiting_for_locks() == 1

        await until(waits)
        assert not waiting.done()
    await waiting


async def test_they_are_written_in_the_order_in_which_planning_marks_them(rows: Rows) -> None:
    """Otherwise the two could wait for each other."""
    session = await rows.session()
    who = await people(rows, "ada", "bob")
    await put(rows, *(Enrolment(session, one) for one in who))
    lock = text("select from participations where id = :id for no key update")
    first, last = await rows.execute("select id, person_id from participations order by id")
    leaving = [Enrolment(session, one.person_id, present=False) for one in (last, first)]

    async with rows.store.transaction() as db:
        await db.execute(lock, {"id": first.id})
        waiting = asyncio.create_task(put(rows, *leaving))
        await rows.blocked()
        await db.execute(lock, {"id": last.id})
    assert len((await waiting).changed) == 2
