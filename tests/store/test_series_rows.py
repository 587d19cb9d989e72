"""A rule that writes again and again: whatever ends one of its mails asks planning for the next (DESIGN 6, Repeat)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.sends import Decision, Outcome, Reason, Status
from store.delivery import Recorded, record
from store.rules import activate_rule
from store.send_decisions import cancel_send, resolve_send
from store.signals import Unsignalled
from store.sweep import believe_sent
from tests.store.delivery_steps import end, look
from tests.store.store_rows import WEEK, Rows

WEEKLY = {"every": "P7D", "at_most": 4}


async def due(rows: Rows, *, repeats: bool = True) -> UUID:
    """Make one send that is due now."""
    await rows.rule("weekly", repeat=WEEKLY if repeats else None)
    session = await rows.planned("ada", rule="weekly")
    await rows.advance(WEEK)
    return await rows.send(session=session)


async def behind(rows: Rows) -> int:
    """Return how far the plan is behind the one participation."""
    found: int = await rows.one("select version - planned_version from participations")
    return found


async def sent(rows: Rows, send: UUID) -> None:
    await end(rows, await rows.handed_over(send), Status.SENT)


async def refused(rows: Rows, send: UUID) -> None:
    await end(rows, await rows.handed_over(send), Status.FAILED, Reason.REFUSED, code=550)


async def skipped(rows: Rows, send: UUID) -> None:
    await end(rows, await rows.claimed(send), Status.SKIPPED, Reason.ATTENDANCE_NOT_MET)


async def expired(rows: Rows, send: UUID) -> None:
    await rows.advance(timedelta(days=60))
    assert (await look(rows, send)).status is Status.EXPIRED


async def believed(rows: Rows, send: UUID) -> None:
    row = await rows.row(send)
    told = Unsignalled(
        send,
        "main",
        "weekly",
        "S-1",
        row["recipient_id"],
        Status.SCHEDULED,
        None,
        row["version"],
        row["due_at"],
    )
    async with rows.store.transaction() as db:
        assert await believe_sent(db, told)


async def settled(rows: Rows, send: UUID, decision: Decision) -> None:
    await end(rows, await rows.handed_over(send), Status.IN_DOUBT, Reason.CONNECTION_LOST)
    assert await behind(rows) == 0
    async with rows.store.transaction() as db:
        assert await resolve_send(db, rows.organization, send, decision)


async def arrived(rows: Rows, send: UUID) -> None:
    await settled(rows, send, Decision.ARRIVED)


async def dropped(rows: Rows, send: UUID) -> None:
    await settled(rows, send, Decision.DROP)


ENDS = [sent, refused, skipped, expired, believed, arrived, dropped]
End = Callable[[Rows, UUID], Awaitable[None]]


@pytest.mark.parametrize("ends", ENDS)
async def test_whatever_ends_a_mail_of_a_series_has_planning_look_in_the_same_transaction(
    rows: Rows, ends: End
) -> None:
    send = await due(rows)
    await ends(rows, send)
    assert await behind(rows) == 1


@pytest.mark.parametrize("ends", ENDS)
async def test_a_rule_that_does_not_repeat_asks_for_nothing(rows: Rows, ends: End) -> None:
    send = await due(rows, repeats=False)
    await ends(rows, send)
    assert await behind(rows) == 0


async def test_what_goes_on_or_was_stopped_asks_for_nothing(rows: Rows) -> None:
    """Refused for now, in doubt, cancelled; and an attempt that is not its own."""
    send = await due(rows)
    first = await rows.handed_over(send)
    await end(rows, first, Status.SCHEDULED, code=451)
    assert not await end(rows, first, Status.SENT)
    await end(rows, await rows.handed_over(send), Status.IN_DOUBT, Reason.CONNECTION_LOST)
    assert await behind(rows) == 0

    other = await rows.again(send, "other")
    async with rows.store.transaction() as db:
        assert await cancel_send(db, rows.organization, other)
    assert await behind(rows) == 0


async def test_whoever_records_is_told_whether_the_series_goes_on(rows: Rows) -> None:
    send = await due(rows)
    held = await rows.handed_over(send)
    async with rows.store.statement() as db:
        assert await record(db, Outcome(send, held.token, Status.SENT)) == Recorded(1, goes_on=True)
        assert await record(db, Outcome(send, held.token, Status.SENT)) is None


async def test_a_rule_that_repeats_in_an_edition_of_it_asks_for_the_next(rows: Rows) -> None:
    """Sessions that were there before an edit may go by what the rule said then."""
    send = await due(rows, repeats=False)
    await rows.execute(
        """
        insert into rule_editions (rule_id, since, template_id, definition)
        select id, relance_now(), template_id, jsonb_set(definition, '{repeat}', '{"every": "P7D", "at_most": 2}')
        from rules
        """
    )
    await sent(rows, send)
    assert await behind(rows) == 1


async def test_a_reply_waits_for_planning_before_it_takes_hold_of_its_row(rows: Rows) -> None:
    """Planning writes participations first, and sends after: whoever records does the same, or they wait in a ring."""
    send = await due(rows)
    held = await rows.handed_over(send)

    async def reply() -> object:
        async with rows.store.statement() as db:
            return await record(db, Outcome(send, held.token, Status.SENT))

    async with rows.store.transaction() as db:
        await db.execute(text("update participations set planned_version = version"))
        replying = asyncio.create_task(reply())
        await rows.blocked()
        # It holds no send: planning may write it.
        await db.execute(text("update sends set signalled_version = version"))

    assert await replying
    assert (await rows.row(send))["status"] == "sent"


async def test_a_series_that_nobody_sends_expires_once(rows: Rows) -> None:
    """What makes its participation dirty does not keep it from expiring, nor does it go on doing so."""
    send = await due(rows)
    await expired(rows, send)
    assert (await look(rows, send)).status is Status.EXPIRED
    assert await behind(rows) == 1


async def test_a_mail_that_ends_makes_none_of_another_rule_too_late(rows: Rows) -> None:
    """What counts is when somebody said something, and nobody did (docs/decisions/0012)."""
    session = await rows.session()
    await rows.rule("weekly", repeat=WEEKLY)
    await rows.participant(session, "ada")
    await rows.plan(session)
    await rows.advance(WEEK - timedelta(minutes=2))
    other = await rows.rule("other", template="another", active=False, offset="-P7D")
    async with rows.store.transaction() as db:
        await activate_rule(db, other)  # ahead of its due time; its roll-out has not come here yet
    await rows.advance(timedelta(minutes=3))

    await sent(rows, await rows.send())
    await rows.roll_out(other)
    await rows.plan(session)

    assert await rows.statuses(rule=other) == ["scheduled"]


async def test_what_a_series_passes_over_goes_by_when_its_last_mail_ended(rows: Rows) -> None:
    send = await due(rows)
    await rows.advance(timedelta(hours=1))
    claim = await rows.handed_over(send)
    await rows.advance(2 * WEEK)
    await end(rows, claim, Status.SENT)

    await rows.plan((await rows.row(send))["session_id"])

    assert sorted(await rows.statuses()) == ["missed", "missed", "scheduled", "sent"]
