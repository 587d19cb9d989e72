"""Every page under axe, in both languages, light and dark, on a desk and on a phone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from domain.sends import Reason, Status
from mail.outbox import Outbox
from tests.web.web_browser import DESKTOP, PHONE, needs_chromium, served
from tests.web.web_fakes import NOW, FakeSends, FakeTokens, a_preview, a_send, an_id, pages
from tests.web.web_mails import keep
from web.planned import Obstacle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_chromium

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RUN = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const found = await axe.run({ runOnly: tags, iframes: false });
    return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`);
}"""

Look = tuple[str, Literal["light", "dark"], tuple[int, int]]
# Every pair of language and scheme, of scheme and width, and of width and language is among them.
LOOKS: list[Look] = [
    ("en-GB", "light", DESKTOP),
    ("fr-FR", "dark", DESKTOP),
    ("en-GB", "dark", PHONE),
    ("fr-FR", "light", PHONE),
]


def everything() -> FakeSends:
    """Return a send in every status, each with a reason, cancelled or not, today and later."""
    reasons = list(Reason)
    return FakeSends(
        [
            a_send(
                id=an_id(number + 1),
                status=status,
                reason=reasons[number] if number % 2 else None,
                due_at=NOW + timedelta(days=number - 4),
                recipient_address=None if number == 3 else "ada@example.org",
                subject="See you on {{ session.starts_at | date }}",
                room="B 204",
                center="Lyon",
                workflow_url="http://127.0.0.1:8233/workflows/send",
                **({"trigger": None} if number == 4 else {}),
            )
            for number, status in enumerate(Status)
        ]
    )


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outbox")
    keep(folder, 1, subject="The first")
    return folder


@pytest.fixture(scope="module")
def address(mails: Path) -> Iterator[str]:
    with served(pages(everything(), Outbox(mails), "http://127.0.0.1:8233")) as address:
        yield address


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Pages with nothing to show, without a mail to preview, and closed ones."""
    empty = Outbox(tmp_path_factory.mktemp("empty"))
    obstacle = Obstacle(Reason.TEMPLATE_FAILED, "session.rom is no tag; did you mean room?")
    unwritten = a_preview(html=None, text=None, obstacles=[obstacle])
    with (
        served(pages((), empty)) as nothing,
        served(pages(FakeSends([a_send(id=an_id(1))], unwritten))) as no_mail,
        served(pages(tokens=FakeTokens())) as closed,
    ):
        yield {"nothing": nothing, "no_mail": no_mail, "closed": closed}


@pytest.fixture(params=LOOKS, ids=["-".join(map(str, (*look[:2], look[2][0]))) for look in LOOKS])
def context(chromium: "Browser", request: pytest.FixtureRequest) -> Iterator["BrowserContext"]:
    locale, scheme, (width, height) = request.param
    context = chromium.new_context(
        locale=locale,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        bypass_csp=True,  # for axe alone: the other tests run under it
        reduced_motion="reduce",
    )
    yield context
    context.close()


def violations(page: "Page") -> list[str]:
    page.add_script_tag(path=AXE)
    found: list[str] = page.evaluate(RUN)
    return found


def test_axe_finds_nothing_on_any_page(
    context: "BrowserContext", address: str, others: dict[str, str], mails: Path
) -> None:
    mail = next(mails.glob("*.eml")).name
    asked = [
        f"{address}/",
        f"{address}/?open={an_id(1)}&status=scheduled&reason=too_late&due_from=2026-11-20",
        f"{address}/?open={an_id(5)}&told={an_id(1)}&sort=-due",
        f"{address}/?told={an_id(list(Status).index(Status.CANCELLED) + 1)}&due_from=2028-01-01&due_to=2028-01-02",
        f"{address}/?recipient=nobody",
        f"{address}/sends/{an_id(1)}/why",
        f"{address}/nope",
        f"{address}/outbox",
        f"{address}/outbox/{mail}",
        f"{address}/outbox/{mail}?view=text",
        f"{address}/outbox/{mail}?view=headers",
        f"{address}/outbox/gone.eml",
        f"{others['nothing']}/",
        f"{others['nothing']}/outbox",
        f"{others['no_mail']}/?open={an_id(1)}",
        f"{others['closed']}/sign-in",
    ]
    page = context.new_page()
    found = {}
    for one in asked:
        page.goto(one)
        found[one] = violations(page)

    assert {one: wrong for one, wrong in found.items() if wrong} == {}


def test_axe_finds_nothing_in_what_unfolds(
    context: "BrowserContext", address: str, others: dict[str, str]
) -> None:
    page = context.new_page()
    page.goto(address)
    for folded in page.locator("details").all():
        folded.evaluate("one => { one.open = true }")
    page.locator(f"#rule-{an_id(1)}").focus()
    assert violations(page) == []

    page.goto(f"{address}/?open={an_id(1)}")
    for folded in page.locator("#pane details").all():
        folded.evaluate("one => { one.open = true }")
    assert violations(page) == []

    page.goto(f"{others['closed']}/sign-in")
    page.locator("#token").fill("relance_wrong")
    page.keyboard.press("Enter")
    page.locator("#wrong").wait_for()
    assert violations(page) == []


def test_axe_would_find_something(chromium: "Browser", address: str) -> None:
    page = chromium.new_page(bypass_csp=True)
    page.goto(address)
    page.evaluate("document.querySelector('#filter-recipient').closest('label').replaceWith('Recipient')")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/x.png\">')")

    assert any(one.startswith("image-alt") for one in violations(page))
    page.close()
