import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.occurrences import Occurrence, correction_step
from domain.sends import Reason, Status
from tests.web.web_fakes import NOW, SOME_ID, FakeSends, a_send, an_id, browse, pages
from web.asked import Asked


async def test_a_send_is_told_on_the_wall_of_its_session() -> None:
    send = a_send(due_at=datetime(2026, 12, 3, 14, 30, tzinfo=UTC), zone=ZoneInfo("America/Lima"))
    async with browse(pages([send])) as browser:
        page = (await browser.get("/")).text.replace("<wbr>", "")  # where a long address may break

    assert "Thu, 3 Dec 2026" in page
    assert "09:30" in page  # Lima is 5 hours behind UTC
    assert "Lima" in page
    assert "in 12 days" in page
    for words in ("Ada Lovelace", "ada@example.org", "Convocation J-7", "Speaking in public", "Scheduled"):
        assert words in page


async def test_the_mark_of_an_automatic_send_holds_its_trigger() -> None:
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/")).text

    tip = re.search(r'<span role="tooltip" class="tip" id="([^"]+)">([^<]+)</span>', page)
    assert tip is not None
    assert tip[2] == "7 days before the session starts, at 09:00"
    assert f'aria-describedby="{tip[1]}"' in page  # of a link, which a keyboard reaches
    assert "Automatic:" in page


async def test_the_mark_of_a_correction_holds_the_change_that_made_it_leave_and_no_trigger() -> None:
    """F080: what is told is what made this very mail leave."""
    step = correction_step(datetime(2026, 12, 5, 8, tzinfo=UTC))
    async with browse(pages([a_send(occurrence=Occurrence(step))])) as browser:
        english = (await browser.get(f"/?open={SOME_ID}")).text
        french = (await browser.get("/?lang=fr")).text

    words = "a correction, at once since the date that was told has changed"
    assert f'id="trigger-{SOME_ID}">{words}</span>' in english
    assert english.count(words) == 2  # in its line, and beside its preview
    assert "before the session starts" not in english
    assert "un rectificatif, aussitôt, car la date annoncée a changé" in french


async def test_a_send_written_by_hand_has_another_mark() -> None:
    async with browse(pages([a_send(trigger=None)])) as browser:
        page = (await browser.get("/")).text

    assert ">Written by hand</span>" in page
    assert "Automatic:" not in page


async def test_a_reason_is_told_in_a_sentence_beside_the_status() -> None:
    send = a_send(status=Status.SKIPPED, reason=Reason.NO_ADDRESS, recipient_address=None)
    async with browse(pages([send])) as browser:
        english = (await browser.get("/")).text
        french = (await browser.get("/?lang=fr")).text

    assert "Skipped" in english
    assert "The recipient has no email address." in english
    assert "Écarté" in french
    assert "Le destinataire n’a pas d’adresse e-mail." in french


async def test_what_is_to_come_stands_before_what_is_done() -> None:
    over = a_send(id=an_id(1), status=Status.SENT, due_at=NOW - timedelta(minutes=3))
    async with browse(pages([over, a_send(id=an_id(2))])) as browser:
        page = (await browser.get("/")).text

    assert page.index(f'id="send-{an_id(2)}"') < page.index(f'id="send-{an_id(1)}"')


async def test_the_next_mail_is_told_at_the_top() -> None:
    later = a_send(due_at=NOW + timedelta(days=30))
    sooner = a_send(due_at=NOW + timedelta(minutes=44))
    leaving = a_send(status=Status.HANDING_OVER, due_at=NOW - timedelta(seconds=5))
    async with browse(pages([leaving, later, sooner])) as browser:
        page = (await browser.get("/")).text

    assert "Next mail <strong>in 44 minutes</strong>" in page


async def test_a_send_links_to_its_workflow() -> None:
    url = "http://127.0.0.1:8233/namespaces/default/workflows/send%2Fmain"
    async with browse(pages([a_send(workflow_url=url)])) as browser:
        page = (await browser.get(f"/?open={SOME_ID}")).text

    assert f'href="{url}"' in page


async def test_an_empty_list_teaches_how_to_fill_it() -> None:
    async with browse(pages()) as browser:
        page = (await browser.get("/")).text

    assert "Nothing is planned yet" in page
    assert "POST /v1/rules/{id}/activate" in page


async def test_a_long_list_is_turned_page_by_page() -> None:
    app = pages([a_send(id=an_id(number)) for number in range(120)])
    async with browse(app) as browser:
        first = (await browser.get("/")).text
        last = (await browser.get("/?after=100")).text
        beyond = (await browser.get("/?after=120")).text

    assert first.count('id="send-') == 50
    assert 'href="/?after=50"' in first
    assert "120 mails" in first
    assert last.count('id="send-') == 20
    assert "Further sends" not in last
    assert "Nothing further" in beyond


async def test_a_cursor_that_is_none_leads_back_to_the_first_page() -> None:
    async with browse(pages([a_send()])) as browser:
        answer = await browser.get("/?after=nonsense")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


async def test_names_are_text_and_never_markup() -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x>"
    send = a_send(
        recipient_name=hostile,
        recipient_address=hostile,
        rule_name=hostile,
        rule_key=hostile,
        session_name=hostile,
        session_key=hostile,
        subject=hostile,
    )
    async with browse(pages([send])) as browser:
        page = (await browser.get("/")).text

    assert "<script>alert" not in page
    assert "<img" not in page


@pytest.mark.parametrize("part", ["planned", "sends"])
async def test_a_part_is_told_alone_and_only_when_it_changed(part: str) -> None:
    asks = {"HX-Request": "true", "HX-Target": f"div#{part}"}
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/")).text
        alone = await browser.get("/", headers=asks)
        again = await browser.get("/", headers={**asks, "If-None-Match": alone.headers["etag"]})

    assert alone.text.strip().startswith(f'<div id="{part}"')
    assert alone.text.strip() in page
    assert again.status_code == 304


async def test_who_asks_for_a_part_that_is_none_gets_the_page() -> None:
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/", headers={"HX-Request": "true", "HX-Target": "body"})).text

    assert "<html" in page


@pytest.mark.parametrize("status", Status)
async def test_a_status_is_an_icon_and_words_never_a_colour_alone(status: Status) -> None:
    async with browse(pages([a_send(status=status)])) as browser:
        page = (await browser.get("/")).text

    assert f'<symbol id="i-{status}"' in page
    chip = page.split(f'<span class="chip {status}">')[1].split("</span>")[0]
    assert f'href="#i-{status}"' in chip
    assert chip.rpartition("</svg>")[2].strip()


async def test_large_numbers_are_written_as_the_language_does() -> None:
    class Many(FakeSends):
        async def count_planned(self, asked: Asked, most: int) -> int:
            return most if asked.sort else 1234

    async with browse(pages(Many([a_send()]))) as browser:
        english, french = (await browser.get("/")).text, (await browser.get("/?lang=fr")).text
        most = (await browser.get("/?lang=fr&sort=due")).text

    assert "1,234 mails" in english
    assert "1\u202f234 mails" in french
    assert "10\u202f000 mails ou plus" in most
