"""Which addresses Relance writes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.addresses import check_address
from mail.compose import Mailbox


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("claire@example.org", "claire@example.org"),
        ("Claire.Martin+training@Example.ORG", "Claire.Martin+training@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("claire@exämple.org", "claire@xn--exmple-cua.org"),
        ("claire@例え.jp", "claire@xn--r8jz45g.jp"),
        ("zoé@example.org", "zoé@example.org"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
        ("claire@example.com", "claire@example.com"),
    ],
)
def test_an_address_comes_back_with_its_domain_in_ascii(written: str, meant: str) -> None:
    assert check_address(written) == meant
    assert check_address(meant) == meant


HOSTILE = [
    "",
    " ",
    "claire",
    "@example.org",
    "claire@",
    " claire@example.org",
    "claire@example.org ",
    "claire@example.org\n",
    "claire@example.org\r\nRCPT TO:<eve@example.org>",
    "claire\x00@example.org",
    "claire\x7f@example.org",
    "claire\u2028@example.org",
    "claire\u202e@example.org",
    "claire@example.org, eve@example.org",
    "claire@example.org,eve@example.org",
    "claire@example.org; eve@example.org",
    "claire@example.org eve@example.org",
    "claire@eve@example.org",
    "Claire <claire@example.org>",
    "<claire@example.org>",
    "claire@example.org>",
    "@relay.example.org:claire@example.org",
    "claire%example.org@",
    '"claire martin"@example.org',
    '"a@b"@example.org',
    "(comment)claire@example.org",
    "-oQ/tmp@example.org",
    "claire@[127.0.0.1]",
    "claire@127.0.0.1",
    "claire@localhost",
    "claire@example",
    "claire@example..org",
    "claire@-example.org",
    "claire@exa_mple.org",
    ".claire@example.org",
    "claire.@example.org",
    "x" * 65 + "@example.org",
    "é" * 33 + "@example.org",
    "claire@" + "x" * 64 + ".org",
    "claire@" + ".".join(["x" * 60] * 5) + ".org",
    "=?utf-8?q?claire=40example.org=0D=0A?=@example.org",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_anything_else_is_refused_in_a_sentence_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].+\.$") as caught:
        check_address(text)
    assert caught.value.__context__ is None
    assert len(text) < 8 or text not in str(caught.value)


@given(st.text(max_size=300) | st.emails())
def test_what_passes_is_one_word_that_passes_again(text: str) -> None:
    try:
        address = check_address(text)
    except ValueError:
        return
    assert len(address.encode()) <= 254
    assert not any(character.isspace() or ord(character) < 33 for character in address)
    assert address.count("@") == 1
    assert not set(address) & set('<>,;:"()\\')
    assert check_address(address) == address


def test_a_mailbox_cannot_be_made_without_a_good_address() -> None:
    assert Mailbox("Claire@EXAMPLE.org", "Claire").address == "Claire@example.org"
    with pytest.raises(ValueError, match="One address only"):
        Mailbox("claire@example.org, eve@example.org")


def test_nobody_is_named_in_a_log_by_accident() -> None:
    assert "claire" not in repr(Mailbox("claire@example.org", "Claire")).lower()
