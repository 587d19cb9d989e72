"""What pydantic finds wrong, in words that say how to mend it: the same for a request and for a row of a file."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from domain.keys import KEY, LINE, PERSON_KEY, PROSE, TITLE
from domain.sessions import DATA_NAME

Wrong = Mapping[str, Any]  # one of pydantic's errors: its type, loc, msg and ctx

BATCH = "items"  # the list that may be split over several requests

# How pydantic tells a duration that is the limit.
_DAYS = re.compile(r"datetime\.timedelta\(days=([0-9]+)\)")

_INSTANT = "2027-01-25T09:00:00+01:00, or 2027-01-25T08:00:00Z"
_IN_QUERY = "; in an address, write + as %2B, or use Z"
_OBJECT = "send a JSON object, with the header Content-Type: application/json"
_ONE_LINE = "this is one line: leave out line breaks, tabs and other control characters"

_PATTERNS = {
    KEY: "an id holds 1 to 64 of these: letters from A to Z and a to z, digits, '.', '_' and '-'",
    PERSON_KEY: "an id holds 1 to 128 characters, and neither line breaks nor other control characters",
    LINE: _ONE_LINE,
    TITLE: f"{_ONE_LINE}, and write more than blanks",
    PROSE: "leave out the character NUL, which cannot be stored",
    DATA_NAME: "a name of `data` holds 1 to 64 of these: letters from A to Z and a to z, digits and '_'",
}


def explain(wrong: Wrong) -> str:
    """Return what is wrong, and how to mend it; pydantic's own words for what they tell well enough."""
    said: str = wrong["msg"].removeprefix("Value error, ")
    find_cure = _CURES.get(wrong["type"])
    return (find_cure(wrong) if find_cure else None) or said


def is_no_json(wrong: Wrong) -> bool:
    """Return whether the body could not be read at all, so that no field of it can be named."""
    return bool(wrong["type"] == "json_invalid")


def _no_zone(wrong: Wrong) -> str:
    return f"it has no timezone: say which offset from UTC it is: {_INSTANT}{_where(wrong)}"


def _no_instant(wrong: Wrong) -> str:
    why = wrong.get("ctx", {}).get("error")
    told = f"this is no datetime ({why})" if why else "this is no datetime"
    return f"{told}: write it as {_INSTANT}{_where(wrong)}"


def _where(wrong: Wrong) -> str:
    return _IN_QUERY if wrong["loc"][:1] == ("query",) else ""


def _too_many(wrong: Wrong) -> str:
    most = wrong["ctx"]["max_length"]
    if wrong["loc"][-1:] == (BATCH,):
        return f"at most {most} at once: split them over several requests"
    return f"at most {most}: leave some out"


def _too_few(wrong: Wrong) -> str:
    return f"at least {wrong['ctx']['min_length']} item belongs here: name one"


def _unknown(_: Wrong) -> str:
    return "there is no such field: leave it out, or see the description of what may be said here"


def _outside(wrong: Wrong) -> str | None:
    return _PATTERNS.get(wrong["ctx"]["pattern"])


def _too_short(wrong: Wrong) -> str | None:
    if str(wrong["ctx"]["gt"]) != repr(timedelta(0)):
        return None
    return "no time at all is too short: write a positive duration, such as PT2H or P1D"


def _too_long(wrong: Wrong) -> str | None:
    days = _DAYS.fullmatch(str(wrong["ctx"]["le"]))
    return f"{days[1]} days at most: write a shorter duration, such as P30D" if days else None


def _no_object(wrong: Wrong) -> str:
    return _OBJECT if _is_body(wrong) else 'a JSON object belongs here: {"name": value}'


def _missing(wrong: Wrong) -> str | None:
    return f"there is no body: {_OBJECT}" if _is_body(wrong) else None


def _is_body(wrong: Wrong) -> bool:
    return tuple(wrong["loc"]) == ("body",)


def _no_json(wrong: Wrong) -> str:
    return f"This is no JSON: {wrong['ctx']['error']} at character {wrong['loc'][-1]}; {_OBJECT}"


_CURES: dict[str, Callable[[Wrong], str | None]] = {
    "timezone_aware": _no_zone,
    "datetime_parsing": _no_instant,
    "datetime_from_date_parsing": _no_instant,
    "datetime_object_invalid": _no_instant,
    "too_long": _too_many,
    "too_short": _too_few,
    "extra_forbidden": _unknown,
    "greater_than": _too_short,
    "less_than_equal": _too_long,
    "string_pattern_mismatch": _outside,
    "model_attributes_type": _no_object,
    "model_type": _no_object,
    "dict_type": _no_object,
    "missing": _missing,
    "json_invalid": _no_json,
}
