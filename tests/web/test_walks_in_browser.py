"""What people do on the pages, in Chromium: filter, sort, turn, preview, cancel, take back, sign in, change language."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.sends import Status
from tests.web.web_browser import (
    DESKTOP,
    PHONE,
    complaints_of,
    needs_chromium,
    served,
    tab_to,
    too_wide,
)
from tests.web.web_fakes import NOW, TOKEN, FakeSends, FakeTokens, a_send, an_id, pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_chromium

NAMES = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Hedy Lamarr"]
ADA, ALAN = an_id(1), an_id(2)


def people() -> FakeSends:
    """Return a mail to each, a day apart, and Grace's already sent."""
    usual = {0: Status.SCHEDULED, 1: Status.SCHEDULED, 2: Status.SENT, 3: Status.SCHEDULED}
    return FakeSends(
        [
            a_send(
                id=an_id(number + 1),
                recipient_name=name,
                recipient_address=f"{name.partition(' ')[0].lower()}@example.org",
                due_at=NOW + timedelta(days=number + 1 if usual[number] is Status.SCHEDULED else -1),
                status=usual[number],
                session_key=f"s-{number % 2}",
                session_name=f"Session {number % 2}",
            )
            for number, name in enumerate(NAMES)
        ]
    )


@pytest.fixture
def address() -> Iterator[str]:
    with served(pages(people())) as address:
        yield address


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(chromium: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    width, height = request.param
    page = chromium.new_page(viewport={"width": width, "height": height}, locale="en-GB")
    complaints = complaints_of(page)
    yield page
    assert [
        text for text in complaints if "409 (Conflict)" not in text
    ] == []  # the browser tells of that one
    assert too_wide(page) <= 0
    page.close()


def shown(page: "Page") -> list[str]:
    return page.locator("tr.send .who .first").all_inner_texts()


def open_filters(page: "Page") -> None:
    """A phone keeps them folded."""
    if not page.locator("#filter-recipient").is_visible():
        page.locator("details.filters > summary").click()


def test_filters_work_as_they_are_typed_and_stand_in_the_address(page: "Page", address: str) -> None:
    """F035"""
    page.goto(address)
    open_filters(page)
    page.locator("#filter-recipient").press_sequentially("a", delay=10)
    page.locator("#filter-session").fill("s-0")
    page.wait_for_url("**/?recipient=a&session=s-0")

    playwright.expect(page.locator("tr.send")).to_have_count(2)
    assert shown(page) == ["Ada Lovelace", "Grace Hopper"]
    playwright.expect(page.locator("#filter-session")).to_be_focused()
    playwright.expect(page.locator("[data-live]")).to_have_text("2 mails")

    page.reload()  # what the address says is what is shown
    assert shown(page) == ["Ada Lovelace", "Grace Hopper"]
    page.locator("#drop-session").click()
    playwright.expect(page.locator("tr.send")).to_have_count(4)
    page.locator("#reset").click()
    page.wait_for_url(f"{address}/")
    assert page.locator("#filter-recipient").input_value() == ""


def test_several_statuses_are_chosen_by_keyboard(page: "Page", address: str) -> None:
    page.goto(address)
    open_filters(page)
    page.locator("#filter-status").focus()
    page.keyboard.press("Enter")
    page.locator("#filter-status-sent").focus()
    page.keyboard.press("Space")
    page.wait_for_url("**/?status=sent")
    playwright.expect(page.locator("tr.send")).to_have_count(1)
    page.locator("#filter-status-scheduled").check()
    page.keyboard.press("Escape")

    playwright.expect(page.locator("tr.send")).to_have_count(4)
    playwright.expect(page.locator("#filter-status-sent")).not_to_be_visible()


def test_a_column_sorts_both_ways_and_back_is_back(chromium: "Browser", address: str) -> None:
    page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB")
    page.goto(address)
    page.locator("#sort-recipient").click()
    page.wait_for_url("**/?sort=recipient")
    assert shown(page) == sorted(NAMES)
    playwright.expect(page.locator("#sort-recipient")).to_be_focused()
    page.locator("#sort-recipient").click()
    page.wait_for_url("**/?sort=-recipient")
    playwright.expect(page.locator('th[aria-sort="descending"]')).to_have_text("To")
    assert shown(page) == sorted(NAMES, reverse=True)

    page.go_back()
    playwright.expect(page.locator('th[aria-sort="ascending"]')).to_have_text("To")
    page.close()


def test_a_day_of_the_chart_opens_its_mails(page: "Page", address: str) -> None:
    page.goto(address)
    day = (NOW + timedelta(days=2)).date()
    link = page.locator(f"#day-{day}")
    assert "1 mail, 1 to come" in (link.text_content() or "")
    link.click()
    page.wait_for_url(f"**/?due_from={day}&due_to={day}")

    playwright.expect(page.locator("tr.send")).to_have_count(1)
    assert shown(page) == ["Alan Turing"]


def test_a_mail_is_previewed_cancelled_and_taken_back(page: "Page", address: str) -> None:
    """F017, F020, F021"""
    page.goto(address)
    page.locator(f"#open-{ALAN}").click()
    playwright.expect(page.locator("#pane-title")).to_be_focused()
    playwright.expect(page.frame_locator("#pane iframe").locator("p")).to_have_text("Hello Ada")
    page.locator(f"#pane-{ALAN}").click()
    told = page.locator(".told")
    playwright.expect(told).to_contain_text("Alan Turing")
    playwright.expect(told).to_contain_text("Cancelled")
    playwright.expect(page.locator("#pane .chip")).to_have_text("Cancelled")
    page.locator("#close").click()
    playwright.expect(page.locator(f"#open-{ALAN}")).to_be_focused()
    row = page.locator(f"#send-{ALAN}")
    playwright.expect(row.locator(".chip")).to_have_text("Cancelled")
    playwright.expect(row).to_contain_text("Somebody cancelled it.")

    row.get_by_role("button", name="Reactivate").click()
    playwright.expect(row.locator(".chip")).to_have_text("Scheduled")
    playwright.expect(row.get_by_role("button", name="Cancel")).to_be_focused()


def test_a_button_says_that_it_works_and_the_notice_takes_a_cancel_back(page: "Page", address: str) -> None:
    """F020"""
    held: list[Route] = []
    page.route("**/cancel", lambda route: held.append(route))
    page.goto(f"{address}/?status=scheduled")
    page.locator(f"#act-{ALAN}").click()
    playwright.expect(page.locator(f"#act-{ALAN}")).to_have_attribute("aria-busy", "true")
    while not held:  # its request is told while the page is waited for
        page.wait_for_timeout(10)
    held[0].continue_()
    playwright.expect(page.locator(f"#send-{ALAN}")).to_have_count(0)
    page.locator(".told").get_by_role("button", name="Reactivate").click()
    playwright.expect(page.locator(f"#send-{ALAN} .chip")).to_have_text("Scheduled")
    playwright.expect(page.locator("[aria-busy]")).to_have_count(0)

    page.locator("#told-line").click()
    playwright.expect(page.locator("tr.send")).to_have_count(1)
    assert shown(page) == ["Alan Turing"]
    assert "rule=" in page.url


def test_whoever_opens_a_mail_far_down_the_list_stays_there(page: "Page") -> None:
    with served(pages([a_send(id=an_id(number)) for number in range(50)])) as address:
        page.goto(address)
        page.locator(f"#open-{an_id(30)}").click()
        playwright.expect(page.locator("#pane-title")).to_be_in_viewport()
        if page.viewport_size and page.viewport_size["width"] > 960:
            playwright.expect(page.locator(f"#open-{an_id(30)}")).to_be_in_viewport()
        page.locator("#close").click()

        playwright.expect(page.locator(f"#open-{an_id(30)}")).to_be_focused()
        playwright.expect(page.locator(f"#open-{an_id(30)}")).to_be_in_viewport()


def test_sending_now_is_asked_twice(page: "Page", address: str) -> None:
    page.goto(f"{address}/?open={ADA}")
    send = page.get_by_role("button", name="Send it now")
    playwright.expect(send).not_to_be_visible()
    page.get_by_text("Send now…").click()
    assert too_wide(page) <= 0
    playwright.expect(page.locator(".confirm")).to_contain_text("cannot be called back")
    send.click()

    playwright.expect(page.locator("#pane .chip")).to_have_text("Sent")


def test_a_cancel_that_comes_too_late_is_told(chromium: "Browser") -> None:
    sends = people()
    with served(pages(sends)) as address:
        page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB")
        page.goto(address)
        sends.becomes(ADA, Status.SENT)
        page.locator(f"#act-{ADA}").click()

        playwright.expect(page.get_by_role("alert")).to_contain_text("Too late")
        playwright.expect(page.locator(f"#send-{ADA} .chip")).to_have_text("Sent")
        page.close()


def test_what_changes_elsewhere_shows_by_itself_and_keeps_what_is_typed(chromium: "Browser") -> None:
    sends = people()
    with served(pages(sends)) as address:
        page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB")
        page.goto(address)
        page.locator(f"#rule-{ALAN}").focus()
        sends.becomes(ADA, Status.SENT)

        playwright.expect(page.locator(f"#send-{ADA} .chip")).to_have_text("Sent", timeout=15_000)
        playwright.expect(page.locator(f"#rule-{ALAN}")).to_be_focused()
        page.close()


def test_the_words_of_a_trigger_come_under_the_mouse_and_at_the_focus(
    chromium: "Browser", address: str
) -> None:
    page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB")
    page.goto(address)
    words = page.locator(f"#trigger-{ADA}")
    playwright.expect(words).not_to_be_visible()
    page.locator(f"#rule-{ADA}").hover()
    playwright.expect(words).to_be_visible()
    playwright.expect(words).to_have_text("7 days before the session starts, at 09:00")
    page.keyboard.press("Escape")
    playwright.expect(words).not_to_be_visible()

    page.mouse.move(0, 0)
    page.locator(f"#open-{ADA}").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    playwright.expect(page.locator(f"#rule-{ADA}")).to_be_focused()
    playwright.expect(words).to_be_visible()
    page.close()


def test_everything_works_without_javascript(chromium: "Browser", address: str) -> None:
    page = chromium.new_page(
        java_script_enabled=False, locale="fr-FR", viewport={"width": 1280, "height": 800}
    )
    page.goto(address)
    page.locator("#filter-recipient").fill("alan")
    page.get_by_role("button", name="Filtrer").click()
    assert page.url == f"{address}/?recipient=alan"
    page.get_by_role("link", name="Aperçu").click()
    playwright.expect(page.frame_locator("#pane iframe").locator("p")).to_have_text("Hello Ada")
    page.locator(f"#act-{ALAN}").click()

    playwright.expect(page.get_by_role("status").last).to_contain_text("Annulé")
    playwright.expect(page.locator(f"#send-{ALAN} .chip")).to_have_text("Annulé")
    assert "recipient=alan" in page.url
    page.get_by_role("button", name="Réactiver").first.click()
    playwright.expect(page.locator(f"#send-{ALAN} .chip")).to_have_text("Planifié")
    page.close()


def test_whoever_has_a_token_signs_in_goes_on_and_out(chromium: "Browser") -> None:
    tokens = FakeTokens()
    with served(pages(people(), tokens=tokens)) as address:
        page = chromium.new_page(locale="fr-FR", viewport={"width": 1280, "height": 800})
        page.goto(f"{address}/?recipient=alan")
        page.get_by_label("Jeton").fill("relance_wrong")
        page.keyboard.press("Enter")
        playwright.expect(page.get_by_role("alert")).to_contain_text("inconnu")
        page.get_by_label("Jeton").fill(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url("**/?recipient=alan")
        assert shown(page) == ["Alan Turing"]
        page.get_by_role("link", name="English").click()
        page.locator(f"#open-{ALAN}").click()  # the frame is asked for with the cookie, too
        playwright.expect(page.frame_locator("#pane iframe").locator("p")).to_have_text("Hello Ada")
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "relance_visit"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")

        tokens.is_revoked = True
        page.locator("#close").click()  # the next request, whichever it is, meets the door
        page.wait_for_url("**/sign-in")
        tokens.is_revoked = False
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        page.get_by_role("button", name="Sign out").click()
        page.goto(address)
        assert page.url == f"{address}/sign-in"
        page.close()


def test_a_keyboard_goes_round_the_chart_to_the_first_mail(chromium: "Browser", address: str) -> None:
    page = chromium.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="en-GB")
    page.goto(address)
    tab_to(page, ".days .skip")
    page.keyboard.press("Enter")
    tab_to(page, f"#open-{ADA}", most=12)
    page.keyboard.press("Enter")

    playwright.expect(page.locator("#pane-title")).to_be_focused()
    page.close()
