"""What a reader asks of the Planned page; all of it stands in the address, so that it can be kept and shared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from domain.sends import Reason, Status
from store.send_filters import SendOrigin

_LONGEST = 400  # characters: more than any name or cursor has
_FIRST_YEAR, _LAST_YEAR = 1900, 2200  # beyond them a date is a slip, and zones overflow

_One = TypeVar("_One")


class Order(StrEnum):
    """Ways to sort, as the address says them; without one, what is to come leads."""

    DUE = "due"
    DUE_LAST = "-due"
    RECIPIENT = "recipient"
    RECIPIENT_LAST = "-recipient"
    RULE = "rule"
    RULE_LAST = "-rule"
    SESSION = "session"
    SESSION_LAST = "-session"
    STATUS = "status"
    STATUS_LAST = "-status"

    @property
    def column(self) -> str:
        return self.removeprefix("-")

    @property
    def is_last_first(self) -> bool:
        return self.startswith("-")


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters, which combine; the order; and where in the list, and beside which mail, the reader is.

    Days are those of the organization's zone, `due_to` included. Texts are found within names, subjects and
    addresses, whatever the case; the others are callers' own ids, whole.
    """

    due_from: date | None = None
    due_to: date | None = None
    recipient: str | None = None
    company: str | None = None
    kind: SendOrigin | None = None
    subject: str | None = None
    rule: str | None = None
    template: str | None = None
    session: str | None = None
    center: str | None = None
    room: str | None = None
    status: tuple[Status, ...] = ()
    reason: Reason | None = None
    sort: Order | None = None
    after: str | None = None  # the `next` of the page before
    open: UUID | None = None  # the send whose mail is shown beside the list
    told: UUID | None = None  # the send whose new status is said, once

    @property
    def filters(self) -> dict[str, Any]:
        """Return what narrows the list, by the names used in addresses."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    def address(self, **changes: Any) -> str:
        """Return where this, so changed, is shown; a new filter or order begins at the first page."""
        if changes.keys() - _BESIDE:
            changes.setdefault("after", None)
        asked = replace(self, **{"told": None, **changes})
        values = {field.name: getattr(asked, field.name) for field in fields(asked)}
        given = {name: _written(value) for name, value in values.items() if value}
        return f"/?{urlencode(given, doseq=True)}" if given else "/"


_BESIDE = {"after", "open", "told"}
FILTERS = tuple(field.name for field in fields(Asked) if field.name not in {*_BESIDE, "sort"})


def read_asked(parameters: Iterable[tuple[str, str]]) -> tuple[Asked, bool]:
    """Return what an address asks, and whether it holds anything else: unknown, empty or senseless values."""
    known: dict[str, Any] = {}
    surplus = False
    for name, text in parameters:
        value = _read(name, text)
        if value is None or (name in known and name != "status"):
            surplus = True
        elif name == "status":
            known[name] = tuple(dict.fromkeys((*known.get(name, ()), value)))
        else:
            known[name] = value
    return Asked(**known), surplus


def _read(name: str, text: str) -> object | None:
    text = text.strip()
    if not text or len(text) > _LONGEST or "\0" in text:
        return None
    return _READERS[name](text) if name in _READERS else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _one_of(kind: type[_One]) -> Any:
    def read(text: str) -> _One | None:
        return kind(text) if text in set(kind) else None  # type: ignore[call-overload, call-arg]

    return read


_READERS: Mapping[str, Any] = {
    **dict.fromkeys([field.name for field in fields(Asked)], str),
    "due_from": _day,
    "due_to": _day,
    "kind": _one_of(SendOrigin),
    "status": _one_of(Status),
    "reason": _one_of(Reason),
    "sort": _one_of(Order),
    "open": _id,
    "told": _id,
}


def _written(value: object) -> object:
    return [str(one) for one in value] if isinstance(value, tuple) else str(value)
