"""What callers may write where: ids, one line, several lines. PostgreSQL stores no NUL, and headers no line break."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

# What callers may choose as the id of a rule, session or template: it appears in Temporal, so never an address.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["convocation-j7"])]

# Ids of people may be anything their own system uses, addresses included; they never leave PostgreSQL.
PersonKey = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f\ufffd]{1,128}$", examples=["p-104"])]

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
Prose = Annotated[str, Field(pattern=r"^[^\x00]*$")]


def _written(instant: object) -> object:
    if not isinstance(instant, str | datetime):
        raise ValueError('an instant is text such as "2027-01-25T09:00:00+01:00"')
    return instant


def _within_the_calendar(instant: datetime) -> datetime:
    if not 1900 <= instant.year <= 9000:
        raise ValueError("a year from 1900 to 9000, please; leave the date out while it is not known")
    return instant


# With a zone, and far enough from the ends of the calendar for every offset and zone.
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_within_the_calendar)]
