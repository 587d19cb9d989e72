"""What callers may write where: ids, one line, several lines. PostgreSQL stores no NUL, and headers no line break."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

KEY = r"^[A-Za-z0-9._-]{1,64}$"
PERSON_KEY = r"^[^\x00-\x1f\x7f\ufffd]{1,128}$"
LINE = r"^[^\x00-\x1f\x7f]*$"
TITLE = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
PROSE = r"^[^\x00]*$"


def _addressable(key: str) -> str:
    """Refuse what no route can be asked for: whoever calls shortens `/v1/people/..` before it leaves."""
    if key in (".", "..") or not key.strip():
        raise ValueError(f"{key!r} cannot be an id: choose one that is not '.', '..' or only blanks")
    return key


# What callers may choose as the id of a rule, session or template: it appears in Temporal, so never an address.
Key = Annotated[str, Field(pattern=KEY, examples=["convocation-j7"]), AfterValidator(_addressable)]

# Ids of people may be anything their own system uses, addresses included; they never leave PostgreSQL.
PersonKey = Annotated[str, Field(pattern=PERSON_KEY, examples=["p-104"]), AfterValidator(_addressable)]

# How often its own system has changed a record: whoever comes with an older one is late, and is not heeded.
SourceVersion = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1, examples=[7])]

Line = Annotated[str, Field(pattern=LINE)]
Title = Annotated[str, Field(pattern=TITLE, min_length=1)]  # a line of more than blanks
Prose = Annotated[str, Field(pattern=PROSE)]


_SECONDS = re.compile(r"\s*[-+]?[\d.]+\s*")  # since 1970, pydantic would think


def _written(instant: object) -> object:
    if not isinstance(instant, str | datetime) or (isinstance(instant, str) and _SECONDS.fullmatch(instant)):
        raise ValueError('an instant is text such as "2027-01-25T09:00:00+01:00"')
    return instant


def _within_the_calendar(instant: datetime) -> datetime:
    if not 1900 <= instant.year <= 9000:
        raise ValueError("a year from 1900 to 9000, please; leave the date out while it is not known")
    return instant


# With a zone, and far enough from the ends of the calendar for every offset and zone.
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_within_the_calendar)]
