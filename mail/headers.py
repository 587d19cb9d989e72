"""Header lines of a mail, written by us.

The `email` package of Python 3.11.7 lets an encoded newline in a name become a header of its own
(CVE-2024-6923), and folds long names so that the visible recipient changes. Here a text is cleaned, encoded
whole, and the finished block is read back byte by byte before anything else may use it.
"""

import base64
import re
from collections.abc import Iterable, Sequence

LONGEST_LINE = 998  # RFC 5322, 2.1.1
_LINE_WITH_ENCODED_WORD = 76  # RFC 2047, 2
_ENCODED_WORD = 75

_BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# Marks that reorder what is displayed: a name could show as somebody else's address. And lone surrogates.
_MISLEADING = re.compile(r"[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Names that stand as they are, bare or in quotes. Encoding what needs none looks like spam to filters.
_BARE_NAME = re.compile(r"(?=.{1,60}$)[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_QUOTED_NAME = re.compile(r"[A-Za-z0-9 &'(),./+_-]{1,60}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def one_line(text: str) -> str:
    """Return `text` as one line fit for a header: no control characters, no runs of spaces, no reordering."""
    return _BLANKS.sub(" ", _MISLEADING.sub("", text)).strip()


def text_header(name: str, text: str) -> str:
    """Return an unstructured header, such as a subject."""
    text = one_line(text)
    line = f"{name}: {text}"
    if len(line) <= _LINE_WITH_ENCODED_WORD and _PRINTABLE.fullmatch(text) and "=?" not in text:
        return f"{line}\r\n"
    return f"{name}: {_encoded(text, used=len(name) + 2)}\r\n"


def address_header(name: str, mailboxes: Iterable[tuple[str, str]]) -> str:
    """Return a header of addresses, each an already checked addr-spec with a display name or ""."""
    listed = ",\r\n ".join(
        _mailbox(address, one_line(display), used=len(name) + 2) for address, display in mailboxes
    )
    return f"{name}: {listed}\r\n"


def _mailbox(address: str, display: str, *, used: int) -> str:
    if not display:
        return address
    if _BARE_NAME.fullmatch(display):
        name = display
    elif _QUOTED_NAME.fullmatch(display):
        name = f'"{display}"'
    else:
        name = _encoded(display, used=used)
    short = used + len(name) + len(address) + 3 <= _LINE_WITH_ENCODED_WORD
    return f"{name} <{address}>" if short else f"{name}\r\n <{address}>"


def _encoded(text: str, *, used: int) -> str:
    """Return `text` in encoded words, one a line, the first line being `used` already (RFC 2047, 2 and 5)."""
    words, chunk = [], b""
    room = _room(_LINE_WITH_ENCODED_WORD - used)
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > room:  # a word never ends inside a character
            words.append(chunk)
            chunk, room = b"", _room(_ENCODED_WORD)
        chunk += octets
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def _room(line: int) -> int:
    """Return how many octets fit into one encoded word within `line` columns."""
    return (min(line, _ENCODED_WORD) - len("=?utf-8?b??=")) // 4 * 3


def check_headers(block: bytes, expected: Sequence[str]) -> None:
    """Raise ValueError unless `block` is exactly the headers `expected`, in order, and nothing else.

    The last look at the bytes, whoever built them: no bare CR or LF, no line over 998 octets, no blank line,
    no header that was not meant.
    """
    lines = block.split(b"\r\n")
    if lines.pop() != b"" or any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        raise ValueError("a header block has a line break of its own")
    if any(not line.strip() or len(line) > LONGEST_LINE for line in lines):
        raise ValueError("a header block has an empty or too long line")
    names = [line.partition(b":")[0].decode("ascii", "replace") for line in lines if line[:1] not in b" \t"]
    if names != list(expected):
        raise ValueError("a header block has other headers than it was built from")
