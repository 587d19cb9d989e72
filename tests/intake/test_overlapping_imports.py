"""An import and another change of the same people or sessions at once: neither ever waits for the other in a ring.

One transaction holds one of them where it must be; then the other one comes.
"""

import asyncio
from typing import Any

from sqlalchemy import text

from domain.participations import Role
from intake.contents import Contents
from intake.rows import Record, Row, check
from intake.writing import Outcome, reject_strangers, write
from store.organizations import MAIN, fetch_organization
from store.people import Details, put_people
from store.sessions import SessionSaid, put_sessions
from tests.store.store_rows import Rows


def contents(*sessions: dict[str, Any]) -> Contents:
    rows = [check(Record(line, {"name": "Talk", **said})) for line, said in enumerate(sessions, 1)]
    return Contents([row for row in rows if isinstance(row, Row)])


async def bring(rows: Rows, *sessions: dict[str, Any]) -> Outcome:
    async with rows.store.transaction() as db:
        organization = await fetch_organization(db, MAIN)
        brought = contents(*sessions)
        await reject_strangers(db, organization, brought)
        return await write(db, organization, brought, [])


async def test_an_import_and_a_batch_of_the_same_people_do_not_wait_in_a_ring(rows: Rows) -> None:
    """The trainer who leaves is locked together with whoever is described (`store.locks`)."""
    session = await rows.session()
    ids = {key: await rows.person(key) for key in ("ada", "bob")}
    leaves, described = sorted(ids, key=lambda key: ids[key])
    await rows.participant(session, leaves, Role.TRAINER)
    new_names: dict[str, Details] = {key: {"last_name": "Young"} for key in ids}

    async def batch() -> None:
        async with rows.store.transaction() as db:
            await put_people(db, rows.organization, new_names)

    async with rows.store.transaction() as db:  # the import gets no further than to whom it describes
        await db.execute(text("select from participations for update"))
        importing = asyncio.create_task(bring(rows, {"id": "S-1", "trainers": [{"id": described}]}))
        await rows.blocked(1)
        batching = asyncio.create_task(batch())
        await rows.blocked(2)

    outcome, _ = await asyncio.gather(importing, batching)
    assert outcome.parts.removed == 1


async def test_two_imports_of_the_same_new_sessions_do_not_wait_in_a_ring(rows: Rows) -> None:
    """Whoever may have to wait for a session that another makes holds no facts yet (`store.locks`)."""
    theirs = {"3": SessionSaid(name="Talk", zone="UTC", starts_at=None, ends_at=None)}

    async with rows.store.transaction() as db:
        await put_sessions(db, rows.organization, theirs)
        first = asyncio.create_task(bring(rows, {"id": "2"}, {"id": "3"}, {"id": "4"}))
        await rows.blocked(1)  # it has made 2, and knows nothing of 4
        await rows.session("4")
        second = asyncio.create_task(bring(rows, {"id": "2"}, {"id": "4"}))
        await rows.blocked(2)  # for 2

    await asyncio.gather(first, second)
    assert await rows.one("select count(*) from sessions") == 3
