from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.sends import Reason, Status
from tests.web.web_fakes import NOW, a_send, browse, pages


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

    assert 'title="7 days before the session starts, at 09:00"' in page
    assert "Automatic:" in page


async def test_a_send_written_by_hand_has_another_mark() -> None:
    async with browse(pages([a_send(trigger=None)])) as browser:
        page = (await browser.get("/")).text

    assert 'title="Written by hand"' in page
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
    over = a_send(id="over", status=Status.SENT, due_at=NOW - timedelta(minutes=3))
    async with browse(pages([over, a_send(id="coming")])) as browser:
        page = (await browser.get("/")).text

    assert page.index('id="send-coming"') < page.index('id="send-over"')


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
        page = (await browser.get("/")).text

    assert f'href="{url}"' in page


async def test_an_empty_list_teaches_how_to_fill_it() -> None:
    async with browse(pages()) as browser:
        page = (await browser.get("/")).text

    assert "Nothing is planned yet" in page
    assert "POST /v1/rules/{id}/activate" in page


async def test_a_long_list_is_turned_page_by_page() -> None:
    app = pages([a_send(id=str(number)) for number in range(120)])
    async with browse(app) as browser:
        first = (await browser.get("/")).text
        last = (await browser.get("/?after=100")).text
        beyond = (await browser.get("/?after=120")).text

    assert first.count('id="send-') == 50
    assert 'href="/?after=50"' in first
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


async def test_a_refresh_carries_only_the_list_and_only_when_it_changed() -> None:
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get("/")).text
        part = await browser.get("/", headers={"HX-Request": "true"})
        again = await browser.get("/", headers={"HX-Request": "true", "If-None-Match": part.headers["etag"]})

    assert "<html" not in part.text
    assert part.text in page
    assert part.headers["etag"].strip('"') in page  # what the page says it holds
    assert again.status_code == 304


@pytest.mark.parametrize("status", Status)
async def test_a_status_is_an_icon_and_words_never_a_colour_alone(status: Status) -> None:
    async with browse(pages([a_send(status=status)])) as browser:
        page = (await browser.get("/")).text

    assert f'<symbol id="i-{status}"' in page
    chip = page.split(f'<span class="chip {status}">')[1].split("</span>")[0]
    assert f'href="#i-{status}"' in chip
    assert chip.rpartition("</svg>")[2].strip()
