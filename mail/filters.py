"""The filters and tests of a template, and how a bare value is written.

None of them can make a text much longer than what it was given: a chain of filters is only as dangerous as
its most generous link.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, cast

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from mail.limits import Budget
from mail.voice import Voice

# Names no template can write: how the voice and the budget of one rendering reach the filters.
VOICE = "_voice"
BUDGET = "_budget"
EACH = "each item"


class MisuseError(Exception):
    """A filter met a value it is not for; the text never holds the value."""


def _voice(context: Context) -> Voice:
    return cast("Voice", context[VOICE])


def _budget(context: Context) -> Budget:
    return cast("Budget", context[BUDGET])


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises, naming the tag
    if value is None:
        return ""
    if type(value) is not str:
        raise MisuseError("this filter is for text")
    return value


@pass_context
def _date(context: Context, value: Any, length: str = "long") -> str:
    if not isinstance(value, date):
        raise MisuseError("the filter date is for a date")
    return _voice(context).day(value, length)


@pass_context
def _time(context: Context, value: Any) -> str:
    if not isinstance(value, datetime):
        raise MisuseError("the filter time is for a date with a time")
    return _voice(context).clock(value)


@pass_context
def _datetime(context: Context, value: Any, length: str = "long") -> str:
    if not isinstance(value, datetime):
        raise MisuseError("the filter datetime is for a date with a time")
    return _voice(context).moment(value, length)


def _default(value: Any, fallback: Any = "") -> Any:
    """Return `fallback` where there is no value, None or an empty text."""
    return fallback if isinstance(value, Undefined) or value is None or value == "" else value


@pass_context
def _join(context: Context, value: Any, separator: str = ", ", field: str | None = None) -> str:
    """Join texts, or one field of each item of a list."""
    separator = _text(separator)
    items = [_text(item if field is None else _field(item, field)) for item in _list(value)]
    # Nested joins would multiply: a join may not be longer than a whole mail.
    _budget(context).hold(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def _field(item: Any, field: str) -> Any:
    if not isinstance(item, dict) or field not in item:
        raise MisuseError("the items of this list have no such field")
    return item[field]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MisuseError("a list is needed here")
    return value


def _length(value: Any) -> int:
    return len(value) if type(value) is str else len(_list(value))


def _first(value: Any) -> Any:
    return next(iter(_list(value)), None)


def _last(value: Any) -> Any:
    return next(iter(_list(value)[-1:]), None)


@pass_context
def each(context: Context, value: Any) -> Iterator[Any]:
    """Yield the items of a list, each at a price."""
    budget = _budget(context)
    for item in _list(value):
        budget.turn()
        yield item


FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": lambda value: _text(value).capitalize(),
    "date": _date,
    "datetime": _datetime,
    "default": _default,
    "first": _first,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": lambda value: _text(value).lower(),
    "time": _time,
    "trim": lambda value: _text(value).strip(),
    "upper": lambda value: _text(value).upper(),
}

# Jinja2's own `odd` is `value % 2`: on a text, that is formatting, and "%0900000000d" is a text.
TESTS: Mapping[str, Callable[..., Any]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "even": lambda value: _whole(value) % 2 == 0,
    "none": lambda value: value is None,
    "odd": lambda value: _whole(value) % 2 == 1,
    "undefined": lambda value: isinstance(value, Undefined),
}


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise MisuseError("odd and even are for whole numbers")
    return value


@pass_context
def show(context: Context, value: Any) -> Any:
    """Return how a value without a filter is written."""
    if isinstance(value, str | Undefined):
        return value
    if value is None:
        return ""
    voice = _voice(context)
    if isinstance(value, bool):
        return voice.truth(value)
    if isinstance(value, float):
        return voice.number(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return voice.moment(value)
    if isinstance(value, date):
        return voice.day(value)
    raise MisuseError("a list or a group cannot be written as text")
