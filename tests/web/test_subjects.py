"""Subjects as templates have them, made readable."""

import pytest

from tests.web.web_fakes import a_send, browse, pages
from web.subjects import Words, read_subject


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Hello", [Words("Hello")]),
        (
            "Hi: {{ session.name }}, on {{session.starts_at | date}}!",
            [
                Words("Hi: "),
                Words("session name", True),
                Words(", on "),
                Words("session starts at", True),
                Words("!"),
            ],
        ),
        ("{{- person.first_name -}}", [Words("person first name", True)]),
        ("{% if center %}At {{ center }}{% endif %}{# old #}", [Words("At "), Words("center", True)]),
        ("{{ }} {{ broken", [Words("…", True), Words(" {{ broken")]),
        ("", []),
    ],
)
def test_a_tag_is_told_by_its_name(subject: str, words: list[Words]) -> None:
    assert read_subject(subject) == words


async def test_a_row_shows_no_braces_and_stays_escaped() -> None:
    async with browse(pages([a_send(subject="{{ session.name }} <b> {{ '<i>' }}")])) as browser:
        page = (await browser.get("/")).text

    assert '<span class="tag">session name</span> &lt;b&gt;' in page
    assert "{{" not in page
    assert "<i>" not in page


async def test_the_filter_says_that_it_searches_the_template() -> None:
    async with browse(pages([a_send()])) as browser:
        english, french = (await browser.get("/")).text, (await browser.get("/?lang=fr")).text

    assert "Searches the words of the template" in english
    assert 'placeholder="mots du modèle"' in french
