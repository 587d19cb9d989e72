"""A rehearsal is as much as a write, and keeps nobody waiting: no mail, and no more statements for more sessions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from store.departures import delete_person
from store.locks import keep_directory
from store.moves import hold_directory, move_people
from store.people import Details, put_people
from store.rehearsals import Rehearsal, Rehearsed
from store.rules import deactivate_rule
from store.sessions import put_session
from tests.store.store_rows import WEEK, Rows
from tests.store.test_planning_rows import counted

# Longer than anything here takes that does not wait for the rehearsal, which waits for it.
SOON = 10

Write = Callable[[Rows, AsyncConnection], Awaitable[None]]


@asynccontextmanager
async def rehearsing(rows: Rows, concerns: int = 1) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that is taken back; see that mails of so many sessions would be concerned."""
    with pytest.raises(Rehearsed) as rehearsed:
        async with Rehearsal(rows.store).transaction() as db:
            yield db
    assert rehearsed.value.foreseen.outlook.concerned == concerns


async def move_session(rows: Rows, db: AsyncConnection) -> None:
    later = await rows.now() + 3 * WEEK
    await put_session(db, rows.organization, "S-1", name="Talk", zone="UTC", starts_at=later, ends_at=None)


async def leave(rows: Rows, db: AsyncConnection) -> None:
    await delete_person(db, rows.organization, "ada")


async def switch_off(rows: Rows, db: AsyncConnection) -> None:
    await deactivate_rule(db, await rows.one("select id from rules"))


@pytest.mark.parametrize("write", [move_session, leave, switch_off])
async def test_a_rehearsal_keeps_no_mail_waiting(rows: Rows, write: Write) -> None:
    send = await rows.due()
    async with rehearsing(rows) as db:
        await write(rows, db)
        assert await asyncio.wait_for(rows.claim(send), SOON)


async def test_a_rehearsal_keeps_nobody_waiting_who_comes_to_a_session(rows: Rows) -> None:
    """Whoever goes to another time zone holds the directory alone, and does so for nobody here."""
    await rows.planned("ada")
    said: dict[str, Details] = {"ada": {"zone": "Asia/Kathmandu"}}
    async with rehearsing(rows, concerns=0) as db:
        await hold_directory(db, rows.organization, said)
        await move_people(db, rows.organization, said)
        await put_people(db, rows.organization, said)
        await asyncio.wait_for(look_somebody_up(rows), SOON)


async def look_somebody_up(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        await keep_directory(db, rows.organization)


async def test_a_rehearsal_takes_the_same_few_statements_however_many_sessions(rows: Rows) -> None:
    counts = []
    for many in (2, 6):
        for number in range(many):
            await rows.planned(f"ada-{many}", session=f"S-{many}-{number}")
        with counted(rows.store) as seen:
            async with rehearsing(rows, concerns=many) as db:
                await delete_person(db, rows.organization, f"ada-{many}")
        counts.append(len(seen))
    assert counts[0] == counts[1]
