"""What the tests of this room read: a text as if it lay in a file."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from intake.contents import Contents, Wishes, read_contents
from intake.rows import SessionRow


def contents(
    text: str, *, guests: int = 0, earliest: date | None = None, zone: str = "Europe/Paris"
) -> Contents:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_text(text)
        return read_contents(file, Wishes(zone, guests, earliest))


def sessions(text: str) -> list[SessionRow]:
    """Return the sessions of a text that holds no bad row."""
    read = contents(text)
    assert not read.rejected
    return [row.session for row in read.rows]


def rejected(text: str) -> list[str]:
    return [str(one) for one in contents(text).rejected]
