"""The pages as Chromium shows them: what leaves, what runs, what fits, what a keyboard reaches."""

import itertools
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from mail.outbox import Outbox
from tests.web.web_fakes import a_send, pages
from tests.web.web_mails import HOSTILE, keep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
]
NUMBERS = itertools.count(1)  # every test's mails are newer than those of the tests before it
DESKTOP, PHONE = (1360, 860), (390, 844)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outbox")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Our pages on a free port, served from a thread."""
    long = "Unbreakable" * 12
    sends = [a_send(id="1"), a_send(id="2", session_name=long, recipient_address=f"{long}@example.org")]
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(pages(sends, Outbox(folder)), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(chromium: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    width, height = request.param
    page = chromium.new_page(viewport={"width": width, "height": height}, locale="en-GB")
    yield page
    page.close()


def _complaints(page: "Page") -> list[str]:
    """Return a list that fills with what the browser refuses or fails at."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def _too_wide(page: "Page") -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_no_page_scrolls_sideways_and_none_breaks_its_own_policy(
    page: "Page", address: str, folder: Path
) -> None:
    name = keep(folder, next(NUMBERS), subject="Wide" * 60, text="x" * 500, to=f"{'w' * 200} <w@example.org>")
    complaints = _complaints(page)
    for path in (
        "/",
        "/outbox",
        f"/outbox/{name}",
        f"/outbox/{name}?view=text",
        f"/outbox/{name}?view=headers",
    ):
        page.goto(address + path)
        assert _too_wide(page) <= 0, path

    assert complaints == []


def test_a_mail_shows_its_own_style_in_its_frame(page: "Page", address: str, folder: Path) -> None:
    page.goto(f"{address}/outbox/{keep(folder, next(NUMBERS))}")
    paragraph = page.frame_locator("iframe").locator("p")

    playwright.expect(paragraph).to_have_text("Hello Ada")
    playwright.expect(paragraph).to_have_css("color", "rgb(1, 2, 3)")


def test_a_hostile_mail_neither_runs_nor_calls_anybody(page: "Page", address: str, folder: Path) -> None:
    elsewhere = socket.create_server(("127.0.0.1", 0))
    elsewhere.setblocking(False)
    html = HOSTILE.replace("elsewhere.test", f"127.0.0.1:{elsewhere.getsockname()[1]}")
    page.goto(f"{address}/outbox/{keep(folder, next(NUMBERS), html=html, subject='Hostile')}")
    playwright.expect(page.frame_locator("iframe").locator("p")).to_have_text("Hello")
    page.frame_locator("iframe").locator("a").click(force=True)  # as a mouse would, whatever lies there
    page.frame_locator("iframe").locator("button").click()
    page.reload()  # by now, whatever the click or the refresh had started would have connected

    with pytest.raises(BlockingIOError):  # nobody came
        elsewhere.accept()
    assert page.title() == "Hostile · Relance"
    assert page.frames[1].url.startswith(address)


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
    _tab_to(page, f'a[href^="/outbox/{name}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{name}")
    _tab_to(page, 'a[href$="view=text"]')
    page.keyboard.press("Enter")

    playwright.expect(page.locator("pre.body")).to_contain_text("Hello Ada")


def _tab_to(page: "Page", selector: str) -> None:
    """Press Tab until the focus is there, as a person would."""
    for _ in range(30):
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {selector}")


def test_the_pages_work_without_javascript(chromium: "Browser", address: str, folder: Path) -> None:
    name = keep(folder, next(NUMBERS), subject="Read without a script")
    page = chromium.new_page(java_script_enabled=False, locale="fr-FR")
    page.goto(f"{address}/outbox")
    page.locator(f'a[href^="/outbox/{name}"]').click()
    page.get_by_role("link", name="Texte brut").click()

    playwright.expect(page.locator("pre.body")).to_contain_text("Hello Ada")
    page.close()
