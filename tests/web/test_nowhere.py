"""Addresses without a page: people get one that leads back, programs a problem."""

import pytest
from fastapi import FastAPI

from api.problems import install_problems
from tests.web.web_fakes import FakeTokens, browse, pages

AS_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install_problems(app)
    app.post("/v1/things")(lambda: None)
    app.include_router(pages().router)
    return app


async def test_a_browser_is_led_back_in_its_language(app: FastAPI) -> None:
    async with browse(app) as browser:
        english = await browser.get("/nope", headers=AS_BROWSER)
        french = await browser.get("/nope/further?lang=fr", headers=AS_BROWSER)
        slash = await browser.get("/outbox/", headers=AS_BROWSER)

    assert (english.status_code, french.status_code) == (404, 404)
    assert "No such page" in english.text
    assert '<a href="/">' in english.text
    assert "Page introuvable" in french.text
    assert "default-src 'none'" in english.headers["content-security-policy"]
    assert (slash.status_code, slash.headers["location"]) == (307, "http://relance.test/outbox")


async def test_a_program_and_the_api_keep_their_problems(app: FastAPI) -> None:
    async with browse(app) as browser:
        answers = [
            await browser.get("/nope"),
            await browser.get("/v1/nope", headers=AS_BROWSER),
            await browser.post("/nope", headers=AS_BROWSER),
            await browser.get("/v1/things", headers=AS_BROWSER),
        ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 405]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_where_nobody_signs_in_the_door_leads_on() -> None:
    async with browse(pages()) as browser:
        open_door = await browser.get("/sign-in?to=/outbox")
    async with browse(pages(tokens=FakeTokens())) as browser:
        closed_door = await browser.get("/sign-in")

    assert (open_door.status_code, open_door.headers["location"]) == (303, "/")
    assert closed_door.status_code == 200
