"""Months in seconds: a send waits, moves, stops, and asks its row again."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text
from temporalio.api.enums.v1 import EventType

from domain.sends import Outcome, Status
from store.delivery import record
from tests.house import LivedInHouse

WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D"}


async def plan_a_mail(house: LivedInHouse, days: int) -> datetime:
    """Plan a mail to Claire, due a week before a session that starts `days` from now; return now."""
    now = await house.now()
    await house.people("claire")
    await house.session("s", now + timedelta(days=days), "claire")
    await house.rule("convocation", WEEK_BEFORE)
    return now


async def test_it_sleeps_until_its_due_time_and_sends_once(house: LivedInHouse) -> None:
    await plan_a_mail(house, days=60)

    await house.advance(timedelta(days=52))
    assert house.accepted() == []
    await house.advance(timedelta(days=2))

    await house.mails(1)
    assert (await house.send())["status"] == "sent"
    await house.advance(timedelta(days=30))
    assert len(house.accepted()) == 1


async def test_an_earlier_session_brings_the_mail_forward(house: LivedInHouse) -> None:
    """F024"""
    now = await plan_a_mail(house, days=90)

    await house.session("s", now + timedelta(days=17))
    await house.advance(timedelta(days=11))

    await house.mails(1)


async def test_a_later_session_holds_the_mail_back(house: LivedInHouse) -> None:
    """F024"""
    now = await plan_a_mail(house, days=17)

    await house.session("s", now + timedelta(days=90))
    await house.advance(timedelta(days=80))
    assert house.accepted() == []
    await house.advance(timedelta(days=4))

    await house.mails(1)


async def test_a_mail_moved_into_the_past_is_missed_and_never_sent(house: LivedInHouse) -> None:
    """F026, L03"""
    now = await plan_a_mail(house, days=17)

    await house.session("s", now + timedelta(days=5))
    await house.advance(timedelta(days=30))

    send = await house.send()
    assert (send["status"], send["reason"]) == ("missed", "due_in_past")
    assert house.accepted() == []


async def test_a_missed_mail_is_planned_again_when_the_session_is_postponed(house: LivedInHouse) -> None:
    now = await plan_a_mail(house, days=17)
    await house.session("s", now + timedelta(days=5))

    await house.session("s", now + timedelta(days=40))
    assert (await house.send())["status"] == "scheduled"
    await house.advance(timedelta(days=34))

    await house.mails(1)


async def test_a_cancelled_mail_does_not_leave_and_its_workflow_ends(house: LivedInHouse) -> None:
    """F020"""
    await plan_a_mail(house, days=17)

    await house.call("POST", f"/v1/sends/{(await house.send())['id']}/cancel")
    await house.planned()
    await house.advance(timedelta(days=30))

    assert (await house.send())["status"] == "cancelled"
    assert house.accepted() == []


async def test_removing_and_adding_a_participant_again_sends_one_mail(house: LivedInHouse) -> None:
    """F022, F023"""
    now = await house.now()
    await house.people("claire", "tom")
    await house.session("s", now + timedelta(days=17), "claire", "tom")
    await house.rule("convocation", WEEK_BEFORE)

    for person in ("claire", "tom"):
        await house.call("DELETE", f"/v1/sessions/s/participants/{person}")
    await house.planned()
    await house.call("PUT", "/v1/sessions/s/participants/tom")
    await house.planned()
    await house.advance(timedelta(days=11))

    await house.mails(1)
    assert {send["recipient"]: send["status"] for send in await house.sends()} == {
        "claire": "removed",
        "tom": "sent",
    }


async def test_a_row_that_moved_without_a_signal_is_obeyed(house: LivedInHouse) -> None:
    """At the due time the row is asked again, so a signal that never came changes nothing."""
    await plan_a_mail(house, days=17)

    async with house.store.transaction() as db:
        await db.execute(
            text("""
                update sends set due_at = due_at + interval '20 days', latest_at = latest_at + interval '20 days',
                    version = version + 1, signalled_version = version + 1
            """)
        )
    await house.advance(timedelta(days=28))
    assert house.accepted() == []
    await house.advance(timedelta(days=3))

    await house.mails(1)


async def test_the_address_is_the_one_of_the_moment_the_mail_leaves(house: LivedInHouse) -> None:
    """F038"""
    await plan_a_mail(house, days=17)

    await house.call("PUT", "/v1/people/claire", {"email": "claire.new@example.org"})
    await house.advance(timedelta(days=11))

    (mail,) = await house.mails(1)
    assert mail["recipients"] == ["claire.new@example.org"]


async def test_a_doubt_that_the_late_reply_settles_is_not_waited_for_any_longer(house: LivedInHouse) -> None:
    """A worker stalls after its fence; its row is called in doubt; then its reply, a refusal for now, is recorded."""
    await plan_a_mail(house, days=17)
    token = uuid4()
    async with house.store.transaction() as db:
        await db.execute(
            text("update sends set status = 'handing_over', token = :token, lease_until = relance_now()"),
            {"token": token},
        )
    await house.advance(timedelta(days=10, minutes=1))
    send = await house.send()
    assert (send["status"], send["reason"]) == ("in_doubt", "lease_over")

    async with house.store.transaction() as db:
        await record(db, Outcome(UUID(send["id"]), token, Status.SCHEDULED, None, 451))
    await house.sweep(timedelta(0))
    await house.planned()
    await house.advance(timedelta(hours=2))

    await house.mails(1)


async def test_a_row_older_than_its_workflow_is_adopted_without_haste(house: LivedInHouse) -> None:
    """A database restored from a backup, PROTOCOLS 27: the row is the truth, and is asked once a second at most."""
    now = await plan_a_mail(house, days=17)
    await house.session("s", now + timedelta(days=18))
    async with house.store.transaction() as db:
        await db.execute(
            text("update sends set version = 1, signalled_version = 1, due_at = due_at + interval '2 days'")
        )

    await house.advance(timedelta(days=12))
    assert (await house.status(await house.send())).version == 1
    await house.advance(timedelta(days=2))

    await house.mails(1)


async def test_a_workflow_that_is_gone_is_started_again_by_the_sweep(house: LivedInHouse) -> None:
    """Temporal lost, or an operator ended it: the mail is late, and leaves."""
    await plan_a_mail(house, days=17)
    await house.workflow(await house.send()).terminate()
    await house.advance(timedelta(days=10, minutes=3))
    assert house.accepted() == []

    for _ in range(2):
        await house.sweep()
        await house.advance(timedelta(minutes=2))

    await house.mails(1)


async def test_a_mail_that_is_due_is_delivered_without_a_look_before(house: LivedInHouse) -> None:
    """The claim asks the row; what woke the workflow otherwise is looked at first, and locally (decision 0002)."""
    await plan_a_mail(house, days=17)
    await house.advance(timedelta(days=11))
    await house.mails(1)

    history = await house.workflow(await house.send()).fetch_history()

    types = [event.event_type for event in history.events]
    assert types.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 1
    assert EventType.EVENT_TYPE_MARKER_RECORDED not in types
    assert len(types) <= 16
