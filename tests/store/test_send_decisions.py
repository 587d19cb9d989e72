"""What does a decision about one send write, from which states, and what does planning make of it?"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.sends import Decision, Outcome, Reason, Status
from store.delivery import NotFencedError, record
from store.participants import remove_participant
from store.send_decisions import SENDABLE, SentNow, cancel_send, reactivate_send, resolve_send, send_now
from tests.store.delivery_steps import end, look
from tests.store.store_rows import DAY, LEASE, WEEK, Rows

Decide = Callable[..., Awaitable[Any]]


async def decide(
    rows: Rows, decision: Decide, send: UUID, *more: Any, organization: UUID | None = None
) -> Any:
    async with rows.store.transaction() as db:
        return await decision(db, organization or rows.organization, send, *more)


async def cancelled(rows: Rows) -> UUID:
    """Make a send that was cancelled, a week before its due time."""
    await rows.planned("ada", "bob")
    send: UUID = (await rows.sends())[0]["id"]
    assert await decide(rows, cancel_send, send)
    return send


async def in_doubt(rows: Rows) -> UUID:
    """Make a send that was handed over, and that nobody answered for."""
    send = await rows.due()
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.IN_DOUBT, Reason.CONNECTION_LOST)
    return send


async def in_status(rows: Rows, status: Status) -> UUID:
    send = await rows.due()
    await rows.put_status(send, status)
    return send


def told(row: dict[str, Any]) -> tuple[str, str | None]:
    return row["status"], row["reason"]


# Who decided.


@pytest.mark.parametrize("by", ["LMS", None])
async def test_l06_every_decision_leaves_who_took_it(rows: Rows, by: str | None) -> None:
    """Whether the name of a token is known, or that of nobody: then there is no such word in the trace."""
    send = await in_doubt(rows)
    again, now = partial(resolve_send, decision=Decision.SEND_AGAIN), send_now
    last = partial(resolve_send, decision=Decision.ARRIVED)

    for decision in (again, cancel_send, reactivate_send, now, last):
        if decision is last:
            await rows.put_status(send, Status.IN_DOUBT)
        assert await decide(rows, partial(decision, by=by), send)

    told = (await rows.row(send))["trace"][-5:]
    assert [entry["step"] for entry in told] == ["send_again", "cancelled", "reactivated", "send_now", "sent"]
    assert [entry.get("by", "nobody") for entry in told] == [by or "nobody"] * 5


# Reactivate.


async def test_a_reactivated_send_waits_again_once_it_is_planned(rows: Rows) -> None:
    send = await cancelled(rows)
    before = await rows.row(send)

    assert await decide(rows, reactivate_send, send) == before["session_id"]

    row = await rows.row(send)
    assert (*told(row), row["version"]) == ("scheduled", "reactivated", before["version"] + 1)
    assert (row["ended_at"], row["trace"][-1]["step"]) == (None, "reactivated")
    assert await rows.plan(before["session_id"]) == 1
    row = await rows.row(send)
    assert (*told(row), row["due_at"]) == ("scheduled", None, before["due_at"])
    assert await rows.plan(before["session_id"]) == 0


async def test_only_the_participation_concerned_is_planned_again(rows: Rows) -> None:
    send = await cancelled(rows)

    await decide(rows, reactivate_send, send)

    dirty = await rows.execute("select id from participations where version > planned_version")
    assert [row.id for row in dirty] == [(await rows.row(send))["participation_id"]]
    assert await rows.one("select count(*) from sessions where version > planned_version") == 0


async def test_nothing_leaves_nor_expires_before_the_reactivated_is_planned(rows: Rows) -> None:
    send = await cancelled(rows)
    await decide(rows, reactivate_send, send)
    await rows.advance(WEEK)

    assert await rows.claim(send) is None
    await rows.advance(2 * WEEK)
    assert (await look(rows, send)).status is Status.SCHEDULED


async def test_what_was_due_while_it_was_cancelled_is_missed(rows: Rows) -> None:
    send = await cancelled(rows)
    await rows.advance(WEEK)

    await decide(rows, reactivate_send, send)
    await rows.plan((await rows.row(send))["session_id"])

    assert told(await rows.row(send)) == ("missed", "due_in_past")


async def test_a_reactivated_send_follows_the_session_that_moved_meanwhile(rows: Rows) -> None:
    send = await cancelled(rows)
    session = await rows.session(starts_in=5 * WEEK)
    await rows.plan(session)
    before = await rows.row(send)

    await decide(rows, reactivate_send, send)
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["due_at"] - before["due_at"] > 2 * WEEK) == ("scheduled", True)


async def test_who_left_meanwhile_gets_nothing_by_a_reactivation(rows: Rows) -> None:
    send = await cancelled(rows)
    row = await rows.row(send)
    async with rows.store.transaction() as db:
        await remove_participant(db, row["session_id"], "ada")
        await remove_participant(db, row["session_id"], "bob")
    await rows.plan(row["session_id"])

    await decide(rows, reactivate_send, send)
    await rows.plan(row["session_id"])

    assert told(await rows.row(send)) == ("removed", "participant_removed")


async def test_a_send_of_a_rule_that_is_off_does_not_hang_after_its_reactivation(rows: Rows) -> None:
    send = await cancelled(rows)
    row = await rows.row(send)
    await rows.execute(
        "update rules set active = false, version = version + 1, planned_version = version + 1"
    )

    await decide(rows, reactivate_send, send)
    await rows.plan(row["session_id"])

    assert told(await rows.row(send)) == ("removed", "rule_deactivated")


async def test_only_what_is_cancelled_is_reactivated(rows: Rows) -> None:
    for status, send in (await rows.in_every_status()).items():
        before = await rows.row(send)
        done = await decide(rows, reactivate_send, send)
        if status is Status.CANCELLED:
            assert done == before["session_id"]
        else:
            assert (done, await rows.row(send)) == (None, before), status


# Send now.


async def test_a_send_leaves_now_and_planning_lets_it(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    before = await rows.row(send)

    assert await decide(rows, send_now, send) == SentNow(session, received=False)

    row, now = await rows.row(send), await rows.now()
    assert (*told(row), row["version"]) == ("scheduled", None, before["version"] + 1)
    assert row["due_override_at"] == row["due_at"] <= now
    assert row["latest_at"] - row["due_at"] == DAY
    assert (row["due_zone"], row["due_local"]) == ("UTC", row["due_at"].replace(tzinfo=None))
    assert row["trace"][-1]["step"] == "send_now"
    assert await rows.claim(send) is None  # planning is behind
    assert await rows.plan(session) == 0
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.SENT)


async def test_how_long_it_may_take_is_the_rules_own_word(rows: Rows) -> None:
    await rows.rule(deliver_within="PT2H")
    session = await rows.planned("ada")
    send = await rows.send(session=session)

    await decide(rows, send_now, send)

    row = await rows.row(send)
    assert row["latest_at"] - row["due_at"] == timedelta(hours=2)


async def test_what_leaves_now_is_not_moved_nor_missed_when_its_session_moves(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    await decide(rows, send_now, send)
    before = await rows.row(send)

    for starts_in in (WEEK, 5 * WEEK, -WEEK):
        await rows.plan(await rows.session(starts_in=starts_in))
        after = await rows.row(send)
        times = ("status", "due_at", "latest_at", "due_override_at")
        assert [after[name] for name in times] == [before[name] for name in times]
        assert after["anchor_at"] == await rows.one("select starts_at from sessions")  # what it tells
    await rows.roll_out(after["rule_id"])

    assert await rows.row(send) == after
    assert await rows.plan(session) == 0
    assert await rows.claim(send)


async def test_a_time_set_by_hand_survives_a_temporary_refusal(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    await decide(rows, send_now, send)
    await rows.plan(session)
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.SCHEDULED, retry_after=LEASE)
    before = await rows.row(send)

    await rows.plan(await rows.session(starts_in=5 * WEEK))

    row = await rows.row(send)
    assert (row["due_at"], row["status"]) == (before["due_at"], "scheduled")


async def test_a_time_set_by_hand_is_forgotten_once_the_send_was_removed(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    due_at = (await rows.row(send))["due_at"]
    await decide(rows, send_now, send)
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
    await rows.plan(session)
    assert told(await rows.row(send)) == ("removed", "participant_removed")

    await rows.participant(session, "ada")
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["due_at"], row["due_override_at"]) == ("scheduled", due_at, None)


async def test_a_time_set_by_hand_is_forgotten_once_the_rule_was_off(rows: Rows) -> None:
    await rows.planned("ada")
    send = await rows.send()
    before = await rows.row(send)
    await decide(rows, send_now, send)
    await rows.execute("update sends set status = 'removed'")  # as the rule's own transaction does

    await rows.plan(before["session_id"])

    row = await rows.row(send)
    assert (row["status"], row["due_at"], row["due_override_at"]) == ("scheduled", before["due_at"], None)


async def test_a_cancelled_send_that_was_to_leave_now_waits_for_its_own_time_again(rows: Rows) -> None:
    session = await rows.planned("ada")
    send = await rows.send()
    due_at = (await rows.row(send))["due_at"]
    await decide(rows, send_now, send)
    await decide(rows, cancel_send, send)

    await decide(rows, reactivate_send, send)
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["due_at"], row["due_override_at"]) == ("scheduled", due_at, None)


@pytest.mark.parametrize("status", sorted(SENDABLE))
async def test_what_ended_without_a_mail_leaves_by_hand(rows: Rows, status: Status) -> None:
    send = await in_status(rows, status)
    await rows.execute(
        "update sends set reply_code = 550, detail = 'no', reason = 'refused', ended_at = relance_now()"
    )
    await rows.advance(3 * WEEK)

    assert await decide(rows, send_now, send)

    row = await rows.row(send)
    assert told(row) == ("scheduled", None)
    assert (row["reply_code"], row["detail"], row["ended_at"], row["token"]) == (None, None, None, None)
    await rows.plan(row["session_id"])
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.SENT)


async def test_nothing_else_is_sent_by_hand(rows: Rows) -> None:
    for status, send in (await rows.in_every_status()).items():
        before = await rows.row(send)
        done = await decide(rows, send_now, send)
        if status not in SENDABLE:
            assert (done, await rows.row(send)) == (None, before), status


async def test_a_refused_decision_makes_nothing_dirty(rows: Rows) -> None:
    send = await in_status(rows, Status.SENT)

    await decide(rows, send_now, send)
    await decide(rows, reactivate_send, send)

    assert await rows.one("select count(*) from participations where version > planned_version") == 0


async def test_who_has_left_gets_no_mail_by_hand(rows: Rows) -> None:
    send = await in_status(rows, Status.FAILED)
    session = (await rows.row(send))["session_id"]
    async with rows.store.transaction() as db:
        await remove_participant(db, session, "ada")
    await rows.plan(session)
    assert (await rows.row(send))["status"] == "failed"

    await decide(rows, send_now, send)
    await rows.plan(session)

    assert told(await rows.row(send)) == ("removed", "participant_removed")


async def test_whoever_received_it_already_does_not_receive_it_by_hand(rows: Rows) -> None:  # F085
    await rows.rule("j7")
    await rows.rule("j7-again")
    session = await rows.planned("ada")
    await rows.advance(WEEK)
    one, other = [row["id"] for row in await rows.sends()]
    await end(rows, await rows.handed_over(one), Status.SENT)
    held = await rows.claimed(other)
    await end(rows, held, Status.SKIPPED, Reason.ALREADY_RECEIVED)

    assert await decide(rows, send_now, other) == SentNow(session, received=True)

    await rows.plan(session)
    with pytest.raises(NotFencedError) as refusal:
        await rows.fence(await rows.claimed(other))
    assert refusal.value.reason is Reason.ALREADY_RECEIVED
    await rows.execute("update templates set allow_resend = true")
    await rows.put_status(other, Status.SKIPPED)
    assert await decide(rows, send_now, other) == SentNow(session, received=False)


async def test_ones_own_receipt_stops_nobody(rows: Rows) -> None:
    send = await in_doubt(rows)
    session = (await rows.row(send))["session_id"]
    await decide(rows, resolve_send, send, Decision.DROP)

    assert await decide(rows, send_now, send) == SentNow(session, received=False)

    await rows.plan(session)
    assert await rows.handed_over(send)


# Doubts.


async def test_what_arrived_is_sent(rows: Rows) -> None:
    send = await in_doubt(rows)
    before = await rows.row(send)

    assert await decide(rows, resolve_send, send, Decision.ARRIVED) == before["session_id"]

    row = await rows.row(send)
    assert (*told(row), row["version"]) == ("sent", None, before["version"] + 1)
    assert row["ended_at"]
    assert row["trace"][-1] | {"at": None} == {"at": None, "step": "sent", "decision": "arrived"}
    assert await rows.receipts() == [send]
    assert await rows.one("select count(*) from participations where version > planned_version") == 0


async def test_what_is_dropped_failed_and_nothing_else_brings_it(rows: Rows) -> None:
    send = await in_doubt(rows)

    await decide(rows, resolve_send, send, Decision.DROP)

    row = await rows.row(send)
    assert told(row) == ("failed", "doubt_dropped")
    assert row["trace"][-1] | {"at": None} == {
        "at": None, "step": "failed", "reason": "doubt_dropped", "decision": "drop",
    }  # fmt: skip
    assert await rows.receipts() == [send]


async def test_what_is_sent_again_leaves_under_its_own_message_id_past_its_own_receipt(rows: Rows) -> None:
    send = await in_doubt(rows)
    before = await rows.row(send)
    await rows.advance(3 * WEEK)  # whatever its time was, it may leave now

    await decide(rows, resolve_send, send, Decision.SEND_AGAIN)

    row = await rows.row(send)
    assert (*told(row), row["version"]) == ("scheduled", None, before["version"] + 1)
    assert (row["message_id"], row["trace"][-1]["step"]) == (before["message_id"], "send_again")
    assert await rows.claim(send) is None  # until planning knows of it
    await rows.plan(row["session_id"])
    held = await rows.handed_over(send)
    assert await end(rows, held, Status.SENT)
    row = await rows.row(send)
    assert (row["message_id"], row["attempts"]) == (before["message_id"], 2)
    assert await rows.receipts() == [send]


async def test_a_reply_that_comes_after_the_decision_changes_nothing(rows: Rows) -> None:
    send = await rows.due()
    held = await rows.handed_over(send)
    await end(rows, held, Status.IN_DOUBT, Reason.CONNECTION_LOST)
    await decide(rows, resolve_send, send, Decision.SEND_AGAIN)
    before = await rows.row(send)

    async with rows.store.transaction() as db:
        assert await record(db, Outcome(send, held.token, Status.SENT)) is None

    assert await rows.row(send) == before


@pytest.mark.parametrize("decision", Decision)
async def test_there_is_nothing_to_settle_without_a_doubt(rows: Rows, decision: Decision) -> None:
    for status, send in (await rows.in_every_status()).items():
        before = await rows.row(send)
        done = await decide(rows, resolve_send, send, decision)
        if status is Status.IN_DOUBT:
            assert done == before["session_id"]
        else:
            assert (done, await rows.row(send)) == (None, before), status


async def test_another_organization_decides_nothing(rows: Rows) -> None:
    by_status = await rows.in_every_status()
    before = await rows.sends()
    stranger = uuid4()

    for decision, status in ((reactivate_send, Status.CANCELLED), (send_now, Status.SCHEDULED)):
        assert await decide(rows, decision, by_status[status], organization=stranger) is None
    for said in Decision:
        assert (
            await decide(rows, resolve_send, by_status[Status.IN_DOUBT], said, organization=stranger) is None
        )

    assert await rows.sends() == before


async def test_what_may_have_arrived_keeps_its_receipt_when_it_cannot_be_sent_again(rows: Rows) -> None:
    """F085: nothing else brings it, whatever becomes of the second attempt."""
    send = await in_doubt(rows)
    await decide(rows, resolve_send, send, Decision.SEND_AGAIN)
    await rows.plan((await rows.row(send))["session_id"])
    again = await rows.claimed(send)

    assert await end(rows, again, Status.SCHEDULED, retry_after=timedelta(minutes=1))

    assert await rows.receipts() == [send]
