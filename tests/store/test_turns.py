"""A sender whose rate is limited hands out turns: in order, once each, never more than its rate allows."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from domain.delivery import answer
from domain.sends import Next
from store.senders import set_rate
from tests.store.delivery_steps import look
from tests.store.store_rows import WEEK, Rows

SECOND = timedelta(seconds=1)


async def limited(rows: Rows, rate: float | None, burst: int = 1, people: int = 5) -> list[UUID]:
    """Return sends that are due, at a sender of this rate that has rested."""
    await rows.planned(*(f"p{number}" for number in range(people)))
    async with rows.store.transaction() as db:
        await set_rate(db, rate, burst)
    await rows.advance(WEEK)
    return [row["id"] for row in await rows.sends()]


async def test_without_a_limit_everybody_leaves_at_once(rows: Rows) -> None:
    sends = await limited(rows, None)

    assert all([await rows.claim(send) for send in sends])


@pytest.mark.parametrize("burst", [1, 2, 4])
async def test_after_a_rest_as_many_leave_as_the_burst_allows(rows: Rows, burst: int) -> None:
    sends = await limited(rows, 0.1, burst)

    claims = [await rows.claim(send) for send in sends]

    assert [claim is not None for claim in claims] == [True] * burst + [False] * (5 - burst)


async def test_who_has_to_wait_is_told_how_long_and_leaves_then(rows: Rows) -> None:
    first, second, third, *_ = await limited(rows, 0.1)
    assert await rows.claim(first)
    assert [await rows.claim(send) for send in (second, third)] == [None, None]

    waits = [answer(await look(rows, send)) for send in (second, third)]
    assert [one.next for one in waits] == [Next.WAIT, Next.WAIT]
    assert [round(one.wait_seconds, -1) for one in waits] == [10, 20]  # one behind the other

    await rows.advance(11 * SECOND)
    assert await rows.claim(third) is None
    assert await rows.claim(second)
    await rows.advance(10 * SECOND)
    assert await rows.claim(third)


async def test_asking_again_does_not_take_another_turn(rows: Rows) -> None:
    first, second, third, *_ = await limited(rows, 0.1)
    assert await rows.claim(first)
    for _ in range(5):
        assert await rows.claim(second) is None

    assert await rows.claim(third) is None
    assert round(answer(await look(rows, third)).wait_seconds, -1) == 20


async def test_a_mail_that_is_not_due_takes_no_turn(rows: Rows) -> None:
    await limited(rows, 0.1)
    waiting = await rows.send(session=await rows.planned("late", session="S-2"))

    assert await rows.claim(waiting) is None
    assert (await rows.row(waiting))["turn_at"] is None
    assert await rows.one("select free_at < relance_now() from senders")


async def test_of_many_that_ask_at_once_each_gets_a_turn_of_its_own(rows: Rows) -> None:
    sends = await limited(rows, 0.1, people=12)

    claims = await asyncio.gather(*(rows.claim(send) for send in sends))

    assert sum(claim is not None for claim in claims) == 1
    waits = sorted(
        [answer(await look(rows, send)).wait_seconds for send in sends if await waits_its_turn(rows, send)]
    )
    assert [round(wait, -1) for wait in waits] == [10 * number for number in range(1, 12)]


async def waits_its_turn(rows: Rows, send: UUID) -> bool:
    return (await rows.row(send))["turn_at"] is not None


async def test_a_second_attempt_takes_a_turn_of_its_own(rows: Rows) -> None:
    first, *_ = await limited(rows, 0.1)
    held = await rows.claimed(first)
    await rows.execute("update sends set status = 'scheduled', token = null where id = :send", send=held.send)

    assert await rows.claim(first) is None
    assert await waits_its_turn(rows, first)


async def test_another_rate_is_for_those_who_wait_already_too(rows: Rows) -> None:
    """A rate set too low by mistake, and mended, must not hold back a thousand mails until they expire."""
    first, *others = await limited(rows, 0.001)
    assert await rows.claim(first)
    assert [await rows.claim(send) for send in others] == [None] * 4

    async with rows.store.transaction() as db:
        woken = await set_rate(db, None, 1)

    assert [session.key for session in woken] == ["S-1"]  # their workflows are told
    assert all([await rows.claim(send) for send in others])


async def test_the_same_rate_again_changes_nothing(rows: Rows) -> None:
    first, second, *_ = await limited(rows, 0.001)
    assert await rows.claim(first)
    assert await rows.claim(second) is None

    async with rows.store.transaction() as db:
        assert await set_rate(db, 0.001, 1) == []
    assert await rows.claim(second) is None


async def test_a_mail_that_moved_away_takes_no_turn(rows: Rows) -> None:
    first, second, *_ = await limited(rows, 0.1)
    assert await rows.claim(first)
    version = (await rows.row(second))["version"]
    await rows.plan(await rows.session(starts_in=3 * WEEK))

    assert await rows.claim(second, version) is None
    assert not await waits_its_turn(rows, second)


async def test_while_the_plan_is_behind_nobody_takes_a_turn(rows: Rows) -> None:
    first, second, *_ = await limited(rows, 0.1)
    assert await rows.claim(first)
    await rows.session(starts_in=3 * WEEK)

    assert await rows.claim(second) is None
    assert not await waits_its_turn(rows, second)
