"""Does every change of what planning reads wait for those who trust it, and what comes of two changes at once?"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from store.companies import put_company
from store.contacts import put_contact
from store.departures import delete_company, delete_person
from store.locks import change_directory, keep_directory, trust_facts
from store.participants import add_participant, remove_participant
from store.people import put_person
from store.rules import activate_rule, deactivate_rule, delete_rule, find_rule, replace_rule
from store.sessions import delete_session, find_session, put_session
from tests.store.store_rows import WEEK, Rows, definition, until

Change = Callable[[AsyncConnection, Rows, UUID, UUID], Awaitable[object]]


async def move(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    said = {"name": "Talk", "zone": "UTC", "starts_at": await rows.now() + 3 * WEEK, "ends_at": None}
    await put_session(db, rows.organization, "S-1", **said)  # type: ignore[arg-type]


async def delete(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await delete_session(db, rows.organization, "S-1")


async def join(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await add_participant(db, session, await rows.person("bob"))


async def train(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await add_participant(db, session, await rows.person("bob"), role=Role.TRAINER)


async def leave(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await remove_participant(db, session, "ada")


async def name_contact(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await put_contact(db, session, await rows.company("acme"), await rows.person("claire"))


async def edit(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    template = await rows.one("select id from templates")
    said = definition(offset="-P8D")
    await replace_rule(db, rows.organization, "j7", name="j7", template=template, definition=said)


async def activate(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await activate_rule(db, rule)


async def deactivate(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await deactivate_rule(db, rule)


async def forget(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await delete_rule(db, rule)


async def depart(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await delete_person(db, rows.organization, "ada")


async def dissolve(db: AsyncConnection, rows: Rows, session: UUID, rule: UUID) -> None:
    await rows.participant(await rows.session("S-2"), "ada", company=await rows.company("acme"))
    await rows.execute("update participations set company_id = (select id from companies)")
    await delete_company(db, rows.organization, "acme")


CHANGES: list[Change] = [
    move, delete, join, train, leave, name_contact, edit, activate, deactivate, forget, depart, dissolve,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_waits_for_whoever_trusts_the_facts_before_it_writes(
    rows: Rows, change: Change
) -> None:
    session = await rows.planned("ada")
    rule = await rows.one("select id from rules")

    async def changed() -> None:
        async with rows.store.transaction() as db:
            await change(db, rows, session, rule)

    async def waits() -> bool:
        found: int = await rows.one("""
            select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'
              and backend_xid is null  -- it has written nothing yet
        """)
        return found == 1

    async with rows.store.transaction() as db:
        await trust_facts(db, await rows.send())
        waiting = asyncio.create_task(changed())
        await until(waits)
        assert not waiting.done()
    await waiting


async def test_what_only_the_fence_compares_waits_for_nobody(rows: Rows) -> None:
    await rows.planned("ada")

    async with rows.store.transaction() as db:
        await trust_facts(db, await rows.send())
        async with rows.store.transaction() as other:
            said = {"email": None, "first_name": "Ada", "last_name": "", "language": None}
            await put_person(other, rows.organization, "ada", **said)  # type: ignore[arg-type]
            await put_company(
                other, rows.organization, "acme", name="Acme", email=None, language=None, contact=None
            )


async def company(rows: Rows) -> tuple[int, int]:
    (row,) = await rows.execute("select version, planned_version from participations where role = 'company'")
    return row.version, row.planned_version


async def test_of_the_last_two_of_a_company_who_leave_at_once_the_second_concerns_it(rows: Rows) -> None:
    await rows.rule("j7", audience="companies")
    session = await rows.session()
    acme = await rows.company("acme")
    for key in ("ada", "bob"):
        await rows.participant(session, key, company=acme)
    await rows.plan(session)
    assert (await rows.statuses(), await company(rows)) == (["scheduled"], (1, 1))

    async def gone(key: str) -> None:
        async with rows.store.transaction() as db:
            await remove_participant(db, session, key)

    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
        second = asyncio.create_task(gone("bob"))
        await rows.blocked()
    await second

    assert await company(rows) == (2, 1)
    await rows.plan(session)
    assert await rows.statuses() == ["removed"]


async def test_of_the_first_two_of_a_company_who_come_at_once_one_enrols_it(rows: Rows) -> None:
    session = await rows.session()
    acme = await rows.company("acme")
    people = [await rows.person(f"p{number}") for number in range(6)]

    async def come(person: UUID) -> None:
        async with rows.store.transaction() as db:
            await add_participant(db, session, person, {"company": acme})

    await asyncio.gather(*map(come, people))

    assert await company(rows) == (1, 0)


async def test_two_companies_are_written_in_the_order_in_which_planning_marks_them(rows: Rows) -> None:
    """Otherwise the two could wait for each other."""
    session = await rows.session()
    companies = [await rows.company("acme"), await rows.company("best")]
    for company in companies * 2:
        await rows.participant(session, "ada", company=company)
    lock = text("select from participations where id = :id for no key update")
    first, last = await rows.execute("select id from participations where role = 'company' order by id")

    for company in companies:  # there, and back
        async with rows.store.transaction() as db:
            await db.execute(lock, {"id": first.id})
            waiting = asyncio.create_task(rows.participant(session, "ada", company=company))
            await rows.blocked()
            await db.execute(lock, {"id": last.id})
        await waiting

    assert await rows.one("select array_agg(version order by version) from participations") == [5, 6, 6]


async def test_a_rule_edited_while_it_is_deleted_stays_deleted(rows: Rows) -> None:
    rule = await rows.rule("j7")

    async def edited() -> object:
        async with rows.store.transaction() as db:
            template = await rows.one("select id from templates")
            said = definition(offset="-P8D")
            return await replace_rule(
                db, rows.organization, "j7", name="j7", template=template, definition=said
            )

    async with rows.store.transaction() as db:
        await delete_rule(db, rule)
        late = asyncio.create_task(edited())
        await rows.blocked()

    assert await late is None
    async with rows.store.transaction() as db:
        assert await find_rule(db, rows.organization, "j7") is None


async def test_a_session_moved_while_it_is_deleted_comes_back(rows: Rows) -> None:
    session = await rows.session()

    async def moved() -> None:
        await rows.session(starts_in=3 * WEEK)

    async with rows.store.transaction() as db:
        await delete_session(db, rows.organization, "S-1")
        late = asyncio.create_task(moved())
        await rows.blocked()
    await late

    async with rows.store.transaction() as db:
        found = await find_session(db, rows.organization, "S-1")
    assert found
    assert (found.id, found.version) == (session, 3)


async def test_whoever_deletes_a_person_waits_for_those_who_refer_to_one(rows: Rows) -> None:
    await rows.person("ada")

    async def gone() -> None:
        async with rows.store.transaction() as db:
            await delete_person(db, rows.organization, "ada")

    async with rows.store.transaction() as db, rows.store.transaction() as other:
        await keep_directory(db, rows.organization)
        await keep_directory(other, rows.organization)  # together
        leaving = asyncio.create_task(gone())
        await rows.blocked()
        assert await rows.one("select deleted_at from people") is None
    await leaving
    assert await rows.one("select deleted_at from people") is not None


async def test_whoever_refers_to_a_person_waits_for_a_deletion(rows: Rows) -> None:
    async def keep() -> None:
        async with rows.store.transaction() as db:
            await keep_directory(db, rows.organization)

    async with rows.store.transaction() as db:
        await change_directory(db, rows.organization)
        waiting = asyncio.create_task(keep())
        await rows.blocked()
    await waiting
