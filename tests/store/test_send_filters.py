"""Which sends does a filter leave, in what order, and how many are they?"""

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.participations import Role
from domain.rules import Scope
from domain.sends import Reason, Status
from store.contacts import put_contact
from store.places import Module, Slot
from store.send_filters import EVERYTHING, SendColumn, SendFilter, SendOrder, SendOrigin
from store.sends import MOST_DAYS, Cursor, Send, count_sends, count_sends_by_day, list_sends
from tests.store.store_rows import DAY, WEEK, Rows

PARIS, AUCKLAND = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Auckland")


async def listed(
    rows: Rows,
    where: SendFilter = EVERYTHING,
    order: SendOrder | None = None,
    limit: int = 1000,
    after: Cursor | None = None,
) -> list[Send]:
    async with rows.store.transaction() as db:
        return await list_sends(
            db, rows.organization, where, order=order or SendOrder(), limit=limit, after=after
        )


async def counted(rows: Rows, where: SendFilter = EVERYTHING, **most: int) -> int:
    async with rows.store.transaction() as db:
        return await count_sends(db, rows.organization, where, **most)


async def found(rows: Rows, **asked: Any) -> set[tuple[str, str, str]]:
    """Return the sends a filter leaves, as rule, recipient and what they are about."""
    where = SendFilter(**asked)
    sends = await listed(rows, where)
    assert await counted(rows, where) == len(sends)
    return {(send.rule, send.recipient, send.slot or send.module or send.session) for send in sends}


async def a_fair(rows: Rows) -> None:
    """Two sessions with rooms and centers, people and companies, four rules with four templates.

    J7, J8, trainers and companies: a week before each session, and eight days; slots: a week before each slot.
    """
    starts_at = await rows.now() + 4 * WEEK
    await rows.rule("j7", template="invitation", offset="-P7D")
    await rows.rule("j8", template="reminder", offset="-P8D")
    await rows.rule("firms", template="invoice", audience="companies")
    await rows.rule("slots", template="slot", scope=Scope.SLOT, offset="-P7D")
    await rows.execute(
        "update templates set subject = '100%_sure of {{ session.name }} \\o/' where key = 'slot'"
    )
    await rows.execute("update templates set subject = 'Your Invitation' where key = 'invitation'")
    one = await rows.session(
        "S-1",
        room="Blue",
        modules=[Module("m1", "M", room="Red")],
        slots=[
            Slot("red", "S", "m1", starts_at, starts_at + DAY),
            Slot("green", "S", "m1", starts_at, starts_at + DAY, room="Green"),
            Slot("blue", "S", None, starts_at, starts_at + DAY),
        ],
    )
    two = await rows.session("S-2", starts_in=3 * WEEK)
    await rows.execute("update sessions set center = case key when 'S-1' then 'lyon' else 'nantes' end")
    acme = await rows.company("acme", name="Acme & Sons")
    await rows.participant(one, "ada", company=acme)
    await rows.participant(one, "bob")
    await rows.participant(two, "ada")
    for session in (one, two):
        await rows.plan(session)


FIRMS = ("firms", "acme", "S-1")
ADA = {("j7", "ada", "S-1"), ("j8", "ada", "S-1"), ("j7", "ada", "S-2"), ("j8", "ada", "S-2")}
BOB = {("j7", "bob", "S-1"), ("j8", "bob", "S-1")}
SLOTS = {("slots", who, slot) for who in ("ada", "bob") for slot in ("red", "green", "blue")}
ALL = {FIRMS, *ADA, *BOB, *SLOTS}
S_2 = {send for send in ALL if send[2] == "S-2"}
ADA_FROM_ACME = {send for send in ALL if send[1] == "ada"} - S_2
BLUE = {send for send in ALL if send[2] in ("S-1", "blue")}

FILTERS: list[tuple[dict[str, Any], set[tuple[str, str, str]]]] = [
    ({}, ALL),
    ({"session": "S-2"}, S_2),
    ({"session": "S-3"}, set()),
    ({"rule": "firms"}, {FIRMS}),
    ({"rule": "nobody"}, set()),
    ({"template": "slot"}, SLOTS),
    ({"template": "nobody"}, set()),
    ({"recipient": "bob"}, {send for send in ALL if send[1] == "bob"}),
    ({"recipient": "acme"}, {FIRMS}),
    ({"recipient": "bo"}, set()),
    ({"recipient_text": "BO"}, {send for send in ALL if send[1] == "bob"}),
    ({"recipient_text": "& sons"}, {FIRMS}),
    ({"recipient_text": "acme@example"}, {FIRMS}),
    ({"recipient_text": "example.org"}, ALL),
    ({"recipient_text": "%"}, set()),
    ({"recipient_text": "_"}, set()),
    ({"recipient_text": "\\"}, set()),
    ({"company": "acme"}, {FIRMS, *ADA_FROM_ACME}),
    ({"company": "nobody"}, set()),
    ({"center": "nantes"}, S_2),
    ({"center": "paris"}, set()),
    ({"room": "Blue"}, BLUE),
    ({"room": "Red"}, {send for send in SLOTS if send[2] == "red"}),
    ({"room": "Green"}, {send for send in SLOTS if send[2] == "green"}),
    ({"room": "blue"}, set()),
    ({"statuses": frozenset({Status.SCHEDULED})}, ALL),
    ({"statuses": frozenset({Status.SENT, Status.FAILED})}, set()),
    ({"statuses": frozenset()}, set()),
    ({"reasons": frozenset({Reason.REFUSED})}, set()),
    ({"reasons": frozenset()}, set()),
    ({"kind": SendOrigin.AUTOMATIC}, ALL),
    ({"subject": "invitation"}, {send for send in ALL if send[0] == "j7"}),
    ({"subject": "%_SURE"}, SLOTS),
    ({"subject": "\\O/"}, SLOTS),
    ({"subject": "%Invitation"}, set()),
    ({"subject": "Y_ur"}, set()),
    ({"rule": "j7", "template": "reminder"}, set()),
    ({"rule": "j7", "template": "invitation", "subject": "your", "session": "S-2", "recipient": "ada"},
     {("j7", "ada", "S-2")}),
    ({"company": "acme", "room": "Green", "center": "lyon", "recipient_text": "ada"}, {("slots", "ada", "green")}),
]  # fmt: skip


async def test_a_session_may_send_another_template_than_the_rule(rows: Rows) -> None:
    await a_fair(rows)
    await rows.execute("""
        update sends set template_id = (select id from templates where key = 'reminder')
        where rule_id = (select id from rules where key = 'j7')
    """)

    assert await found(rows, template="reminder") == ADA | BOB
    assert await found(rows, subject="invitation") == set()


async def test_filters_narrow_the_list_together(rows: Rows) -> None:
    await a_fair(rows)

    for asked, left in FILTERS:
        assert await found(rows, **asked) == left, asked


async def test_days_begin_with_their_first_moment_and_end_before_the_next(rows: Rows) -> None:
    await a_fair(rows)
    (one,) = await listed(rows, SendFilter(rule="j8", recipient="bob"))
    due = one.due_at
    moment = timedelta(microseconds=1)

    assert ("j8", "bob", "S-1") in await found(rows, due_from=due)
    assert ("j8", "bob", "S-1") not in await found(rows, due_from=due + moment)
    assert ("j8", "bob", "S-1") in await found(rows, due_to=due + moment)
    assert ("j8", "bob", "S-1") not in await found(rows, due_to=due)


async def test_statuses_and_reasons_are_found_among_others(rows: Rows) -> None:
    by_status = await rows.in_every_status()
    await rows.execute("update sends set reason = 'refused' where status = 'failed'")
    await rows.execute("update sends set reason = 'too_late' where status = 'expired'")

    some = await listed(rows, SendFilter(statuses=frozenset({Status.SENT, Status.FAILED})))
    why = await listed(rows, SendFilter(reasons=frozenset({Reason.REFUSED, Reason.TOO_LATE})))

    assert {send.id for send in some} == {by_status[Status.SENT], by_status[Status.FAILED]}
    assert {send.id for send in why} == {by_status[Status.EXPIRED], by_status[Status.FAILED]}


async def test_a_company_is_found_by_the_address_of_whoever_stands_for_it(rows: Rows) -> None:  # F057
    await a_fair(rows)
    await rows.company("acme", name="Acme", contact=await rows.person("claire"))
    zoe = await rows.person("zoe")
    async with rows.store.transaction() as db:
        (session,) = [row.id for row in await rows.execute("select id from sessions where key = 'S-1'")]
        (acme,) = [row.id for row in await rows.execute("select id from companies")]
        await put_contact(db, session, acme, zoe)

    assert await found(rows, recipient_text="claire@") == {FIRMS}
    assert await found(rows, recipient_text="zoe@") == {FIRMS}


async def test_the_rules_of_before_are_found_under_their_key(rows: Rows) -> None:
    await rows.rule("j7")
    await rows.planned("ada")
    await rows.execute("update rules set deleted_at = relance_now(), active = false")
    again = await rows.rule("j7")
    session = await rows.session()
    await rows.plan(session, again)

    assert await counted(rows, SendFilter(rule="j7")) == 2


async def test_another_organization_finds_nothing_by_any_filter(rows: Rows) -> None:
    await a_fair(rows)
    stranger = uuid4()

    for asked, _ in FILTERS:
        async with rows.store.transaction() as db:
            assert await list_sends(db, stranger, SendFilter(**asked), limit=9) == [], asked


# Orders.


async def everybody(rows: Rows) -> None:
    """Names that sort otherwise than their ids, some of them the same, one missing."""
    await a_fair(rows)
    await rows.person("ada", first_name="Zoe", last_name="Apple")
    await rows.person("bob", first_name="", last_name="")
    await rows.execute("update sessions set name = case key when 'S-1' then 'yoga' else 'Xylophone' end")
    await rows.execute("update rules set name = case key when 'j7' then 'Zeal' else 'same' end")
    sends = await rows.sends()
    for send, status in zip(sends, list(Status)[::-1], strict=False):
        await rows.put_status(send["id"], status)


KEYS: dict[SendColumn, Callable[[Send], Any]] = {
    SendColumn.DUE_AT: lambda send: None,
    SendColumn.SESSION: lambda send: send.session_name.lower(),
    SendColumn.RULE: lambda send: send.rule_name.lower(),
    SendColumn.RECIPIENT: lambda send: (send.recipient_name or send.recipient).lower(),
    SendColumn.TEMPLATE: lambda send: send.template,
    SendColumn.STATUS: lambda send: list(Status).index(send.status),
}


@pytest.mark.parametrize("by", SendColumn)
async def test_every_order_goes_both_ways_and_page_by_page(rows: Rows, by: SendColumn) -> None:
    await everybody(rows)
    everything = await listed(rows)
    key = KEYS[by]
    up = sorted(everything, key=lambda send: ((key(send) is not None and key(send)), send.due_at, send.id))

    for order, expected in ((SendOrder(by), up), (SendOrder(by, descending=True), up[::-1])):
        assert ids(await listed(rows, order=order)) == ids(expected)
        paged = [send async for page in pages(rows, order, 3) for send in page]
        assert ids(paged) == ids(expected)


def ids(sends: list[Send]) -> list[UUID]:
    return [send.id for send in sends]


async def pages(rows: Rows, order: SendOrder, size: int) -> AsyncIterator[list[Send]]:
    after = None
    while page := await listed(rows, order=order, limit=size, after=after):
        yield page
        after = page[-1].place


async def test_a_page_of_names_goes_on_behind_a_row_that_got_another_name(rows: Rows) -> None:
    await a_fair(rows)
    order = SendOrder(SendColumn.RECIPIENT)
    everything = await listed(rows, order=order)
    first = await listed(rows, order=order, limit=3)
    await rows.execute("update people set first_name = 'zzz' where key = 'ada'")

    rest = await listed(rows, order=order, after=first[-1].place)

    assert {send.recipient for send in rest} == {"ada", "bob"}
    assert set(ids(everything)) - set(ids(rest)) <= set(ids(first))


# Counts.


async def test_a_count_ends_at_the_most_that_was_asked_for(rows: Rows) -> None:
    await a_fair(rows)

    assert [await counted(rows, most=most) for most in (5, len(ALL), 100)] == [5, len(ALL), len(ALL)]


async def by_day(
    rows: Rows, zone: ZoneInfo, first: date, end: date, where: SendFilter = EVERYTHING
) -> list[tuple[date, Status, int]]:
    async with rows.store.transaction() as db:
        counts = await count_sends_by_day(db, rows.organization, where, zone, first, end)
    return [(one.day, one.status, one.count) for one in counts]


async def test_sends_are_counted_by_the_days_of_a_zone(rows: Rows) -> None:
    await rows.planned("ada", "bob", "eve")
    one, other, late = [row["id"] for row in await rows.sends()]
    # 2027-03-28 has 23 hours in Paris: it begins at 23:00 UTC and ends at 22:00.
    for send, due in (
        (one, "2027-03-27 23:00"),
        (other, "2027-03-28 21:59:59.999999"),
        (late, "2027-03-28 22:00"),
    ):
        await rows.execute(
            "update sends set due_at = cast(:due as timestamptz) where id = :id", due=f"{due}+00", id=send
        )
    await rows.put_status(other, Status.SENT)
    saturday, sunday, monday = (date(2027, 3, day) for day in (27, 28, 29))

    counts = await by_day(rows, PARIS, saturday, monday + DAY)

    assert counts == [(sunday, Status.SCHEDULED, 1), (sunday, Status.SENT, 1), (monday, Status.SCHEDULED, 1)]
    assert await by_day(rows, PARIS, sunday, monday) == counts[:2]
    assert await by_day(rows, PARIS, monday, sunday) == []
    assert await by_day(rows, AUCKLAND, sunday, monday) == [(sunday, Status.SCHEDULED, 1)]
    sent = SendFilter(statuses=frozenset({Status.SENT}))
    assert await by_day(rows, PARIS, saturday, monday, sent) == [(sunday, Status.SENT, 1)]


async def test_so_many_days_are_counted_and_no_more(rows: Rows) -> None:
    first = date(2027, 1, 1)

    assert await by_day(rows, PARIS, first, first + MOST_DAYS * DAY) == []
    with pytest.raises(ValueError, match="days"):
        await by_day(rows, PARIS, first, first + (MOST_DAYS + 1) * DAY)


async def test_trainers_come_from_companies_too(rows: Rows) -> None:
    await rows.rule(audience="trainers")
    session = await rows.session()
    await rows.participant(session, "eve", Role.TRAINER, company=await rows.company("acme"))
    await rows.plan(session)

    assert await found(rows, company="acme") == {("j7", "eve", "S-1")}
