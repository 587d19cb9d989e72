"""What the address of the Planned page says, and what it does to the list (F035)."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from domain.sends import Reason, Status
from tests.web.web_fakes import NOW, SOME_ID, FakeSends, a_send, an_id, browse, pages
from web.asked import FILTERS, Asked, read_asked

EVERY_FILTER = {
    "due_from": "2026-11-20",
    "due_to": "2026-12-01",
    "recipient": "ada & co",
    "company": "acme",
    "kind": "automatic",
    "subject": "100 %",
    "rule": "convocation-j7",
    "template": "convocation",
    "session": "S-2026-041",
    "center": "Lyon",
    "room": "Salle é",
    "status": "scheduled",
    "reason": "too_late",
}


def test_there_is_a_filter_for_every_column() -> None:
    assert set(FILTERS) == set(EVERY_FILTER)


def test_an_address_says_what_was_asked_and_nothing_else() -> None:
    pairs = [*EVERY_FILTER.items(), ("status", "sent"), ("sort", "-due"), ("open", str(SOME_ID))]
    asked, surplus = read_asked(pairs)

    assert not surplus
    assert asked.status == (Status.SCHEDULED, Status.SENT)
    assert asked.reason is Reason.TOO_LATE
    assert sorted(parse_qsl(urlsplit(asked.address()).query)) == sorted(pairs)


@pytest.mark.parametrize(
    "pair",
    [
        ("due_from", "tomorrow"),
        ("due_from", "0001-01-01"),
        ("due_to", "9999-12-31"),
        ("status", "waiting"),
        ("reason", "why"),
        ("kind", "strange"),
        ("sort", "name"),
        ("open", "1"),
        ("recipient", "  "),
        ("recipient", "\0"),
        ("recipient", "x" * 401),
        ("colour", "red"),
    ],
)
def test_what_makes_no_sense_is_left_out_and_said_to_be(pair: tuple[str, str]) -> None:
    assert read_asked([pair]) == (Asked(), True)


def test_a_new_filter_begins_at_the_first_page_and_keeps_what_is_open() -> None:
    asked = Asked(recipient="ada", after="50", open=SOME_ID, told=SOME_ID)

    assert asked.address(rule="r") == f"/?recipient=ada&rule=r&open={SOME_ID}"
    assert asked.address(open=None) == "/?recipient=ada&after=50"  # beside the same page, told no more


async def test_the_page_asks_for_what_its_address_says() -> None:
    sends = FakeSends([a_send()])
    async with browse(pages(sends)) as browser:
        page = await browser.get("/", params={**EVERY_FILTER, "sort": "-session"})

    assert page.status_code == 200
    (asked,) = sends.asked
    assert {name: str(value) for name, value in asked.filters.items() if name != "status"} == {
        name: value for name, value in EVERY_FILTER.items() if name != "status"
    }
    assert asked.sort == "-session"
    for name in FILTERS:
        assert f'name="{name}"' in page.text
        assert f'id="drop-{name}"' in page.text


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/?recipient=&subject=&rule=r", "/?rule=r"),
        ("/?status=waiting&status=sent", "/?status=sent"),
        ("/?recipient=&lang=fr", "/?lang=fr"),
        ("/?utm_source=mail", "/"),
    ],
)
async def test_an_address_that_says_more_leads_to_the_one_that_means_it(path: str, address: str) -> None:
    async with browse(pages([a_send()])) as browser:
        answer = await browser.get(path)
        part = await browser.get(path, headers={"HX-Request": "true", "HX-Target": "div#sends"})

    assert answer.status_code == 303
    assert answer.headers["location"] == address
    assert part.status_code == 200  # a second journey would only cost time
    assert part.headers["hx-replace-url"] == address.replace("lang=fr", "").rstrip("?")


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"recipient": "ALAN"}, [2]),
        ({"recipient": "@example.org"}, [1, 2, 3]),
        ({"status": ["sent", "cancelled"]}, [2, 3]),
        ({"status": "sent", "recipient": "ada"}, []),
        ({"due_from": "2026-11-23"}, [2, 3]),
        ({"due_from": "2026-11-22", "due_to": "2026-11-23"}, [1, 2]),
        ({"reason": "cancelled_by_hand"}, [3]),
    ],
)
async def test_filters_combine(filters: dict[str, Any], shown: list[int]) -> None:
    sends = [
        a_send(id=an_id(1), due_at=NOW + timedelta(days=1)),
        a_send(
            id=an_id(2),
            due_at=NOW + timedelta(days=2),
            recipient_name="Alan Turing",
            recipient_address="alan@example.org",
            status=Status.SENT,
        ),
        a_send(
            id=an_id(3),
            due_at=NOW + timedelta(days=3),
            status=Status.CANCELLED,
            reason=Reason.CANCELLED_BY_HAND,
        ),
    ]
    async with browse(pages(sends)) as browser:
        page = (await browser.get("/", params=filters)).text

    assert [n for n in (1, 2, 3) if f'id="send-{an_id(n)}"' in page] == shown
    assert ("No mail matches these filters" in page) == (not shown)


async def test_a_header_sorts_one_way_then_the_other_then_not() -> None:
    async with browse(pages([a_send()])) as browser:
        page, up, down = [(await browser.get(path)).text for path in ("/", "/?sort=rule", "/?sort=-rule")]

    assert 'id="sort-rule" href="/?sort=rule"' in page
    assert 'id="sort-rule" href="/?sort=-rule"' in up
    assert 'aria-sort="ascending"' in up
    assert 'id="sort-rule" href="/"' in down
    assert 'aria-sort="descending"' in down


async def test_a_filter_of_a_rule_that_is_no_choice_any_more_stays_chosen() -> None:
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/?rule=deleted-one")).text

    assert '<option value="deleted-one" selected>' in page


async def test_a_hostile_filter_is_text() -> None:
    hostile = "\"'><script>alert(1)</script>"
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/", params={"recipient": hostile, "rule": hostile, "room": hostile})).text

    assert "<script>alert" not in page
