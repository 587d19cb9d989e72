"""Long lists, a page at a time."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.problems import Invalid
from domain.cursors import Kind, Value, read_cursor, write_cursor

Limit = Annotated[int, Query(ge=1, le=1000, description="items of a page", examples=[100])]
CursorText = Annotated[
    str | None,
    Query(
        description="`next` of the page before, as it is",
        examples=["WyJhZGEiLCIwYzJjZjQyMi0wYjFjLTVkNGUtOGE1ZC0yYzRlZjU4MWE1ZjkiXQ"],
    ),
]

_Found = TypeVar("_Found")
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next: str | None = Field(description="the cursor of the following page; null at the end", examples=[None])


def read(cursor: str | None, *kinds: Kind) -> tuple[Any, ...] | None:
    """Return the values under which a page begins; None for the first. Raise `Invalid` for what is no cursor of ours."""
    if cursor is None:
        return None
    try:
        return read_cursor(cursor, *kinds)
    except ValueError:
        cure = "Take `next` of an earlier answer of this list as it is, or leave the cursor out."
        raise Invalid(("cursor", cure)) from None


def cut(
    found: Sequence[_Found], limit: int, place: Callable[[_Found], tuple[Value, ...]]
) -> tuple[Sequence[_Found], str | None]:
    """Return one page of what was found, and the cursor of the next; whoever looked asked for one more than `limit`.

    `place` names the values of an item that the list is ordered by, its id among them.
    """
    page = found[:limit]
    return page, write_cursor(*place(page[-1])) if len(found) > limit else None
