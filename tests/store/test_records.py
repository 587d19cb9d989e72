"""What is written of an attempt that ended, and of one that nobody ended (DESIGN 8, step 5)?"""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.sends import Reason, Status
from store.delivery import Claim
from store.mail_facts import fetch_mail_facts
from tests.store.delivery_steps import change, end, look
from tests.store.store_rows import LEASE, WEEK, Rows

MINUTE = timedelta(minutes=1)


async def test_a_sent_mail_is_recorded_with_its_reply(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)

    assert await end(rows, claim, Status.SENT, code=250, text="2.0.0 queued as 4711")

    row = await rows.row(send)
    assert (row["status"], row["reply_code"], row["detail"]) == ("sent", 250, "2.0.0 queued as 4711")
    assert (row["lease_until"], row["next_attempt_at"]) == (None, None)
    assert row["ended_at"] >= row["handed_at"]
    assert [step["step"] for step in row["trace"]] == ["scheduled", "handing_over", "sent"]
    assert row["trace"][-1]["code"] == 250
    assert "4711" not in str(row["trace"])


async def test_a_refusal_for_now_waits_for_the_next_attempt(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    before = await rows.now()

    assert await end(rows, claim, Status.SCHEDULED, code=451, retry_after=30 * MINUTE)

    row = await rows.row(send)
    assert (row["status"], row["token"], row["reply_code"], row["ended_at"]) == ("scheduled", None, 451, None)
    assert before + 30 * MINUTE < row["next_attempt_at"] < await rows.now() + 30 * MINUTE


async def test_a_refusal_for_good_ends_the_mail(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)

    assert await end(rows, claim, Status.FAILED, Reason.REFUSED, code=550, text="no such user")

    row = await rows.row(send)
    assert (row["status"], row["reason"], row["reply_code"]) == ("failed", "refused", 550)
    assert row["ended_at"]


@pytest.mark.parametrize("reason", [Reason.NO_ADDRESS, Reason.ALREADY_RECEIVED])
async def test_a_mail_not_to_be_sent_ends_without_a_reply(rows: Rows, reason: Reason) -> None:
    send = await rows.due()

    assert await end(rows, await rows.claimed(send), Status.SKIPPED, reason)

    row = await rows.row(send)
    assert (row["status"], row["reason"], row["reply_code"]) == ("skipped", reason, None)


@pytest.mark.parametrize("status", [Status.SENT, Status.SCHEDULED, Status.FAILED, Status.IN_DOUBT])
async def test_nobody_records_under_the_token_of_another(rows: Rows, status: Status) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    before = await rows.row(send)

    assert not await end(rows, Claim(send, claim.version, uuid4(), 1), status)

    assert await rows.row(send) == before
    assert await rows.receipts() == [send]


async def test_a_reply_is_recorded_only_where_one_is_awaited(rows: Rows) -> None:
    recorded = set()
    for status, send in (await rows.in_every_status()).items():
        token = (await rows.row(send))["token"]
        if await end(rows, Claim(send, 1, token, 1), Status.SENT):
            recorded.add(status)

    assert recorded == {Status.CLAIMED, Status.HANDING_OVER, Status.IN_DOUBT}


@pytest.mark.parametrize("status", [Status.SENT, Status.SCHEDULED, Status.FAILED])
async def test_a_reply_is_recorded_once_however_often_it_is_told(rows: Rows, status: Status) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)

    assert await end(rows, claim, status)
    once = await rows.row(send)
    assert not await end(rows, claim, status)
    assert await rows.row(send) == once


@pytest.mark.parametrize("status", [Status.SENT, Status.SCHEDULED, Status.FAILED])
async def test_a_reply_that_comes_late_settles_the_doubt(rows: Rows, status: Status) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    await end(rows, claim, Status.IN_DOUBT, Reason.CONNECTION_LOST)
    doubted = await rows.row(send)
    assert (doubted["status"], doubted["reason"], doubted["ended_at"]) == (
        "in_doubt",
        "connection_lost",
        None,
    )

    assert await end(rows, claim, status, code=250 if status is Status.SENT else None)

    row = await rows.row(send)
    assert (row["status"], row["reason"]) == (status, None)
    assert (await rows.receipts() == [send]) == (status is Status.SENT)


async def test_an_attempt_called_back_records_nothing(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.claimed(send)
    await change(rows, "somebody cancelled it", send)
    before = await rows.row(send)

    assert not await end(rows, claim, Status.SCHEDULED)
    assert await rows.row(send) == before


@pytest.mark.parametrize(
    ("status", "reason"), [(Status.SKIPPED, Reason.NO_ADDRESS), (Status.FAILED, Reason.TEMPLATE_FAILED)]
)
async def test_what_was_decided_on_facts_that_changed_meanwhile_is_decided_again(
    rows: Rows, status: Status, reason: Reason
) -> None:
    """A postponed session re-plans every mail not yet sent (F024), also one being given up at this moment."""
    send = await rows.due()
    claim = await rows.claimed(send)
    session = await rows.session(starts_in=3 * WEEK)

    assert await end(rows, claim, status, reason)
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["reason"]) == ("scheduled", None)
    assert row["due_at"] > await rows.now()


# What time alone decides.


async def test_a_hand_over_that_nobody_finished_is_in_doubt_when_its_lease_is_over(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.handed_over(send)
    assert (await look(rows, send)).status is Status.HANDING_OVER

    await rows.advance(LEASE)

    assert (await look(rows, send)).status is Status.IN_DOUBT
    row = await rows.row(send)
    assert (row["reason"], row["lease_until"], row["ended_at"]) == ("lease_over", None, None)
    assert await rows.receipts() == [send]
    assert await rows.claim(send) is None
    assert await end(rows, claim, Status.SENT, code=250)  # it was only slow


@pytest.mark.parametrize("held", [False, True])
async def test_what_could_not_leave_in_time_expires(rows: Rows, held: bool) -> None:  # F077
    send = await rows.due()
    if held:
        await rows.claimed(send)

    await rows.advance(WEEK)

    assert (await look(rows, send)).status is Status.EXPIRED
    row = await rows.row(send)
    assert (row["reason"], row["lease_until"]) == ("too_late", None)
    assert row["ended_at"]
    assert row["trace"][-1]["step"] == "expired"


async def test_what_somebody_still_holds_does_not_expire_in_their_hands(rows: Rows) -> None:
    send = await rows.due()
    await rows.claim(send, lease=2 * WEEK)
    await rows.advance(WEEK)

    assert (await look(rows, send)).status is Status.CLAIMED


async def test_nothing_settles_before_its_time_and_nothing_twice(rows: Rows) -> None:
    send = await rows.due()
    before = await rows.row(send)
    await look(rows, send)
    assert await rows.row(send) == before

    await rows.advance(WEEK)
    await look(rows, send)
    expired = await rows.row(send)
    await look(rows, send)
    assert await rows.row(send) == expired


async def test_a_mail_of_a_session_just_postponed_does_not_expire_before_it_is_planned(
    rows: Rows,
) -> None:  # F024
    send = await rows.due()
    session = await rows.session(starts_in=3 * WEEK)
    await rows.advance(WEEK)  # Temporal was away: nobody planned, and the old start is past

    assert (await look(rows, send)).status is Status.SCHEDULED
    await rows.plan(session)

    row = await rows.row(send)
    assert (row["status"], row["due_at"]) == (
        "scheduled",
        await rows.one("select starts_at from sessions") - WEEK,
    )


async def test_a_row_tells_the_time_of_the_database(rows: Rows) -> None:
    send = await rows.due()
    before = await rows.now()

    state = await look(rows, send)

    assert before <= state.now <= await rows.now()
    row = await rows.row(send)
    assert (state.version, state.due_at, state.latest_at) == (row["version"], row["due_at"], row["latest_at"])
    assert (state.clean, state.leased, state.next_attempt_at) == (True, False, None)


async def test_a_letter_is_written_from_what_is_true_when_it_is_claimed(rows: Rows) -> None:  # F038
    send = await rows.due()
    await rows.person("ada", email="new@example.org", first_name="Ada", last_name="Lovelace", language="fr")
    await rows.execute("update sessions set name = 'Another talk'")
    await rows.template(allow_resend=True)

    async with rows.store.transaction() as db:
        facts = await fetch_mail_facts(db, send)

    (ada,) = facts.to
    assert (ada.email, ada.first_name, ada.last_name, ada.language) == (
        "new@example.org",
        "Ada",
        "Lovelace",
        "fr",
    )
    assert facts.people == {ada.person: await rows.one("select version from people")}
    assert (facts.session.name, facts.allow_resend, facts.received) == ("Another talk", True, False)
    await rows.person("ada")
    async with rows.store.transaction() as db:
        facts = await fetch_mail_facts(db, send)
    assert (facts.to[0].language, facts.language) == (None, "en")  # the organization's
