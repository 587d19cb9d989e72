"""The pages as Chromium shows them: what leaves, what runs, what fits, what a keyboard reaches."""

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.occurrences import Occurrence
from domain.rules import RuleDefinition
from mail.outbox import Outbox
from tests.web.web_browser import (
    DESKTOP,
    PHONE,
    complaints_of,
    needs_chromium,
    served,
    tab_to,
    too_wide,
)
from tests.web.web_fakes import FakeSends, a_preview, a_send, a_trigger, an_id, pages
from tests.web.web_mails import HOSTILE, keep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
NUMBERS = itertools.count(1)  # every test's mails are newer than those of the tests before it

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outbox")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    long = "Unbreakable" * 12
    wide = {"session_name": long, "room": long, "subject": long, "recipient_address": f"{long}@example.org"}
    sends = [a_send(id=an_id(1)), a_send(id=an_id(2), rule_name=long, **wide)]
    preview = a_preview(subject=long, to=f"{long} <{long}@example.org>")
    with served(pages(FakeSends(sends, preview), Outbox(folder))) as address:
        yield address


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(chromium: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    width, height = request.param
    page = chromium.new_page(viewport={"width": width, "height": height}, locale="en-GB")
    yield page
    page.close()


def test_no_page_scrolls_sideways_and_none_breaks_its_own_policy(
    page: "Page", address: str, folder: Path
) -> None:
    name = keep(folder, next(NUMBERS), subject="Wide" * 60, text="x" * 500, to=f"{'w' * 200} <w@example.org>")
    complaints = complaints_of(page)
    for path in (
        "/",
        f"/?open={an_id(2)}&session={'s' * 200}",
        f"/sends/{an_id(2)}/why",
        f"/sends/{an_id(2)}/why?lang=fr",
        "/outbox",
        f"/outbox/{name}",
        f"/outbox/{name}?view=text",
        f"/outbox/{name}?view=headers",
    ):
        page.goto(address + path)
        assert too_wide(page) <= 0, path

    assert complaints == []


@pytest.mark.parametrize("width", [PHONE[0], 700])
def test_long_words_about_when_it_leaves_stay_below_their_rule(chromium: "Browser", width: int) -> None:
    """F080: where the list is narrow they are always seen, and cover nothing beside them."""
    again = {"every": "P7D", "until": "completed", "at_most": 3, "then": {"to": "manager"}}
    definition = RuleDefinition.model_validate(
        {"trigger": a_trigger(anchor="session.start"), "repeat": again}
    )
    with served(pages([a_send(definition=definition, occurrence=Occurrence("2"))])) as address:
        page = chromium.new_page(viewport={"width": width, "height": DESKTOP[1]})
        page.goto(address)
        words, cell = page.locator(".tip").bounding_box(), page.locator("td.rule").bounding_box()
        page.close()

    assert words is not None
    assert cell is not None
    assert cell["x"] <= words["x"]
    assert words["x"] + words["width"] <= cell["x"] + cell["width"]


def test_a_mail_shows_its_own_style_in_its_frame(page: "Page", address: str, folder: Path) -> None:
    page.goto(f"{address}/outbox/{keep(folder, next(NUMBERS))}")
    paragraph = page.frame_locator("iframe").locator("p")

    playwright.expect(paragraph).to_have_text("Hello Ada")
    playwright.expect(paragraph).to_have_css("color", "rgb(1, 2, 3)")


@pytest.mark.parametrize("where", ["outbox", "preview"])
def test_a_hostile_mail_neither_runs_nor_calls_anybody(page: "Page", tmp_path: Path, where: str) -> None:
    elsewhere = socket.create_server(("127.0.0.1", 0))
    elsewhere.setblocking(False)
    html = HOSTILE.replace("elsewhere.test", f"127.0.0.1:{elsewhere.getsockname()[1]}")
    name = keep(tmp_path, next(NUMBERS), html=html, subject="Hostile")
    sends = FakeSends([a_send(id=an_id(1))], a_preview(html=html))
    with served(pages(sends, Outbox(tmp_path))) as address:
        page.goto(f"{address}/outbox/{name}" if where == "outbox" else f"{address}/?open={an_id(1)}")
        title = page.title()
        frame = page.frame_locator("iframe")
        playwright.expect(frame.locator("p")).to_have_text("Hello")
        frame.locator("a").click(force=True)  # as a mouse would, whatever lies there
        frame.locator("button").click()
        page.reload()  # by now, whatever the click or the refresh had started would have connected

        with pytest.raises(BlockingIOError):  # nobody came
            elsewhere.accept()
        assert page.title() == title
        assert page.frames[1].url.startswith(address)
    elsewhere.close()


def test_a_new_mail_appears_by_itself_and_leaves_the_focus_where_it_was(
    page: "Page", address: str, folder: Path
) -> None:
    name = keep(folder, next(NUMBERS), subject="Waiting for another")
    page.goto(f"{address}/outbox")
    link = page.locator(f'a[href^="/outbox/{name}"]')
    link.focus()
    keep(folder, next(NUMBERS), subject="Came while you looked")

    playwright.expect(page.locator(".mails .first").first).to_have_text("Came while you looked")
    playwright.expect(page.get_by_role("status")).to_contain_text("Came while you looked")
    playwright.expect(link).to_be_focused()


def test_a_keyboard_reaches_a_mail_and_its_parts(page: "Page", address: str, folder: Path) -> None:
    name = keep(folder, next(NUMBERS), subject="Reached by keyboard")
    page.goto(f"{address}/outbox")
    page.keyboard.press("Tab")
    playwright.expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")  # to the content
    page.keyboard.press("Tab")
    tab_to(page, f'a[href^="/outbox/{name}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{name}")
    tab_to(page, 'a[href$="view=text"]')
    page.keyboard.press("Enter")

    playwright.expect(page.locator("pre.body")).to_contain_text("Hello Ada")


def test_the_pages_work_without_javascript(chromium: "Browser", address: str, folder: Path) -> None:
    name = keep(folder, next(NUMBERS), subject="Read without a script")
    page = chromium.new_page(java_script_enabled=False, locale="fr-FR")
    page.goto(f"{address}/outbox")
    page.locator(f'a[href^="/outbox/{name}"]').click()
    page.get_by_role("link", name="Texte brut").click()

    playwright.expect(page.locator("pre.body")).to_contain_text("Hello Ada")
    page.close()
