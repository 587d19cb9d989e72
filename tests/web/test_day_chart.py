from datetime import UTC, date, datetime, timedelta

import pytest

from domain.sends import Status
from tests.web.web_fakes import NOW, a_send, an_id, browse, pages
from web.days import DAYS, HEIGHT, DayCount, draw, first_day

SATURDAY = date(2026, 11, 21)
LAST_MONDAY = date(2026, 11, 9)  # of the week before


@pytest.mark.parametrize(
    ("looked_at", "first"),
    [
        (None, LAST_MONDAY),
        (date(2026, 11, 9), LAST_MONDAY),
        (date(2026, 12, 20), LAST_MONDAY),  # the last of 42 days
        (date(2026, 12, 21), date(2026, 12, 14)),
        (date(2026, 11, 8), date(2026, 10, 26)),
    ],
)
def test_the_chart_begins_last_week_unless_another_day_is_looked_at(looked_at: date, first: date) -> None:
    assert first_day(SATURDAY, looked_at) == first


def test_bars_are_in_scale_to_the_fullest_day_and_stay_inside() -> None:
    full = DayCount(SATURDAY, {Status.SENT: 50, Status.SCHEDULED: 49, Status.MISSED: 1})
    half = DayCount(SATURDAY + timedelta(days=1), {Status.SCHEDULED: 50})
    days = {day.day: day for day in draw(LAST_MONDAY, [full, half])}

    assert len(days) == DAYS
    assert days[SATURDAY].total == 100
    bars = {bar.kind: bar for bar in days[SATURDAY].bars}
    assert (bars["sent"].height, bars["to-come"].height, bars["not-sent"].height) == (21, 20.6, 3)
    assert min(bar.y for bar in bars.values()) >= 0
    assert bars["sent"].y + bars["sent"].height == HEIGHT
    assert days[half.day].bars[0].height == 21
    assert days[LAST_MONDAY].bars == []


async def test_a_day_says_in_words_what_its_bar_shows_and_leads_to_its_mails() -> None:
    due_at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # already 1 December in Paris
    sends = [
        a_send(id=an_id(1), due_at=due_at),
        a_send(id=an_id(2), due_at=due_at),
        a_send(id=an_id(3), due_at=due_at, status=Status.CANCELLED),
        a_send(id=an_id(4), due_at=NOW - timedelta(days=2), status=Status.SENT),
    ]
    async with browse(pages(sends)) as browser:
        page = (await browser.get("/")).text
        french = (await browser.get("/?lang=fr")).text
        chosen = (await browser.get("/?due_from=2026-12-01&due_to=2026-12-01")).text

    assert "Tue, 1 Dec 2026: 3 mails, 2 to come, 1 not sent" in page
    assert "Thu, 19 Nov 2026: 1 mail, 1 sent" in page
    assert "mar. 1 déc. 2026\u00a0: 3 mails, 2 à venir, 1 non envoyé" in french
    assert 'href="/?due_from=2026-12-01&amp;due_to=2026-12-01"' in page
    assert page.count("<rect ") == 3
    assert 'id="day-2026-11-19"' in chosen  # the chart itself is not narrowed by days


async def test_without_mails_there_is_no_chart() -> None:
    async with browse(pages()) as browser:
        assert "Mails per day" not in (await browser.get("/")).text


async def test_an_empty_chart_leads_to_the_next_mails_or_else_to_the_last_ones() -> None:
    later, earlier = NOW + timedelta(days=200), NOW - timedelta(days=300)
    sends = [
        a_send(id=an_id(1), due_at=later, recipient_address="ada@example.org"),
        a_send(id=an_id(2), due_at=later + timedelta(days=9)),
        a_send(id=an_id(3), due_at=earlier, status=Status.SENT, rule_key="old"),
    ]
    async with browse(pages(sends)) as browser:
        next_ones = (await browser.get("/?sort=rule")).text
        last_ones = (await browser.get("/?rule=old&lang=fr")).text
        there = (await browser.get("/?due_from=2027-06-09&sort=rule")).text

    assert "No mail from 9 Nov to 20 Dec ·" in next_ones
    assert 'href="/?due_from=2027-06-09&amp;sort=rule"' in next_ones
    assert "The next ones: Wed, 9 Jun 2027" in next_ones
    assert 'href="/?due_from=2026-01-25&amp;rule=old"' in last_ones
    assert "Les derniers\u00a0: dim. 25 janv. 2026" in last_ones
    assert 'id="day-2027-06-09"' in there


async def test_where_no_mail_matches_nothing_is_said_of_other_days() -> None:
    async with browse(pages([a_send(due_at=NOW + timedelta(days=200))])) as browser:
        assert "days-elsewhere" not in (await browser.get("/?recipient=nobody")).text
