"""The outbox: caught mails as their readers would see them, whatever somebody put into the files."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mail.compose import Mailbox
from mail.outbox import Outbox
from tests.mail.letters import NOON, a_letter


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path)


def put(outbox: Outbox, name: str, content: bytes) -> None:
    (outbox.folder / name).write_bytes(content)


def test_a_mail_is_shown_as_its_reader_would_see_it(outbox: Outbox) -> None:
    message = a_letter(
        "zoe@example.org",
        name="Zoé, of « Example »",
        subject="Convocation : à bientôt 🎓",
        html="<p>À bientôt</p>",
        text="À bientôt\n",
        reply_to=Mailbox("answers@example.org"),
    )
    put(outbox, "1.eml", message.body)
    mail = outbox.read("1.eml")
    assert mail is not None
    assert mail.subject == "Convocation : à bientôt 🎓"
    assert mail.sender == "Example Training <training@example.org>"
    assert mail.to == "Zoé, of « Example » <zoe@example.org>"
    assert mail.date == NOON
    assert (mail.html, mail.text) == ("<p>À bientôt</p>", "À bientôt\r\n")
    assert ("Reply-To", "answers@example.org") in mail.headers
    assert mail.raw == message.body


def test_the_newest_mails_come_first_page_by_page(outbox: Outbox) -> None:
    for number in range(7):
        put(outbox, f"2026-{number}.eml", a_letter(subject=f"Mail {number}").body)
    first = outbox.list(3)
    assert [mail.subject for mail in first] == ["Mail 6", "Mail 5", "Mail 4"]
    second = outbox.list(3, before=first[-1].name)
    assert [mail.subject for mail in second] == ["Mail 3", "Mail 2", "Mail 1"]
    assert [mail.subject for mail in outbox.list(3, before=second[-1].name)] == ["Mail 0"]
    assert outbox.list(3, before="2026-0.eml") == []


def test_what_is_no_mail_of_the_mailbox_is_not_listed(outbox: Outbox) -> None:
    for name in ("accepted.jsonl", ".unfinished.eml", "notes.txt", "a b.eml", "1.eml.tmp"):
        put(outbox, name, b"Subject: no\r\n\r\n")
    assert outbox.list(10) == []


def test_a_folder_that_does_not_exist_yet_holds_nothing(tmp_path: Path) -> None:
    assert Outbox(tmp_path / "later").list(10) == []


@pytest.mark.parametrize(
    "name",
    ["", "..", "../secret.eml", "/etc/passwd", "sub/1.eml", "..%2fsecret.eml", ".hidden.eml", "1.eml\0", "1.eml/", "x.txt", "1.eml\n"],
)  # fmt: skip
def test_only_names_of_mails_are_read(outbox: Outbox, name: str) -> None:
    put(outbox, "1.eml", b"")
    (outbox.folder.parent / "secret.eml").write_bytes(b"Subject: secret\r\n\r\n")
    put(outbox, ".hidden.eml", b"Subject: secret\r\n\r\n")
    assert outbox.read(name) is None


def test_a_mail_that_went_away_is_no_mail(outbox: Outbox) -> None:
    assert outbox.read("1.eml") is None


def test_a_mail_without_a_date_came_when_its_file_did(outbox: Outbox) -> None:
    put(outbox, "1.eml", b"Subject: x\r\n\r\nHello")
    os.utime(outbox.folder / "1.eml", (1_800_000_000, 1_800_000_000))
    assert outbox.list(1)[0].date == datetime.fromtimestamp(1_800_000_000, UTC)


BROKEN = {
    "nothing": b"",
    "no headers": b"\r\n\r\nHello",
    "no body": b"Subject: x",
    "binary": bytes(range(256)) * 20,
    "nul": b"Subject: a\0b\r\n\r\n\0",
    "eight bits": "Subject: é\r\nTo: é <é@é>\r\n\r\né".encode("latin-1"),
    "unknown charset": b"Subject: =?no-such?q?x?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\nx",
    "wrong base64": b"Subject: =?utf-8?b?%%%?=\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
    "wrong date": b"Date: yesterday\r\n\r\n",
    "impossible date": b"Date: Fri, 32 Jan 99999 25:61:61 +9999\r\n\r\n",
    "far date": b"Date: Fri, 31 Dec 9999 23:59:59 -2359\r\n\r\n",
    "endless header": b"Subject: " + b"x" * 200_000,
    "many headers": b"X: y\r\n" * 20_000,
    "deep multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(2_000)
    ),
    "unclosed multipart": b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>",
    "multipart that is none": b"Content-Type: multipart/alternative; boundary=x\r\n\r\nnothing",
    "message in a message": b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html\r\n\r\n<p>",
    "encoded newline": b"Subject: =?utf-8?q?a=0D=0ABcc:_eve?=\r\n\r\n",
    "lone surrogate": b"Subject: =?utf-8?q?=ED=B2=80?=\r\n\r\n\xed\xb2\x80",
    "encoded words without end": b"Subject: " + b"=?utf-8?q?" * 5_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_mail_is_shown_as_well_as_it_goes(outbox: Outbox, name: str) -> None:
    put(outbox, "1.eml", BROKEN[name])
    (head,) = outbox.list(1)
    mail = outbox.read("1.eml")
    assert mail is not None
    for text in (head.subject, mail.subject, mail.to, mail.html or "", mail.text or "", str(mail.headers)):
        text.encode()  # fit for a page
    assert head.date.utcoffset() is not None
    head.date.astimezone(UTC)
    assert mail.raw == BROKEN[name]


@given(st.binary(max_size=300))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_shown_as_well_as_they_go(outbox: Outbox, content: bytes) -> None:
    for raw in (content, b"Content-Type: text/html; charset=" + content, b"Subject: =?" + content):
        put(outbox, "1.eml", raw)
        mail = outbox.read("1.eml")
        assert mail is not None
        assert mail.raw == raw
