"""Pages that ask nobody to sign in answer under names of this machine alone: no site leads a name of its own here."""

from pathlib import Path

import pytest

from domain.sends import Status
from mail.outbox import Outbox
from tests.web.web_fakes import SOME_ID, FakeSends, FakeTokens, a_send, browse, pages
from tests.web.web_mails import keep

OURS = [
    "localhost",
    "localhost:8000",
    "LOCALHOST",
    "127.0.0.1:8000",
    "127.0.0.2",
    "[::1]:8000",
    "relance.test",
]
OTHERS = [
    "elsewhere.test",
    "localhost.elsewhere.test:8000",
    "127.0.0.1.elsewhere.test",
    "relance.test.elsewhere.test",
    "192.0.2.1:8000",
    "[::1",
    "",
]


@pytest.mark.parametrize("host", OURS)
async def test_this_machine_has_several_names(host: str) -> None:
    async with browse(pages([a_send()])) as browser:
        assert (await browser.get("/", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
async def test_under_another_name_nothing_is_shown_and_nothing_done(host: str, tmp_path: Path) -> None:
    sends, name = FakeSends([a_send()]), keep(tmp_path, 1)
    paths = ["/", f"/sends/{SOME_ID}/mail", "/outbox", f"/outbox/{name}", f"/outbox/{name}/raw"]
    async with browse(pages(sends, Outbox(tmp_path))) as browser:
        browser.headers["Host"] = host
        answers = [await browser.get(path) for path in paths]
        answers.append(await browser.post(f"/sends/{SOME_ID}/cancel"))

    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (421, "text/plain; charset=utf-8")
        assert "localhost" in answer.text
        assert "Ada" not in answer.text
    send = await sends.find_planned(SOME_ID)
    assert send is not None
    assert send.status is Status.SCHEDULED


async def test_pages_that_ask_who_comes_may_have_any_name() -> None:
    async with browse(pages([a_send()], tokens=FakeTokens())) as browser:
        assert (await browser.get("/sign-in", headers={"Host": "elsewhere.test"})).status_code == 200
