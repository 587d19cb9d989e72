"""The mails that were caught instead of sent: a folder of files, read for whoever looks at them."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from heapq import nlargest
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# As the mailbox calls its files: by the time they came, so that names sort by age. A path is no name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.eml")
_HEAD = 64 * 1024  # octets of a file in which its headers are looked for


@dataclass(frozen=True, slots=True)
class CapturedHead:
    """One mail as a list shows it."""

    name: str
    subject: str
    sender: str
    to: str
    date: datetime  # aware; of a mail that does not say, when it came


@dataclass(frozen=True, slots=True)
class CapturedMail(CapturedHead):
    """One mail as its reader would see it, and as it is."""

    html: str | None
    text: str | None
    headers: list[tuple[str, str]]
    raw: bytes = field(repr=False)


class Outbox:
    """A folder of captured `.eml` files. What is in them is never trusted to be a mail: nothing here raises."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self, limit: int, before: str | None = None) -> Sequence[CapturedHead]:
        """Return the newest mails, of those older than the file `before`; only their headers are read."""
        found = ((name, self._read(name, _HEAD)) for name in self._newest(limit, before))
        return [_head(name, *file) for name, file in found if file is not None]

    def read(self, name: str) -> CapturedMail | None:
        """Return one mail, or None if no file has this name."""
        file = self._read(name, -1) if _NAME.fullmatch(name) else None
        if file is None:
            return None
        raw, came_at = file
        head = _head(name, raw, came_at)
        return CapturedMail(
            head.name, head.subject, head.sender, head.to, head.date, *_bodies(raw), _headers(raw), raw
        )

    def _newest(self, limit: int, before: str | None) -> Sequence[str]:
        try:
            with os.scandir(self.folder) as entries:
                names = (entry.name for entry in entries if _NAME.fullmatch(entry.name))
                return nlargest(limit, (name for name in names if before is None or name < before))
        except FileNotFoundError:
            return []  # nothing was ever caught

    def _read(self, name: str, size: int) -> tuple[bytes, datetime] | None:
        """Return the start of a file and when it came, or None if it is gone."""
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(size), datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        except OSError:
            return None


def _head(name: str, raw: bytes, came_at: datetime) -> CapturedHead:
    headers = dict(reversed([(field.lower(), value) for field, value in _headers(raw)]))  # the first of each
    return CapturedHead(
        name,
        headers.get("subject", ""),
        headers.get("from", ""),
        headers.get("to", ""),
        _date(headers.get("date", "")) or came_at,
    )


def _headers(raw: bytes) -> list[tuple[str, str]]:
    message = _tried(lambda: BytesHeaderParser().parsebytes(raw[:_HEAD]))
    return [] if message is None else [(_clean(name), _decoded(value)) for name, value in message.items()]


def _decoded(value: object) -> str:
    raw = re.sub(r"\r?\n", "", str(value))  # folded lines (RFC 5322, 2.2.3)
    text = _tried(lambda: str(make_header(decode_header(raw))))
    return _clean(raw if text is None else text)


def _date(text: str) -> datetime | None:
    date = _tried(lambda: parsedate_to_datetime(text))
    if date is None or not 1970 < date.year < 3000:  # beyond, no page could convert it
        return None
    return date.replace(tzinfo=UTC) if date.utcoffset() is None else date


def _bodies(raw: bytes) -> tuple[str | None, str | None]:
    """Return the HTML and the text of a mail."""
    message = _tried(lambda: message_from_bytes(raw))
    if message is None:
        return None, None
    return _tried(lambda: _body(message, "text/html")), _tried(lambda: _body(message, "text/plain"))


def _body(message: "Message", kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            return _text(part)
    return None


def _text(part: "Message") -> str:
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    text = _tried(lambda: octets.decode(charset, "replace"))
    return _clean(octets.decode("utf-8", "replace") if text is None else text)


def _clean(text: str) -> str:
    """Return `text` fit for a page, whose encoder knows no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _tried(read: Callable[[], T]) -> T | None:
    """Return what the parser finds, or None where a mail is broken in a way it did not foresee."""
    try:
        return read()
    except Exception:  # the list is long: LookupError, ValueError, RecursionError, TypeError …
        return None
