"""Which mail server, and how it is reached."""

import traceback

import pytest

from mail.transport import RelaySettings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "none")),
        ("smtp://localhost", ("localhost", 25, "none")),
        ("smtp://[::1]:2525", ("::1", 2525, "none")),
        ("smtp://mail.example.org", ("mail.example.org", 25, "starttls")),
        ("smtp://mail.example.org?tls=none", ("mail.example.org", 25, "none")),
        ("smtp://localhost?tls=starttls", ("localhost", 25, "starttls")),
        ("smtp://mail.example.org:465?tls=implicit", ("mail.example.org", 465, "implicit")),
        ("smtp+starttls://mail.example.org", ("mail.example.org", 587, "starttls")),
        ("smtps://mail.example.org", ("mail.example.org", 465, "implicit")),
    ],
)
def test_a_url_says_where_and_how_encrypted(url: str, expected: tuple[str, int, str]) -> None:
    found = RelaySettings.from_url(url)
    assert (found.host, found.port, found.tls) == expected


def test_name_and_password_are_read_from_a_url_and_shown_to_nobody() -> None:
    found = RelaySettings.from_url("smtps://us%40er:p%2Fss%40word@mail.example.org")
    assert (found.username, found.password) == ("us@er", "p/ss@word")
    assert "p/ss@word" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@mail.example.org",
        "smtp://user:secret@",
        "smtp://user:sec:ret@mail.example.org:port",
        "smtp://user:secret@[::1",
        "smtp://user:secret@mail.example.org?tls=maybe",
        "smtp://user:secret@mail\u2100.example.org",
        "mail.example.org",
    ],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(a mail server is written|tls is one of)") as caught:
        RelaySettings.from_url(url)
    assert "sec" not in "".join(traceback.format_exception(caught.value)).split("ValueError: ")[-1]


def test_a_password_never_travels_in_the_clear() -> None:
    """PROTOCOLS 5.2: no AUTH in clear, `none` only for loopback."""
    with pytest.raises(ValueError, match="readable by all"):
        RelaySettings.from_url("smtp://claire:secret@mail.example.org?tls=none")
    assert RelaySettings.from_url("smtp://claire:secret@127.0.0.1?tls=none").tls == "none"
