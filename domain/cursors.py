"""Where a page of a list ended, as an opaque text that a caller hands back."""

import json
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

Value = str | int | datetime | UUID
Kind = type[str] | type[int] | type[datetime] | type[UUID]

_LONGEST = 4000  # characters; ours hold a name, an instant and an id at the most
_BIGGEST = 2**63 - 1  # PostgreSQL's bigint


def write_cursor(*values: Value) -> str:
    """Return a text of letters, digits, `-` and `_` that `read_cursor` turns into the same values."""
    written = json.dumps([_written(value) for value in values], separators=(",", ":"))
    return urlsafe_b64encode(written.encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: Kind) -> tuple[Any, ...]:
    """Return the values of a cursor, one of each kind; raise ValueError for a text that we did not write."""
    try:
        values = tuple(_read(value, kind) for value, kind in zip(_loaded(cursor), kinds, strict=True))
        ours = write_cursor(*values) == cursor
    except (OverflowError, RecursionError, TypeError, ValueError):
        ours = False
    if not ours:
        raise ValueError("not a cursor of this list")
    return values


def _loaded(cursor: str) -> list[object]:
    if len(cursor) > _LONGEST:
        raise ValueError("longer than any of ours")
    loaded = json.loads(b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    if not isinstance(loaded, list):
        raise TypeError("not a list")
    return loaded


def _written(value: Value) -> str | int:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if isinstance(value, int) else str(value)


def _read(value: object, kind: Kind) -> Value:
    if kind is int:
        return _whole(value)
    if not isinstance(value, str) or "\0" in value:  # PostgreSQL stores no NUL
        raise TypeError("not a text")
    if kind is datetime:
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind is UUID:
        return UUID(value)
    value.encode()  # nor half a character
    return value


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) > _BIGGEST:
        raise TypeError("not a number")
    return value
