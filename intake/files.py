"""A file, as text; whatever keeps it from being one is told in one line, with the cure."""

import codecs
from pathlib import Path

# A conference of 200 sessions is 100 kB; what is larger is not a schedule, or may come in parts.
LARGEST = 64 * 1024 * 1024  # bytes

_BINARY = {
    b"PK\x03\x04": "a spreadsheet or an archive: save it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of old: save it as CSV in UTF-8",
    b"\x1f\x8b": "compressed: unpack it first",
    b"%PDF": "a PDF: export a schedule as JSON, JSON Lines or CSV instead",
    codecs.BOM_UTF16_LE: "text in UTF-16: save it in UTF-8",
    codecs.BOM_UTF16_BE: "text in UTF-16: save it in UTF-8",
}


class FileError(ValueError):
    """A file of which nothing can be imported; the message says why, and what to do."""


def read_text(path: Path) -> str:
    """Return the text of a file, without a byte order mark, every line ended by a line feed.

    Raises FileError.
    """
    content = _read(path)
    for start, what in _BINARY.items():
        if content.startswith(start):
            raise FileError(f"{path} is {what}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(f"{path}, line {line}, is not UTF-8: save the file in that encoding.") from None
    if not text.strip():
        raise FileError(f"{path} is empty: write one session a line, or name another file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise FileError(f"There is no file {path}: check the name, and the folder you are in.") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder: name a file in it.") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise FileError(f"{path} is larger than {LARGEST // 1024**2} MiB: import it in parts.")
    return content
