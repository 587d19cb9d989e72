"""The page that says why."""

import pytest

from domain.sends import Status
from tests.web.web_fakes import SOME_ID, a_send, browse, pages


async def test_a_mail_is_explained_in_sentences() -> None:
    async with browse(pages([a_send()])) as browser:
        page = (await browser.get(f"/sends/{SOME_ID}/why")).text

    for words in (
        "Convocation J-7",
        "Ada Lovelace",
        "Speaking in public",
        "It waits, and is to leave on Sat, 28 Nov 2026 at 09:00.",
        "It is about Ada Lovelace.",
        "So it is due on Sat, 28 Nov 2026 at 09:00 (Paris), which is 2026-11-28 08:00 UTC.",
        "On Sat, 21 Nov 2026 at 20:40 it was planned, for Sat, 28 Nov 2026 at 09:00.",
        "No such mail was ever created.",
        "The rule is for the centers “Convocation J-7”. The session is held by “Speaking in public”.",
    ):
        assert words in page


async def test_a_mail_is_explained_in_french() -> None:
    async with browse(pages([a_send()]), "fr") as browser:
        page = (await browser.get(f"/sends/{SOME_ID}/why")).text

    for words in (
        "Pourquoi",
        "D’où vient son heure",
        "Ce mail concerne Ada Lovelace.",
        "Il attend, et doit partir le sam. 28 nov. 2026 à 09:00.",
        "Un tel mail n’a jamais été créé.",
    ):
        assert words in page


async def test_the_preview_leads_there_and_the_page_back() -> None:
    async with browse(pages([a_send()])) as browser:
        pane = (await browser.get(f"/?open={SOME_ID}")).text
        page = (await browser.get(f"/sends/{SOME_ID}/why")).text

    assert f'href="/sends/{SOME_ID}/why"' in pane
    assert f'href="/?open={SOME_ID}#pane"' in page


@pytest.mark.parametrize(("status", "told"), [(Status.CLAIMED, True), (Status.SCHEDULED, False)])
async def test_what_planning_has_still_to_follow_is_said(status: Status, told: bool) -> None:
    async with browse(pages([a_send(status=status)])) as browser:
        page = (await browser.get(f"/sends/{SOME_ID}/why")).text

    assert ("Planning has still to follow" in page) is told


async def test_a_send_that_is_none_has_no_page() -> None:
    async with browse(pages()) as browser:
        answer = await browser.get(f"/sends/{SOME_ID}/why")

    assert answer.status_code == 404
    assert "No such page" in answer.text


async def test_names_are_text_and_never_markup() -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x>"
    send = a_send(rule_name=hostile, session_name=hostile, recipient_name=hostile)
    async with browse(pages([send])) as browser:
        page = (await browser.get(f"/sends/{SOME_ID}/why")).text

    assert "<script>alert" not in page
    assert "<img" not in page
