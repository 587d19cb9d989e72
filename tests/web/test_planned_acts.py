"""Cancel, reactivate and send now from the page, and the preview beside it (F017, F020, F021)."""

from html import unescape

import pytest
from httpx import AsyncClient, Response

from domain.sends import Reason, Status
from tests.web.web_fakes import SOME_ID, FakeSends, a_preview, a_send, an_id, browse, pages
from web.planned import Obstacle

OUTSIDE: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://relance.test"},
    {"Sec-Fetch-Site": "", "Origin": "http://elsewhere.test"},
]


async def press(browser: AsyncClient, act: str, back: str = "/", **headers: str) -> Response:
    return await browser.post(f"/sends/{SOME_ID}/{act}", data={"back": back}, headers=headers)


async def test_a_cancelled_mail_is_back_on_the_page_it_was_cancelled_on_and_says_so() -> None:
    async with browse(pages([a_send()])) as browser:
        done = await press(browser, "cancel", "/?recipient=ada&sort=-due")
        page = (await browser.get(done.headers["location"])).text

    assert done.status_code == 303
    assert done.headers["location"] == f"/?recipient=ada&sort=-due&told={SOME_ID}"
    told = page.split('class="told"')[1].split("</p>")[0]
    assert "Ada Lovelace" in told
    assert "Cancelled" in told
    assert "Somebody cancelled it." in told
    assert "Reactivate" in page.split(f'id="send-{SOME_ID}"')[1]


async def test_the_notice_of_a_cancelled_mail_holds_the_way_back_and_leads_to_its_line() -> None:
    """F020"""
    sends = FakeSends([a_send(), a_send(id=an_id(2), recipient_address="bob@example.org")])
    async with browse(pages(sends)) as browser:
        done = await press(browser, "cancel", "/?status=scheduled")
        page = (await browser.get(done.headers["location"])).text
        notice = page.split('class="told"')[1].split('class="list"')[0]
        line = unescape(notice.split('id="told-line" href="')[1].split('"')[0])
        its_line = (await browser.get(line)).text
        back = await press(browser, "reactivate", "/?status=scheduled")
        taken_back = (await browser.get(back.headers["location"])).text

    assert f'id="send-{SOME_ID}"' not in page  # the list shows what is scheduled
    assert f'action="/sends/{SOME_ID}/reactivate"' in notice
    assert 'name="back" value="/?status=scheduled"' in notice
    assert line.endswith(f"#send-{SOME_ID}")
    assert f'id="send-{SOME_ID}"' in its_line
    assert f'id="send-{an_id(2)}"' not in its_line
    notice = taken_back.split('class="told"')[1].split('class="list"')[0]
    assert "told-line" in notice
    assert "/reactivate" not in notice


async def test_what_comes_too_late_is_a_409_in_words_on_the_same_page() -> None:
    async with browse(pages([a_send(status=Status.SENT)])) as browser:
        english = await press(browser, "cancel", "/?recipient=ada")
        french = await press(browser, "cancel", **{"Accept-Language": "fr"})

    assert english.status_code == 409
    assert "Too late: this mail can no longer be cancelled." in english.text
    assert "Sent" in english.text.split('role="alert"')[1].split("</p>")[0]
    assert 'value="ada"' in english.text
    assert 'href="/?recipient=ada&amp;lang=fr"' in english.text  # no link leads to where only forms go
    assert "Trop tard\u00a0: ce mail ne peut plus être annulé." in french.text


@pytest.mark.parametrize("headers", OUTSIDE)
async def test_a_form_of_another_site_changes_nothing(headers: dict[str, str]) -> None:
    sends = FakeSends([a_send()])
    async with browse(pages(sends)) as browser:
        if not headers["Sec-Fetch-Site"]:
            del browser.headers["Sec-Fetch-Site"]
            headers = {"Origin": headers["Origin"]}
        answer = await press(browser, "cancel", **headers)

    assert answer.status_code == 403
    send = await sends.find_planned(SOME_ID)
    assert send is not None
    assert send.status is Status.SCHEDULED


async def test_a_browser_that_says_only_the_origin_is_believed() -> None:
    async with browse(pages([a_send()])) as browser:
        del browser.headers["Sec-Fetch-Site"]
        nothing = await press(browser, "cancel")
        own = await press(browser, "cancel", Origin="http://relance.test")

    assert (nothing.status_code, own.status_code) == (403, 303)


@pytest.mark.parametrize(
    "back", ["http://elsewhere.test/?recipient=ada", "//elsewhere.test", "", "x" * 30_000]
)
async def test_the_way_back_never_leaves_the_house(back: str) -> None:
    async with browse(pages([a_send()])) as browser:
        done = await press(browser, "cancel", back)

    assert done.status_code == 303
    assert done.headers["location"].startswith("/?")


async def test_an_act_that_is_none_and_a_send_that_is_none() -> None:
    async with browse(pages()) as browser:
        unknown = await browser.post(f"/sends/{SOME_ID}/forget")
        gone = await press(browser, "cancel")

    assert unknown.status_code == 422
    assert gone.status_code == 303


@pytest.mark.parametrize(
    ("status", "acts"),
    [
        (Status.SCHEDULED, ["cancel", "send-now"]),
        (Status.CANCELLED, ["reactivate"]),
        (Status.SENT, []),
        (Status.IN_DOUBT, ["arrived", "send-again", "drop"]),
    ],
)
async def test_only_what_is_possible_is_offered(status: Status, acts: list[str]) -> None:
    every = ("cancel", "reactivate", "send-now", "arrived", "send-again", "drop")
    async with browse(pages([a_send(status=status)])) as browser:
        page = (await browser.get(f"/?open={SOME_ID}")).text.split('<aside id="pane"')[1]

    assert [act for act in every if f'action="/sends/{SOME_ID}/{act}"' in page] == acts


async def test_the_preview_is_framed_and_may_do_nothing() -> None:
    html = "<p>Hello</p><script>alert(1)</script><iframe src='http://elsewhere.test'></iframe>"
    sends = FakeSends([a_send()], a_preview(html=html, cc=["Claire <claire@example.org>"]))
    async with browse(pages(sends)) as browser:
        page = (await browser.get(f"/?open={SOME_ID}")).text
        mail = await browser.get(f"/sends/{SOME_ID}/mail")

    assert f'<iframe class="body" sandbox="" src="/sends/{SOME_ID}/mail"' in page
    assert "Claire &lt;claire@example.org&gt;" in page
    assert "<script>alert" not in page
    policy = mail.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "form-action 'none'"} <= set(policy)
    assert not any(part.startswith(("script-src", "frame-src", "connect-src")) for part in policy)
    assert "<iframe" not in mail.text.lower()
    assert mail.headers["cache-control"] == "no-store"


async def test_where_no_mail_would_leave_the_preview_says_why() -> None:
    lacking = a_preview(html=None, obstacles=[Obstacle(Reason.TEMPLATE_FAILED, "session.rom is no tag")])
    async with browse(pages(FakeSends([a_send()], lacking))) as browser:
        page = (await browser.get(f"/?open={SOME_ID}")).text
        mail = await browser.get(f"/sends/{SOME_ID}/mail")

    assert "As things stand it does not leave" in page
    assert "Its template could not be filled in." in page
    assert "session.rom is no tag" in page
    assert "<iframe" not in page
    assert mail.status_code == 404


async def test_the_preview_of_a_mail_that_is_none_is_the_list_alone() -> None:
    async with browse(pages([a_send()])) as browser:
        page = await browser.get("/?open=00000000-0000-0000-0000-000000000009")

    assert page.status_code == 200
    assert '<aside id="pane"' not in page.text
