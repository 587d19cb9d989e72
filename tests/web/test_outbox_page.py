import re
from html import unescape
from pathlib import Path

import pytest

from mail.outbox import Outbox
from tests.web.web_fakes import SOME_ID, a_send, browse, pages
from tests.web.web_mails import HOSTILE, keep

# No way out for a script, a style or an image, on any page.
STRICT = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"


async def test_the_newest_mail_leads_the_list(tmp_path: Path) -> None:
    keep(tmp_path, 1, subject="First")
    keep(tmp_path, 2, subject="Second")
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        page = (await browser.get("/outbox")).text

    assert "Captured: nothing leaves this machine." in page
    assert page.index("Second") < page.index("First")
    assert "Ada Lovelace" in page


async def test_the_page_speaks_french(tmp_path: Path) -> None:
    name = keep(tmp_path, 1)
    async with browse(pages(outbox=Outbox(tmp_path)), "fr") as browser:
        page = (await browser.get(f"/outbox/{name}")).text

    assert '<html lang="fr">' in page
    assert "Capturé\u00a0: rien ne quitte cette machine." in page
    for words in ("Boîte d’envoi", "Texte brut", "En-têtes", "Télécharger"):
        assert words in page


async def test_an_empty_outbox_says_when_a_mail_will_come(tmp_path: Path) -> None:
    async with browse(pages(outbox=Outbox(tmp_path / "not yet there"))) as browser:
        page = (await browser.get("/outbox")).text

    assert "When a send falls due, its mail appears here by itself." in page


async def test_a_mail_is_shown_beside_the_list(tmp_path: Path) -> None:
    keep(tmp_path, 1, subject="Another one")
    name = keep(tmp_path, 2, subject="Café & <b>thé</b>")
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        page = (await browser.get(f"/outbox/{name}")).text

    assert '<h2 id="subject"><bdi>Café &amp; &lt;b&gt;thé&lt;/b&gt;</bdi></h2>' in page
    assert f'<iframe class="body" sandbox="" src="/outbox/{name}/html"' in page
    assert "Another one" in page
    chosen = re.search(r'<a id="mail-([^"]+)"[^>]*aria-current="true"', page)
    assert chosen is not None
    assert chosen[1] == name


async def test_plain_text_and_headers_have_their_own_view(tmp_path: Path) -> None:
    name = keep(tmp_path, 7, text="Fish & <chips>")
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        text = (await browser.get(f"/outbox/{name}?view=text")).text
        headers = (await browser.get(f"/outbox/{name}?view=headers")).text

    assert "Fish &amp; &lt;chips&gt;" in text
    assert "<iframe" not in text
    assert "Message-ID" in headers
    assert "&lt;7@example.org&gt;" in headers


async def test_a_mail_without_html_opens_as_text(tmp_path: Path) -> None:
    name = keep(tmp_path, 1, html=None)
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        page = await browser.get(f"/outbox/{name}")
        html = await browser.get(f"/outbox/{name}/html")

    assert "Hello Ada" in page.text
    assert "view=html" not in page.text
    assert html.status_code == 404


async def test_a_mail_can_be_downloaded_as_it_was_caught(tmp_path: Path) -> None:
    name = keep(tmp_path, 1)
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        answer = await browser.get(f"/outbox/{name}/raw")

    assert answer.content == (tmp_path / name).read_bytes()
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_hostile_mail_is_served_apart_under_a_policy_of_its_own(tmp_path: Path) -> None:
    name = keep(tmp_path, 1, subject="<script>alert(1)</script>", html=HOSTILE)
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        page = await browser.get(f"/outbox/{name}")
        html = await browser.get(f"/outbox/{name}/html")

    assert "elsewhere.test" not in page.text  # its markup is nowhere in ours
    assert "<script>alert" not in page.text
    policy = html.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "img-src data: cid:", "form-action 'none'"} <= set(policy)
    assert not any(part.startswith(("script-src", "frame-src", "connect-src")) for part in policy)
    assert html.headers["referrer-policy"] == "no-referrer"
    assert "<iframe" not in html.text.lower()  # Chromium connects before it asks the policy


async def test_a_header_cannot_leave_its_line_or_its_place(tmp_path: Path) -> None:
    name = keep(tmp_path, 1, to='"<img src=x onerror=alert(1)>" <ada@example.org>')
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        page = await browser.get(f"/outbox/{name}?view=headers")

    assert "<img" not in page.text


@pytest.mark.parametrize(
    "name",
    [
        "20261121T194000.000009Z-test.eml",
        "nothing",
        "%2e%2e",
        "..%2Fsecret.eml",
        "..%5Csecret.eml",
        "%2Fetc%2Fpasswd",
        "secret.eml%00",
        "%3Cscript%3E",
        "x" * 3000,
    ],
)
@pytest.mark.parametrize("part", ["", "/html", "/raw"])
async def test_what_is_no_mail_of_the_folder_is_not_found(tmp_path: Path, name: str, part: str) -> None:
    folder = tmp_path / "outbox"
    folder.mkdir()
    (tmp_path / "secret.eml").write_text("Subject: secret\n\nsecret")
    async with browse(pages(outbox=Outbox(folder))) as browser:
        answer = await browser.get(f"/outbox/{name}{part}")

    assert answer.status_code == 404
    assert "Subject: secret" not in answer.text
    assert "<script>" not in answer.text


async def test_an_unknown_mail_gets_a_page_with_a_way_back(tmp_path: Path) -> None:
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        answer = await browser.get("/outbox/gone.eml")

    assert answer.status_code == 404
    assert "No such mail" in answer.text
    assert 'href="/outbox"' in answer.text


async def test_older_mails_are_a_page_away(tmp_path: Path) -> None:
    names = [keep(tmp_path, number) for number in range(60)]
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        first = (await browser.get("/outbox")).text
        older = re.search(r'href="(/outbox\?before=[^"]+)"', first)
        assert older is not None
        second = (await browser.get(unescape(older[1]))).text

    assert first.count('id="mail-') == 50
    assert second.count('id="mail-') == 10
    assert f'id="mail-{names[0]}"' in second
    assert f'href="/outbox/{names[0]}?before=' in second  # opening one keeps the place in the list


async def test_a_refresh_keeps_the_selection_and_brings_the_new_mail(tmp_path: Path) -> None:
    name = keep(tmp_path, 1, subject="Read now")
    async with browse(pages(outbox=Outbox(tmp_path))) as browser:
        asks = {"HX-Request": "true", "HX-Target": "div#mails"}
        before = await browser.get(f"/outbox/{name}", headers=asks)
        asked = {**asks, "If-None-Match": before.headers["etag"]}
        unchanged = await browser.get(f"/outbox/{name}", headers=asked)
        keep(tmp_path, 2, subject="Just came")
        after = await browser.get(f"/outbox/{name}", headers=asked)

    assert unchanged.status_code == 304
    assert after.status_code == 200
    assert "Just came" in after.text
    assert after.text.count("aria-current") == 1
    assert "2 mails" in after.text


async def test_without_a_mailbox_there_is_no_outbox() -> None:
    async with browse(pages()) as browser:
        page = await browser.get("/")
        outbox = await browser.get("/outbox")

    assert "/outbox" not in page.text
    assert outbox.status_code == 404


async def test_every_answer_tells_the_browser_what_to_refuse(tmp_path: Path) -> None:
    name = keep(tmp_path, 1)
    app = pages([a_send()], Outbox(tmp_path), "http://127.0.0.1:8233")
    paths = [
        "/",
        "/?after=x",
        "/?lang=fr",
        f"/?open={SOME_ID}",
        "/outbox",
        f"/outbox/{name}",
        "/outbox/gone.eml",
    ]
    paths += ["/static/relance.css", "/static/none"]
    async with browse(app) as browser:
        answers = [
            await browser.get(path) for path in [*paths, f"/outbox/{name}/html", f"/outbox/{name}/raw"]
        ]

    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for answer in answers[: len(paths)]:
        assert answer.headers["content-security-policy"].startswith(STRICT)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
