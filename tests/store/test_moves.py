"""A person who goes to another time zone, while their mail is on its way: it leaves before, or not as it was planned."""

import asyncio

import pytest

from store.delivery import NotFencedError, fence
from store.moves import hold_directory
from store.people import Details, put_people
from tests.store.store_rows import LEASE, Rows

FAR: dict[str, Details] = {"ada": {"zone": "Asia/Kathmandu"}}


async def move(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        await hold_directory(db, rows.organization, FAR)
        await put_people(db, rows.organization, FAR)


async def test_a_mail_of_before_is_neither_claimed_nor_fenced_until_it_is_planned_anew(rows: Rows) -> None:
    send = await rows.due()
    claim, letter = await rows.claimed(send), await rows.facts(send)

    await move(rows)

    with pytest.raises(NotFencedError):
        await rows.fence(claim, letter)
    with pytest.raises(NotFencedError):  # not even a letter written since
        await rows.fence(claim, await rows.facts(send))
    await rows.execute(
        "update sends set status = 'scheduled', lease_until = null where id = :send", send=send
    )
    assert await rows.claim(send) is None
    await rows.plan(await rows.one("select id from sessions"))
    assert await rows.claim(send) is not None


async def test_a_companys_mail_goes_by_no_clocks_of_its_people(rows: Rows) -> None:
    """So it need not be planned when one of them moves: planned for another reason, it is as it was."""
    acme = await rows.company("acme")
    await rows.rule(
        "r", audience="companies", zone="recipient", anchor="participation.start", offset="-P7D", at="09:00"
    )
    session = await rows.session()
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)
    (before,) = await rows.sends()

    await move(rows)
    await rows.execute("update sessions set version = version + 1")
    await rows.plan(session)

    (after,) = await rows.sends()
    assert (after["due_zone"], after["due_at"]) == (before["due_zone"], before["due_at"])


async def test_a_mail_past_its_fence_is_waited_for(rows: Rows) -> None:
    send = await rows.due()
    claim, letter = await rows.claimed(send), await rows.facts(send)

    async with rows.store.transaction() as db:
        await fence(db, claim, letter, LEASE)
        moving = asyncio.create_task(move(rows))
        await rows.blocked()
    await moving

    assert await rows.statuses() == ["handing_over"]
    assert await rows.one("select version > planned_version from participations") is True


async def test_many_who_move_while_others_plan_and_enrol_never_wait_for_each_other(rows: Rows) -> None:
    """Two who lock the same rows in two orders would be told so by PostgreSQL."""
    keys = [f"p{number}" for number in range(8)]
    sessions = [await rows.planned(*keys, session=f"S-{number}") for number in range(4)]
    zones = ["Asia/Kathmandu", "America/New_York", "Europe/Paris"]

    async def send_them(turn: int, turned: bool) -> None:
        said: dict[str, Details] = {
            key: {"zone": zones[(turn + number) % 3]}
            for number, key in enumerate(reversed(keys) if turned else keys)
        }
        async with rows.store.transaction() as db:
            await hold_directory(db, rows.organization, said)
            await put_people(db, rows.organization, said)

    for turn in range(4):
        await asyncio.gather(
            *(send_them(turn, turned) for turned in (True, False)),
            *(rows.plan(session) for session in sessions),
            *(rows.participant(session, f"late-{turn}-{number}") for number, session in enumerate(sessions)),
        )
    assert await rows.one("select count(distinct zone) from people where key like 'p_'") > 0
