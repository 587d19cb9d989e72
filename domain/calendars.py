"""Public holidays of countries and of their parts, from the library `holidays` (docs/decisions/0014).

The library is imported by whoever first asks for a day: workflows, which may not, never do.
"""

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from holidays import HolidayBase


def is_holiday(day: date, country: str) -> bool:
    """Return whether `day` is a public holiday of `country`, a code that `check_country` has let pass."""
    return day in _of_year(country, day.year)


def check_country(code: str) -> str:
    """Return `code` if its holidays are known: "FR", or "FR-57" for a part of a country that has its own.

    Raises ValueError, with what to write instead, if they are not.
    """
    _calendar(code)
    return code


@lru_cache(maxsize=1024)
def _of_year(code: str, year: int) -> frozenset[date]:
    return frozenset(_calendar(code, year))


def _calendar(code: str, *years: int) -> "HolidayBase":
    import holidays

    country, _, part = code.partition("-")
    if country not in set(holidays.registry.EntityLoader.get_country_codes(include_aliases=False)):
        cure = 'write its ISO 3166 code of two letters, such as "FR"'
        raise ValueError(f"the holidays of {code[:16]!r} are not known: {cure}")
    # Some of the library's parts are no places: zones of school holidays.
    parts = [name for name in getattr(holidays, country).subdivisions if re.fullmatch("[A-Z0-9]{1,3}", name)]
    if (part and part not in parts) or code.endswith("-"):
        cure = f"write one of {', '.join(parts)}" if parts else "it has none"
        raise ValueError(
            f"{country} has no part {part[:16]!r} with holidays of its own: {cure}, or {country!r}"
        )
    return holidays.country_holidays(country, subdiv=part or None, years=years, expand=False)


Country = Annotated[str, Field(max_length=20), AfterValidator(check_country)]
"""A field that holds a country, or a part of one, whose holidays are known."""
