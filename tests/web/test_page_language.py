import pytest

from tests.web.web_fakes import browse, pages


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-US,en;q=0.9,fr;q=0.8", "en"),
        ("de,fr;q=0.7,en;q=0.3", "fr"),
        ("en;q=0.2, fr-CA;q=0.4", "fr"),
        ("fr;q=0, en;q=0.1", "en"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=one", "en"),
    ],
)
async def test_a_page_speaks_the_language_the_browser_prefers(accept: str, language: str) -> None:
    async with browse(pages(), accept) as browser:
        answer = await browser.get("/")

    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language


async def test_a_language_chosen_once_is_remembered() -> None:
    async with browse(pages(), "en") as browser:
        chosen = await browser.get("/?lang=fr")
        later = await browser.get("/")

    assert "Planifiés" in chosen.text
    assert "Planifiés" in later.text
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert "set-cookie" not in later.headers


@pytest.mark.parametrize("unknown", ["de", "", "FR", "../fr", "<b>"])
async def test_an_unknown_language_is_not_taken(unknown: str) -> None:
    async with browse(pages(), "en") as browser:
        answer = await browser.get("/", params={"lang": unknown})

    assert '<html lang="en">' in answer.text
    assert "set-cookie" not in answer.headers


async def test_the_other_language_keeps_the_place() -> None:
    async with browse(pages()) as browser:
        page = (await browser.get("/?after=50&lang=en")).text

    assert 'href="/?after=50&amp;lang=fr"' in page
