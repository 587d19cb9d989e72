"""The Planned page over real rows: what it lists, counts, previews and changes."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from control.plans import Plans
from domain.occurrences import CORRECTION
from domain.sends import Reason, Status
from domain.steps import Code
from store.organizations import MAIN, fetch_organization
from store.tokens import create_token, revoke_token
from tests.api.door import Pokes
from tests.store.store_rows import DAY, WEEK, Rows
from web.asked import Asked, Order, read_asked
from web.planned import Act
from web.sign_in import SignIn
from web.stored_sends import StoredSends
from web.stored_tokens import StoredTokens


@pytest.fixture
def pokes() -> Pokes:
    return Pokes()


@pytest.fixture
async def stored(rows: Rows, pokes: Pokes) -> StoredSends:
    async with rows.store.transaction() as db:
        organization = await fetch_organization(db, MAIN)
    return StoredSends(rows.store, organization, "http://ui.test/workflows", cast("Plans", pokes))


async def three_each(rows: Rows) -> None:
    """Ada's and Bob's three mails: in one week, in two, and one that was sent yesterday."""
    await rows.rule("first", offset="-P15D")
    await rows.rule("second", template="reminder", offset="-P7D")
    await rows.rule("third", template="survey", offset="P0D")
    session = await rows.session(
        "S-1", starts_in=2 * WEEK + DAY + timedelta(hours=1), name="Talk", room="Blue"
    )
    for person in ("ada", "bob"):
        await rows.participant(session, person)
    await rows.plan(session)
    await rows.execute(
        """
        update sends set status = 'sent', ended_at = relance_now()
        where rule_id = (select id from rules where key = 'first')
        """
    )


async def walk(stored: StoredSends, asked: Asked, limit: int) -> list[tuple[str, str]]:
    """Turn every page, and return all rules and recipients in the order shown."""
    seen: list[tuple[str, str]] = []
    while True:
        page = await stored.list_planned(asked, limit)
        assert len(page.items) <= limit
        seen += [(send.rule_key, send.recipient_name) for send in page.items]
        assert len(seen) <= 100, "the pages go round in a circle"
        if page.next is None:
            return seen
        asked = read_asked([("after", page.next), *([("sort", str(asked.sort))] if asked.sort else [])])[0]


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 50])
async def test_what_is_to_come_leads_and_what_is_over_follows_backwards(
    rows: Rows,
    stored: StoredSends,
    limit: int,
) -> None:
    await three_each(rows)
    seen = await walk(stored, Asked(), limit)

    assert [rule for rule, _ in seen] == ["second", "second", "third", "third", "first", "first"]
    assert sorted(seen) == sorted(
        (rule, who) for rule in ("first", "second", "third") for who in ("ada", "bob")
    )


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("limit", [1, 4])
async def test_every_order_shows_every_mail_once_whatever_the_pages(
    rows: Rows,
    stored: StoredSends,
    order: Order,
    limit: int,
) -> None:
    await three_each(rows)
    seen = await walk(stored, Asked(sort=order), limit)

    assert len(set(seen)) == len(seen) == 6
    whole = await walk(stored, Asked(sort=order), 50)
    assert seen == whole
    other = "-" + order if not order.is_last_first else order.column
    assert await walk(stored, Asked(sort=Order(other)), 50) == whole[::-1]


async def test_a_cursor_that_is_none_of_ours_is_refused(rows: Rows, stored: StoredSends) -> None:
    await three_each(rows)
    page = await stored.list_planned(Asked(), 1)
    for asked in (
        Asked(after="x"),
        Asked(after="x", sort=Order.DUE),
        Asked(after=page.next, sort=Order.RULE),
    ):
        with pytest.raises(ValueError, match="cursor"):
            await stored.list_planned(asked, 1)


async def test_filters_reach_the_rows_and_days_are_those_of_the_organization(
    rows: Rows,
    stored: StoredSends,
) -> None:
    """F035"""
    await three_each(rows)
    # 23:30 UTC is already the next day in Paris.
    await rows.execute("update sends set due_at = '2027-01-10T23:30:00Z' where status = 'scheduled'")
    wanted: dict[str, int] = {
        "": 6,
        "recipient=ADA": 3,
        "recipient=example.org&rule=first": 2,
        "status=sent": 2,
        "status=sent&status=scheduled": 6,
        "session=S-1": 6,
        "session=S-2": 0,
        "template=survey": 2,
        "subject=hell": 6,
        "room=Blue": 6,
        "center=Lyon": 0,
        "company=acme": 0,
        "kind=automatic": 6,
        "reason=too_late": 0,
        "due_from=2027-01-11&due_to=2027-01-11": 4,
        "due_to=2027-01-10": 2,
        "due_from=2027-01-12": 0,
    }
    for query, count in wanted.items():
        asked, surplus = read_asked(pair.split("=") for pair in query.split("&") if pair)  # type: ignore[misc]
        assert not surplus
        assert len((await stored.list_planned(asked, 50)).items) == count, query
        assert await stored.count_planned(asked, 50) == count, query

    (day,) = await stored.count_by_day(Asked(), _day("2027-01-01"), 42)
    assert (day.day, day.counts) == (_day("2027-01-11"), {Status.SCHEDULED: 4})


async def test_outside_the_chart_the_next_day_is_found_and_else_the_last_one(
    rows: Rows,
    stored: StoredSends,
) -> None:
    await three_each(rows)
    await rows.execute("update sends set due_at = '2027-01-10T23:30:00Z' where status = 'scheduled'")
    await rows.execute("update sends set due_at = '2026-01-10T23:30:00Z' where status = 'sent'")
    first, second = _day("2026-01-11"), _day("2027-01-11")

    assert await stored.find_day_outside(Asked(), _day("2026-06-01"), 42) == second
    assert await stored.find_day_outside(Asked(due_to=first), _day("2027-01-10"), 1) == second
    assert await stored.find_day_outside(Asked(), second, 1) == first
    assert await stored.find_day_outside(Asked(rule="first"), _day("2026-06-01"), 42) == first
    assert await stored.find_day_outside(Asked(rule="second"), second, 42) is None


def _day(text: str) -> Any:
    return read_asked([("due_from", text)])[0].due_from


async def test_a_row_is_told_with_its_names_and_what_can_be_done(rows: Rows, stored: StoredSends) -> None:
    await three_each(rows)
    send = (await stored.list_planned(Asked(recipient="ada"), 1)).items[0]

    assert (send.recipient_address, send.session_name, send.room) == ("ada@example.org", "Talk", "Blue")
    assert (send.rule_key, send.subject) == ("second", "Hello")
    assert send.acts == {Act.CANCEL, Act.SEND_NOW}
    assert send.workflow_url is not None
    assert send.workflow_url.startswith("http://ui.test/workflows/send%2Fmain%2Fsecond%2FS-1%2F")
    choices = await stored.list_choices()
    assert choices.rules == {"first": "first", "second": "second", "third": "third"}
    assert set(choices.templates) == {"invitation", "reminder", "survey"}


async def test_a_row_is_told_as_the_mail_of_its_rule_that_it_is(rows: Rows, stored: StoredSends) -> None:
    """F080"""
    await three_each(rows)
    await rows.execute("update sends set occurrence = 'correction:2027-01-10T08:00:00+00:00'")

    page = await stored.list_planned(Asked(), 50)

    assert {send.occurrence.kind for send in page.items} == {CORRECTION}


async def test_the_preview_is_the_mail_and_what_stops_it(rows: Rows, stored: StoredSends) -> None:
    """F017"""
    await rows.execute("update organizations set name = 'Example'")
    session = await rows.planned("ada")
    send = await rows.send(session=session)
    preview = await stored.find_preview(send)
    assert preview is not None
    assert preview.obstacles == []
    assert (preview.to, preview.subject) == ("ada <ada@example.org>", "Hello")
    assert "Hello" in (preview.html or "")
    assert (preview.text or "").strip() == "Hello"

    await rows.person("ada", email=None)
    preview = await stored.find_preview(send)
    assert preview is not None
    assert [one.reason for one in preview.obstacles] == [Reason.NO_ADDRESS]
    assert await stored.find_preview(uuid4()) is None


async def test_cancel_and_reactivate_hold_and_poke_planning(
    rows: Rows,
    stored: StoredSends,
    pokes: Pokes,
) -> None:
    """F020, F021"""
    send = await rows.send(session=await rows.planned("ada"))

    assert await stored.act(send, Act.REACTIVATE) is False
    assert await stored.act(send, Act.CANCEL) is True
    assert (await rows.row(send))["status"] == "cancelled"
    assert await stored.act(send, Act.CANCEL) is True  # pressed twice
    assert pokes.take() == ["session S-1"]
    assert await stored.act(send, Act.REACTIVATE) is True
    assert (await rows.row(send))["status"] == "scheduled"
    assert pokes.take() == ["session S-1"]
    assert await stored.act(uuid4(), Act.CANCEL) is None


@pytest.mark.parametrize(
    ("status", "act"),
    [
        (Status.SCHEDULED, Act.CANCEL),
        (Status.CANCELLED, Act.REACTIVATE),
        (Status.FAILED, Act.SEND_NOW),
        (Status.IN_DOUBT, Act.ARRIVED),
        (Status.IN_DOUBT, Act.SEND_AGAIN),
        (Status.IN_DOUBT, Act.DROP),
    ],
)
async def test_l06_what_is_done_here_says_who_did_it(
    rows: Rows, stored: StoredSends, status: Status, act: Act
) -> None:
    send = await rows.due()
    await rows.put_status(send, status)

    assert await stored.act(send, act, "LMS") is True

    assert (await rows.row(send))["trace"][-1]["by"] == "LMS"


async def test_sending_now_makes_it_due_now(rows: Rows, stored: StoredSends, pokes: Pokes) -> None:
    send = await rows.send(session=await rows.planned("ada"))

    assert await stored.act(send, Act.SEND_NOW) is True
    assert (await rows.row(send))["due_at"] <= await rows.now()
    assert pokes.take() == ["session S-1"]


@pytest.mark.parametrize(
    ("act", "status"),
    [(Act.ARRIVED, "sent"), (Act.SEND_AGAIN, "scheduled"), (Act.DROP, "failed")],
)
async def test_a_doubt_is_settled(rows: Rows, stored: StoredSends, act: Act, status: str) -> None:
    send = await rows.due()
    assert await stored.act(send, act) is False
    await rows.put_status(send, Status.IN_DOUBT)

    assert await stored.act(send, act) is True
    assert (await rows.row(send))["status"] == status


@pytest.mark.parametrize("status", [Status.HANDING_OVER, Status.SENT, Status.FAILED])
async def test_a_cancel_that_comes_too_late_changes_nothing(
    rows: Rows,
    stored: StoredSends,
    pokes: Pokes,
    status: Status,
) -> None:
    send = await rows.due()
    await rows.put_status(send, status)

    assert await stored.act(send, Act.CANCEL) is False
    assert (await rows.row(send))["status"] == status
    assert pokes.take() == []


async def test_a_page_takes_as_many_statements_for_many_mails_as_for_few(
    rows: Rows,
    stored: StoredSends,
) -> None:
    session = await rows.planned("ada")
    statements: list[str] = []
    event.listen(
        rows.store.engine.sync_engine, "before_cursor_execute", lambda *what: statements.append(what[2])
    )

    async def look() -> int:
        statements.clear()
        send = (await stored.list_planned(Asked(), 50)).items[0]
        await stored.count_planned(Asked(), 10_000)
        await stored.count_by_day(Asked(), _day("2026-11-01"), 42)
        await stored.find_day_outside(Asked(), _day("2036-11-01"), 42)
        await stored.list_choices()
        await stored.find_planned(send.id)
        await stored.find_preview(send.id)
        return len(statements)

    few = await look()
    await rows.participants(session, 200)
    await rows.execute("update sessions set version = version + 1")
    await rows.plan(session)
    many = await look()
    assert await stored.count_planned(Asked(), 10_000) == 201
    assert many <= few <= 18  # one less, where those to come fill the page


async def test_a_visit_ends_when_its_token_is_revoked(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        organization = await fetch_organization(db, MAIN)
        token, words = await create_token(db, organization.id, "an admin")
    sign_in = SignIn(StoredTokens(rows.store, organization))
    assert await sign_in.begin("relance_" + "x" * 43) is None
    visit = await sign_in.begin(words)
    assert await sign_in.find_name(visit) == "an admin"

    async with rows.store.transaction() as db:
        await revoke_token(db, organization.id, token.id)
    assert not await sign_in.find_name(visit)
    assert await sign_in.begin(words) is None


async def test_another_organization_is_another_house(rows: Rows, stored: StoredSends) -> None:
    send: UUID = await rows.send(session=await rows.planned("ada"))
    await rows.execute(
        """
        with other as (
            insert into organizations (key, name, zone, language, sender_address, sender_name)
            values ('other', 'Other', 'UTC', 'en', 'o@example.org', 'O') returning id
        )
        update sends set organization_id = (select id from other)
        """
    )

    assert (await stored.list_planned(Asked(), 50)).items == []
    assert await stored.find_preview(send) is None
    assert await stored.act(send, Act.CANCEL) is None
    assert (await rows.row(send))["status"] == "scheduled"


async def test_why_a_mail_is_where_it_is_and_what_other_rules_make_of_its_recipient(
    rows: Rows, stored: StoredSends
) -> None:
    await rows.rule("elsewhere", centers=["lyon"])
    session = await rows.planned("ada")
    send = await rows.send(session=session)

    story = await stored.find_story(send)

    assert story is not None
    assert story.planned
    assert {story.rules[one.rule].key: one.verdict.code for one in story.explanations} == {
        "j7": Code.STANDS,
        "elsewhere": Code.NEVER_CREATED,
    }
    assert await stored.find_story(uuid4()) is None
