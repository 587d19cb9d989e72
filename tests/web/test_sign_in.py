"""Pages are personal data: nobody sees one without a token."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from mail.outbox import Outbox
from tests.web.web_fakes import NOW, SOME_ID, TOKEN, FakeSends, FakeTokens, a_send, browse, pages
from tests.web.web_mails import keep
from web.sign_in import COOKIE, LASTS, SignIn


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def test_every_page_asks_who_comes(tmp_path: Path) -> None:
    name = keep(tmp_path, 1)
    paths = ["/", "/?recipient=ada", f"/?open={SOME_ID}", f"/sends/{SOME_ID}/mail"]
    paths += ["/outbox", f"/outbox/{name}", f"/outbox/{name}/html", f"/outbox/{name}/raw"]
    async with browse(pages([a_send()], Outbox(tmp_path), tokens=FakeTokens())) as browser:
        for path in paths:
            answer = await browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in")
            assert answer.content == b""
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        style = await browser.get("/static/relance.css")

    assert style.status_code == 200


async def test_every_form_asks_who_comes() -> None:
    sends = FakeSends([a_send()])
    async with browse(pages(sends, tokens=FakeTokens())) as browser:
        answer = await browser.post(f"/sends/{SOME_ID}/cancel")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    send = await sends.find_planned(SOME_ID)
    assert send is not None
    assert send.status == "scheduled"


async def test_l06_a_decision_knows_the_token_that_was_shown_and_open_pages_know_nobody() -> None:
    signed_in, left_open = FakeSends([a_send()]), FakeSends([a_send()])
    async with browse(pages(signed_in, tokens=FakeTokens())) as browser:
        await browser.post("/sign-in", data={"token": TOKEN})
        await browser.post(f"/sends/{SOME_ID}/cancel")
    async with browse(pages(left_open)) as browser:
        await browser.post(f"/sends/{SOME_ID}/cancel")

    assert (signed_in.deciders, left_open.deciders) == (["LMS"], [None])


async def test_a_part_of_a_page_leads_the_whole_page_to_the_door() -> None:
    async with browse(pages([a_send()], tokens=FakeTokens())) as browser:
        answer = await browser.get("/", headers={"HX-Request": "true", "HX-Target": "div#sends"})

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in"


async def test_a_token_opens_the_page_that_was_asked_for() -> None:
    async with browse(pages([a_send()], tokens=FakeTokens())) as browser:
        door = (await browser.get("/?recipient=ada")).headers["location"]
        asked = (await browser.get(door)).text
        entered = await browser.post("/sign-in", data={"token": f" {TOKEN}\n", "to": "/?recipient=ada"})
        page = await browser.get(entered.headers["location"])

    assert 'name="to" value="/?recipient=ada"' in asked
    cookie = entered.headers["set-cookie"]
    for word in (f"{COOKIE}=", "HttpOnly", "SameSite=strict", "Max-Age=43200"):
        assert word in cookie
    assert "Secure" not in cookie  # over http no browser would send it back
    assert TOKEN not in cookie
    assert "Ada Lovelace" in page.text
    assert "Sign out" in page.text


async def test_over_https_the_cookie_never_leaves_it() -> None:
    async with browse(pages(tokens=FakeTokens())) as browser:
        entered = await browser.post("https://relance.test/sign-in", data={"token": TOKEN})

    assert "Secure" in entered.headers["set-cookie"]


@pytest.mark.parametrize("words", ["", "relance_wrong", TOKEN[:-1], TOKEN.upper()])
async def test_other_words_open_nothing(words: str) -> None:
    async with browse(pages(tokens=FakeTokens()), "fr") as browser:
        answer = await browser.post("/sign-in", data={"token": words})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "Ce jeton est inconnu ici" in answer.text


@pytest.mark.parametrize(
    "to", ["http://elsewhere.test", "//elsewhere.test", "/\\elsewhere.test", "a", "/\r\nX: y"]
)
async def test_signing_in_never_leads_elsewhere(to: str) -> None:
    async with browse(pages(tokens=FakeTokens())) as browser:
        entered = await browser.post("/sign-in", data={"token": TOKEN, "to": to})

    assert entered.headers["location"] == "/"


async def test_a_form_of_another_site_signs_nobody_in_or_out() -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    async with browse(pages(tokens=FakeTokens())) as browser:
        in_ = await browser.post("/sign-in", data={"token": TOKEN}, headers=elsewhere)
        out = await browser.post("/sign-out", headers=elsewhere)

    assert (in_.status_code, out.status_code) == (403, 403)


async def test_signing_out_takes_the_cookie_back() -> None:
    async with browse(pages([a_send()], tokens=FakeTokens())) as browser:
        await browser.post("/sign-in", data={"token": TOKEN})
        assert (await browser.get("/")).status_code == 200
        await browser.post("/sign-out")

        assert (await browser.get("/")).status_code == 303


async def test_a_visit_ends_by_itself_and_with_its_token() -> None:
    tokens, clock = FakeTokens(), Clock()
    sign_in = SignIn(tokens, clock)
    visit = await sign_in.begin(TOKEN)
    clock.now += LASTS - timedelta(seconds=1)
    assert await sign_in.find_name(visit)

    tokens.is_revoked = True
    assert not await sign_in.find_name(visit)
    tokens.is_revoked = False
    clock.now += timedelta(seconds=1)
    assert not await sign_in.find_name(visit)


async def test_no_cookie_but_ours_is_believed() -> None:
    sign_in = SignIn(FakeTokens(), lambda: NOW)
    visit = await sign_in.begin(TOKEN)
    assert visit is not None
    id, ends, signature = visit.split(".")

    assert await sign_in.find_name(visit)
    for forged in (
        None,
        "",
        "..",
        f"{id}.{ends}.",
        f"{id}.{ends}.{signature[:-1]}0",
        f"{id}.{int(ends) + 1}.{signature}",
        f"{'0' * 32}.{ends}.{signature}",
        f"{id}.{ends}.{signature}.",
        f"{id}.é.{signature}",
        f"{id}.{ends}.é",
    ):
        assert not await sign_in.find_name(forged), forged


async def test_ten_wrong_tokens_a_minute_from_one_address_and_no_more() -> None:
    clock = Clock()
    app = pages([a_send()], tokens=FakeTokens(), now=clock)
    async with browse(app, "fr") as browser, browse(app, client=("192.0.2.1", 1)) as other:
        wrong = [await browser.post("/sign-in", data={"token": "wrong"}) for _ in range(10)]
        clock.now += timedelta(seconds=20)
        refused = [await browser.post("/sign-in", data={"token": words}) for words in ("wrong", TOKEN)]
        elsewhere = await other.post("/sign-in", data={"token": TOKEN})
        clock.now += timedelta(seconds=40)
        again = await browser.post("/sign-in", data={"token": TOKEN})

    assert {answer.status_code for answer in wrong} == {403}
    for answer in refused:
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "40")
        assert "Trop de jetons refusés" in answer.text
        assert "set-cookie" not in answer.headers
    assert (elsewhere.status_code, again.status_code) == (303, 303)


class FarTokens(FakeTokens):
    """They take their time, as those of a database do."""

    async def find_id(self, words: str) -> UUID | None:
        await asyncio.sleep(0.05)
        return await super().find_id(words)


async def test_guesses_that_come_at_once_are_counted_before_they_are_looked_at() -> None:
    async with browse(pages(tokens=FarTokens())) as browser:
        guesses = [browser.post("/sign-in", data={"token": "wrong"}) for _ in range(30)]
        answers = await asyncio.gather(*guesses)

    assert sorted(answer.status_code for answer in answers) == [403] * 10 + [429] * 20


async def test_whoever_shows_a_right_token_may_do_so_again_and_again() -> None:
    async with browse(pages(tokens=FakeTokens())) as browser:
        entered = [await browser.post("/sign-in", data={"token": TOKEN}) for _ in range(30)]

    assert {answer.status_code for answer in entered} == {303}
