"""The two bodies of a mail: what is inlined, what is said in plain text, and what hostile pages cannot do."""

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inscriptis.css_profiles import STRICT_CSS_PROFILE

from mail.markup import bare, is_plain
from mail.parts import inline_styles, plain_text

STYLED = """<!DOCTYPE html>
<html><head><title>Hello</title><style>
p { color: #333 } .note { font-weight: bold }
@media (max-width: 600px) { p { font-size: 18px } }
</style></head><body>
<!--[if mso]><p>Only one program sees this</p><![endif]-->
<p class="note">Dear Claire, 2 <3</p>
<ul><li>one<li>two</ul>
</body></html>
"""


def test_styles_are_copied_to_their_elements_and_media_rules_stay() -> None:
    page = inline_styles(STYLED)
    assert '<p class="note" style="color: #333;font-weight: bold;">' in page
    assert "@media (max-width: 600px)" in page
    assert "<!--[if mso]>" in page


def test_a_page_without_styles_comes_back_as_it_is() -> None:
    assert inline_styles("<p>Hello<br>you") == "<p>Hello<br>you"


@pytest.mark.parametrize(
    "page",
    [
        "<style>p{}</style><p><b>crossed</p></b>",
        "<style>p{}</style><p>never closed <b>",
        "<style>p{}</style><p title=\"a\"b='c'>no space</p>",
        "<style>p{}</style><svg><style><!--</style></svg>",
        "<style>p{}</style><textarea><!--</textarea><p>-->",
        "<style>p{}</style><!--><p>a comment that is closed at once-->",
        "<style>p{}</style><p><!-- a --!> b --></p>",
        "<style>p{}</style><p <b>",
        "<style>p{}</style></p>",
        "<style>p{}</style>" + "<div>" * 101 + "</div>" * 101,
        "<style>p{}</style>" + "<b>" * 9 + "</b>" * 9,
        "<style>p{}",
    ],
)
def test_a_page_that_parsers_read_differently_keeps_its_styles_where_they_are(page: str) -> None:
    assert not is_plain(page)
    assert inline_styles(page) == page


HOSTILE_PAGES = {
    "unclosed tags": "<style>b{color:red}</style>" + "<b>" * 60_000,
    "formatting opened again and again": "<style>b{color:red}</style>"
    + "".join(f"<p><b id={number}>" for number in range(12_000)),
    "one rule for everything": "<style>*{" + "color:red;" * 2_000 + "}</style>" + "<i>x</i>" * 20_000,
    "many attributes": "<p " + " ".join(f"a{number}" for number in range(40_000)) + ">x</p>",
    "deep lists": "<ul>" * 90 + "<li>x\n" * 2_000,
    "wide table": "<table><tr><td>"
    + "x" * 50_000
    + "</td></tr>"
    + "<tr><td>y</td></tr>" * 5_000
    + "</table>",
    "wide padding": '<div style="padding-left: 99999em; margin-top: 99999em">' * 50 + "<p>x" * 500,
    "long numbers": "<ol><li value=" + "9" * 5_000 + ">x</ol>",
    "numbers that are none": "<ol><li value=²>x</ol>",
    "open comments": "<!--" * 50_000,
    "open declarations": "<!" * 100_000,
    "open quotes": '<a "<b' * 30_000,
    "deep tables": "<table><tr><td>" * 500 + "x",
    "links": '<a href="x">' * 15_000,
    "nothing": "",
}


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_a_hostile_page_makes_no_body_much_longer_than_itself(name: str) -> None:
    page = HOSTILE_PAGES[name]
    assert len(inline_styles(page)) < 2 * len(page) + 100
    assert len(plain_text(page)) < 40 * len(page) + 100
    gc.collect()


def test_a_page_that_overflows_the_stack_of_the_library_is_not_given_to_it() -> None:
    """In a process of its own, since without the check it would end this one."""
    code = (
        "from mail.parts import inline_styles; inline_styles('<style>b{color:red}</style>' + '<b>' * 80000)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_no_file_and_no_address_named_in_a_page_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: tomato }")
    page = (
        f'<link rel="stylesheet" href="{secret}"><link rel="stylesheet" href="{secret.as_uri()}">'
        f'<style>@import "{secret.as_uri()}"; b {{ top: 0 }}</style><p>Hello</p>'
    )
    assert "tomato" not in inline_styles(page)


def test_plain_text_keeps_links_lists_and_one_line_per_row() -> None:
    page = """<html><head><title>no</title><style>p{}</style></head><body>
    <div style="DISPLAY : none">preview line</div>
    <h1>Hello &amp; welcome</h1><p>Your <b>session</b>: <a href="https://example.org/?a=1&amp;b=2">here</a></p>
    <ul><li>one</li><li>two</li></ul>
    <table><tr><th>Day</th><th>Room</th></tr><tr><td>Monday</td><td>B 12</td></tr></table>
    <p>Bye<br>The team <i style="display:none">hidden</i></p></body></html>"""
    assert plain_text(page).splitlines() == [
        "Hello & welcome",
        "",
        "Your session: [here](https://example.org/?a=1&b=2)",
        "",
        "* one",
        "* two",
        "Day | Room",
        "Monday | B 12",
        "",
        "Bye",
        "The team",
    ]


def test_mails_written_at_the_same_time_do_not_mix() -> None:
    """The library writes through an element of a table that all threads share: once in 2,400, into another's text."""
    pages = [f"<p>{number}</p>" * 50 for number in range(100)]
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(plain_text, pages))
    for number, text in enumerate(texts):
        assert set(text.split()) == {str(number)}
    assert STRICT_CSS_PROFILE["body"].canvas is None


@given(st.text(alphabet="<>/!-ab \"'=&;x", max_size=80))
def test_whatever_a_page_is_it_has_a_text(page: str) -> None:
    assert plain_text(page).endswith("\n")
    assert inline_styles(f"<style>b{{color:red}}</style>{page}")


@given(st.text(alphabet="<>/!-abiph \"'=&;", max_size=80))
def test_a_page_reduced_twice_is_reduced_once(page: str) -> None:
    assert bare(bare(page)) == bare(page)
