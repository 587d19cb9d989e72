"""What fell between two lines, as the rows tell it: who is suspected, of what, and who is not."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.sends import Status
from domain.upkeep import Repair
from store.signals import Unsignalled, list_unsignalled, mark_signalled
from store.sweep import LeftSend, LeftSession, forget_signals, list_sends_left, list_sessions_left
from tests.store.delivery_steps import change
from tests.store.store_rows import LEASE, Rows

MINUTE = timedelta(minutes=1)


async def tell(rows: Rows, session: UUID) -> None:
    async with rows.store.transaction() as db:
        await mark_signalled(db, await list_unsignalled(db, [session], 1000))


async def sessions_left(rows: Rows, only: list[UUID] | None = None) -> list[LeftSession]:
    async with rows.store.transaction() as db:
        return sorted(await list_sessions_left(db, MINUTE, 100, only), key=lambda session: session.key)


async def sends_left(rows: Rows, only: list[UUID] | None = None, limit: int = 100) -> list[LeftSend]:
    async with rows.store.transaction() as db:
        return await list_sends_left(db, MINUTE, limit, only)


async def told(rows: Rows) -> UUID:
    """Make one send that is due now, and whose workflow knows."""
    send = await rows.due()
    await tell(rows, (await rows.row(send))["session_id"])
    return send


async def test_a_session_is_left_with_all_that_is_behind_in_it(rows: Rows) -> None:
    await rows.rule("other", offset="-P9D")
    session = await rows.planned("ada", "bob", "cyd")
    await rows.session(starts_in=timedelta(days=30))
    await rows.participant(session, "dan")
    await rows.participant(session, "eve")
    await rows.advance(2 * MINUTE)

    (left,) = await sessions_left(rows)

    assert (left.organization, left.key, left.id) == ("main", "S-1", session)
    assert left.dirty == {Repair.SESSION: 1, Repair.PARTICIPATION: 2}
    assert {rule.key: sends for rule, sends in left.untold.items()} == {"j7": 3, "other": 3}


async def test_only_the_sessions_asked_for_are_looked_at_again(rows: Rows) -> None:
    first, second = await rows.session("S-1"), await rows.session("S-2")
    await rows.advance(2 * MINUTE)

    assert [left.key for left in await sessions_left(rows)] == ["S-1", "S-2"]
    assert [left.id for left in await sessions_left(rows, [second])] == [second]
    assert await sessions_left(rows, []) == []
    await rows.plan(first)
    assert await sessions_left(rows, [first]) == []


async def test_a_mail_is_overdue_after_twice_the_grace_and_is_known_by_the_callers_ids(rows: Rows) -> None:
    send = await told(rows)
    await rows.advance(2 * MINUTE - timedelta(seconds=20))
    assert await sends_left(rows) == []

    await rows.advance(MINUTE)

    (left,) = await sends_left(rows)
    row = await rows.row(send)
    assert left.send == Unsignalled(
        id=send,
        organization="main",
        rule="j7",
        session="S-1",
        recipient=row["recipient_id"],
        status=Status.SCHEDULED,
        reason=None,
        version=1,
        due_at=row["due_at"],
    )
    assert await rows.now() - left.now < MINUTE


@pytest.mark.parametrize(
    "waits_for",
    [
        "next_attempt_at = relance_now() + interval '5 minutes'",
        "turn_at = relance_now() + interval '5 minutes'",
        "next_attempt_at = relance_now() + interval '2 minutes'",
        "signalled_version = 0",
        "changed_at = relance_now() + interval '2 minutes'",
        "status = 'claimed', token = gen_random_uuid(), lease_until = relance_now() + interval '5 minutes'",
        "status = 'handing_over', token = gen_random_uuid(), lease_until = relance_now() + interval '5 minutes'",
        "status = 'in_doubt'",
        "status = 'sent'",
        "due_at = relance_now() + interval '2 minutes'",
    ],
)
async def test_a_mail_that_waits_for_something_is_not_overdue(rows: Rows, waits_for: str) -> None:
    send = await told(rows)
    await rows.execute(f"update sends set {waits_for} where id = :send", send=send)  # noqa: S608 - as above

    await rows.advance(3 * MINUTE)
    assert await sends_left(rows) == []


@pytest.mark.parametrize("what", ["the session moved", "the rule was edited"])
async def test_a_mail_that_waits_for_planning_is_not_overdue(rows: Rows, what: str) -> None:
    send = await told(rows)
    await change(rows, what, send)

    await rows.advance(3 * MINUTE)
    assert await sends_left(rows) == []


async def test_a_mail_that_waits_for_the_plan_of_its_person_is_not_overdue(rows: Rows) -> None:
    await told(rows)
    await rows.execute("update participations set version = version + 1")

    await rows.advance(3 * MINUTE)
    assert await sends_left(rows) == []


async def test_a_claim_that_nobody_renewed_is_overdue(rows: Rows) -> None:
    send = await told(rows)
    await rows.claim(send)
    await rows.advance(LEASE + MINUTE)
    assert await sends_left(rows) == []

    await rows.advance(2 * MINUTE)
    assert [(left.send.id, left.send.status) for left in await sends_left(rows)] == [(send, Status.CLAIMED)]


async def test_a_hand_over_that_nobody_ended_hangs_when_its_lease_is_over_for_the_grace(rows: Rows) -> None:
    """Also while its plan is behind the facts: it left before."""
    send = await told(rows)
    await rows.handed_over(send)
    await change(rows, "the session moved", send)
    await rows.advance(LEASE + MINUTE / 2)
    assert await sends_left(rows) == []

    await rows.advance(MINUTE)
    (left,) = await sends_left(rows)
    assert (left.send.id, left.send.status) == (send, Status.HANDING_OVER)


async def test_no_more_sends_are_suspected_than_asked_for_and_the_second_look_is_at_them_alone(
    rows: Rows,
) -> None:
    await tell(rows, await rows.planned("ada", "bob", "cyd"))
    await rows.advance(timedelta(days=8))
    everybody = {left.send.id for left in await sends_left(rows)}
    assert len(everybody) == 3

    assert {left.send.id for left in await sends_left(rows, limit=2)} < everybody
    one = min(everybody)
    assert [left.send.id for left in await sends_left(rows, [one])] == [one]


async def test_by_and_by_everybody_is_looked_at(rows: Rows) -> None:
    """What cannot be repaired must not hide the rest."""
    await tell(rows, await rows.planned("ada", "bob", "cyd", "dan"))
    await rows.advance(timedelta(days=8))

    seen = [(await sends_left(rows, limit=1))[0].send.id for _ in range(60)]

    assert len(set(seen)) == 4


async def test_every_send_that_waits_is_told_again_in_chunks_and_no_other(rows: Rows) -> None:
    """Temporal was lost."""
    sends = await rows.in_every_status()
    await rows.planned("zoe", session="S-2")
    await rows.execute("update sends set signalled_version = version")

    chunks, last = [], None
    while True:
        async with rows.store.transaction() as db:
            chunk = await forget_signals(db, last, 2)
        if chunk is None:
            break
        chunks.append(chunk)
        last = chunk.last

    assert [chunk.sends for chunk in chunks] == [2, 2, 1]
    assert {session.key for chunk in chunks for session in chunk.sessions} == {"S-1", "S-2"}
    forgotten = {row["status"] for row in await rows.sends() if row["signalled_version"] == 0}
    assert forgotten == {"scheduled", "claimed", "handing_over", "in_doubt"}
    assert len(sends) == len(Status)
    assert await sessions_left(rows) == []  # for the length of the grace: somebody is about to tell them
