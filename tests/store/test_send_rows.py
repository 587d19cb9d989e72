"""What do people see of sends, and what does a cancel answer?"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.participations import Role
from domain.rules import Scope
from domain.sends import REVOCABLE, Outcome, Status
from store.contacts import put_contact
from store.delivery import record
from store.places import Module, Slot
from store.send_decisions import cancel_send
from store.send_filters import BY_DUE_TIME, SendFilter, SendOrder
from store.sends import Cursor, Kind, Send, find_send, list_sends
from tests.store.store_rows import DAY, WEEK, Rows, definition

LATEST_FIRST = SendOrder(descending=True)


async def listed(
    rows: Rows,
    organization: UUID | None = None,
    *,
    order: SendOrder = BY_DUE_TIME,
    limit: int = 100,
    after: Cursor | None = None,
    **asked: Any,
) -> list[Send]:
    async with rows.store.transaction() as db:
        where = SendFilter(**asked)
        return await list_sends(
            db, organization or rows.organization, where, order=order, limit=limit, after=after
        )


async def cancel(rows: Rows, send: UUID, organization: UUID | None = None) -> UUID | None:
    async with rows.store.transaction() as db:
        return await cancel_send(db, organization or rows.organization, send)


async def a_few(rows: Rows) -> None:
    """Two sessions, two rules, two people: eight sends."""
    await rows.rule("thanks", template="thanks", offset="P1D")
    await rows.rule("j7")
    for session, starts_in in (("S-1", 2 * WEEK), ("S-2", 3 * WEEK)):
        made = await rows.session(session, starts_in=starts_in)
        for key in ("ada", "bob"):
            await rows.participant(made, key)
        await rows.plan(made)


async def test_a_send_names_what_it_is_about(rows: Rows) -> None:
    await rows.rule("j7", offset="-P7D", at="09:00")
    session = await rows.session("S-2026-041", name="Speaking in public")
    await rows.participant(session, "ada@example.org")
    await rows.person("ada@example.org", first_name="Ada", last_name="Lovelace", email="a@example.org")
    await rows.plan(session)

    (send,) = await listed(rows)

    assert (send.rule, send.rule_name, send.template) == ("j7", "j7", "invitation")
    assert (send.session, send.session_name) == ("S-2026-041", "Speaking in public")
    assert (send.recipient, send.recipient_name, send.recipient_address) == (
        "ada@example.org",
        "Ada Lovelace",
        "a@example.org",
    )
    assert send.definition == definition(offset="-P7D", at="09:00")
    assert (send.status, send.zone, send.due_local.hour) == (Status.SCHEDULED, "UTC", 9)
    async with rows.store.transaction() as db:
        assert await find_send(db, rows.organization, send.id) == send


async def test_somebody_with_half_a_name_has_no_spaces_around_it(rows: Rows) -> None:
    await rows.planned("ada")

    assert [send.recipient_name for send in await listed(rows)] == ["ada"]


async def test_a_mail_about_a_module_or_slot_says_which(rows: Rows) -> None:
    for scope in Scope:
        await rows.rule(scope, scope=scope)
    starts_at = await rows.now() + 2 * WEEK
    session = await rows.session(
        modules=[Module("m1", "M"), Module("m2", "M", starts_at)],
        slots=[
            Slot("s1", "S", "m1", starts_at, starts_at + DAY),
            Slot("s2", "S", None, starts_at, starts_at + DAY),
        ],
    )
    await rows.participant(session, "ada")
    await rows.plan(session)

    about = sorted((send.rule, send.scope, send.module or "", send.slot or "") for send in await listed(rows))

    assert about == [
        ("module", Scope.MODULE, "m1", ""),
        ("module", Scope.MODULE, "m2", ""),
        ("session", Scope.SESSION, "", ""),
        ("slot", Scope.SLOT, "", "s2"),
        ("slot", Scope.SLOT, "m1", "s1"),
    ]


async def test_a_company_is_named_with_the_address_of_whoever_stands_for_it(rows: Rows) -> None:  # F057
    await rows.rule(audience="companies")
    session = await rows.session()
    acme = await rows.company("acme", name="Acme & Sons")
    await rows.participant(session, "ada", company=acme)
    await rows.plan(session)

    async def named() -> tuple[str, str, str, str | None]:
        (send,) = await listed(rows)
        return send.recipient, send.recipient_kind, send.recipient_name, send.recipient_address

    assert await named() == ("acme", Kind.COMPANY, "Acme & Sons", "acme@example.org")
    await rows.company("acme", name="Acme", contact=await rows.person("claire"))
    assert await named() == ("acme", Kind.COMPANY, "Acme", "claire@example.org")
    async with rows.store.transaction() as db:
        await put_contact(db, session, acme, await rows.person("zoe"))
    assert await named() == ("acme", Kind.COMPANY, "Acme", "zoe@example.org")
    await rows.person("zoe", email=None)
    assert await named() == ("acme", Kind.COMPANY, "Acme", "claire@example.org")


async def test_a_person_and_a_company_may_have_the_same_id(rows: Rows) -> None:
    await rows.rule("j7")
    await rows.rule("acme", audience="companies")
    session = await rows.session()
    await rows.participant(session, "acme", company=await rows.company("acme"))
    await rows.plan(session)

    found = await listed(rows, recipient="acme")

    assert sorted((send.rule, send.recipient_kind) for send in found) == [
        ("acme", Kind.COMPANY),
        ("j7", Kind.PERSON),
    ]


async def test_a_trainer_is_a_person(rows: Rows) -> None:  # F011
    await rows.rule(audience="trainers")
    session = await rows.session()
    await rows.participant(session, "eve", Role.TRAINER, company=await rows.company("acme"))
    await rows.plan(session)

    (send,) = await listed(rows)

    assert (send.recipient, send.recipient_kind, send.recipient_address) == (
        "eve",
        Kind.PERSON,
        "eve@example.org",
    )


async def test_one_status_is_found_among_others(rows: Rows) -> None:
    await a_few(rows)
    cancelled = (await listed(rows))[3].id
    await cancel(rows, cancelled)

    assert [send.id for send in await listed(rows, statuses=frozenset({Status.CANCELLED}))] == [cancelled]
    assert len(await listed(rows, statuses=frozenset({Status.SCHEDULED}))) == 7


async def test_sends_come_by_due_time_or_the_other_way_round(rows: Rows) -> None:
    await a_few(rows)

    forward = await listed(rows)

    assert forward == sorted(forward, key=lambda send: (send.due_at, send.id))
    assert await listed(rows, order=LATEST_FIRST) == forward[::-1]


async def pages(rows: Rows, size: int, **asked: Any) -> AsyncIterator[list[Send]]:
    after = None
    while page := await listed(rows, limit=size, after=after, **asked):
        yield page
        after = page[-1].place


@pytest.mark.parametrize("order", [BY_DUE_TIME, LATEST_FIRST])
async def test_paging_through_sends_due_at_the_same_moment_shows_each_once(
    rows: Rows, order: SendOrder
) -> None:
    await rows.rule("j7")
    session = await rows.session()
    await rows.participants(session, 50)
    await rows.plan(session)
    assert await rows.one("select count(distinct due_at) from sends") == 1

    seen = [send async for page in pages(rows, 7, order=order) for send in page]

    assert len(seen) == len({send.id for send in seen}) == 50
    assert seen == await listed(rows, order=order)


async def test_a_page_goes_on_behind_its_cursor_when_rows_come_and_go(rows: Rows) -> None:
    await a_few(rows)
    everything = await listed(rows)
    cursor = Cursor(everything[2].due_at, everything[2].id)
    await rows.execute("update sends set due_at = due_at - interval '30 days' where id = :id", id=cursor.id)

    assert await listed(rows, after=cursor) == everything[3:]
    assert [send.id for send in await listed(rows, after=cursor, order=LATEST_FIRST)][:2] == [
        everything[1].id,
        everything[0].id,
    ]


async def test_another_organization_sees_and_cancels_nothing(rows: Rows) -> None:
    await rows.planned("ada")
    send = await rows.send()
    stranger = uuid4()

    assert await listed(rows, stranger) == []
    async with rows.store.transaction() as db:
        assert await find_send(db, stranger, send) is None
    assert await cancel(rows, send, stranger) is None
    assert (await rows.row(send))["status"] == "scheduled"


async def test_a_cancelled_send_says_so_and_stays_cancelled(rows: Rows) -> None:  # F020
    session = await rows.planned("ada")
    send = await rows.send()

    assert await cancel(rows, send) == session

    row = await rows.row(send)
    assert (row["status"], row["reason"], row["version"]) == ("cancelled", "cancelled_by_hand", 2)
    assert row["ended_at"]
    assert row["trace"][-1]["step"] == "cancelled"
    await rows.plan(await rows.session(starts_in=3 * WEEK))
    assert (await rows.row(send))["status"] == "cancelled"


async def test_a_claimed_send_is_called_back(rows: Rows) -> None:
    send = await rows.due()
    claim = await rows.claimed(send)

    assert await cancel(rows, send)

    row = await rows.row(send)
    assert (row["status"], row["token"], row["lease_until"]) == ("cancelled", None, None)
    async with rows.store.transaction() as db:
        assert not await record(db, Outcome(send, claim.token, Status.SENT))


async def test_a_cancel_that_comes_too_late_changes_nothing(rows: Rows) -> None:
    by_status = await rows.in_every_status()

    for status, send in by_status.items():
        before = await rows.row(send)
        called_back = await cancel(rows, send)
        if status in REVOCABLE:
            assert called_back == before["session_id"]
            assert (await rows.row(send))["status"] == "cancelled"
        else:
            assert called_back is None
            assert await rows.row(send) == before


async def test_a_second_cancel_changes_nothing(rows: Rows) -> None:
    await rows.planned("ada")
    send = await rows.send()
    await cancel(rows, send)
    before = await rows.row(send)

    assert await cancel(rows, send) is None
    assert await rows.row(send) == before


async def test_what_nobody_knows_cannot_be_cancelled(rows: Rows) -> None:
    assert await cancel(rows, uuid4()) is None
    async with rows.store.transaction() as db:
        assert await find_send(db, rows.organization, uuid4()) is None


async def test_a_mail_due_on_the_last_day_of_the_calendar_is_listed(rows: Rows) -> None:
    await rows.rule("j7", offset="-P1D")
    session = await rows.session(starts_in=timedelta(days=365 * 200))
    await rows.participant(session, "ada")
    await rows.execute("update sessions set starts_at = '9999-12-31 23:59:59+00', version = version + 1")

    await rows.plan(session)

    (send,) = await listed(rows)
    assert send.due_at.year == 9999
    assert send.latest_at - send.due_at == DAY
