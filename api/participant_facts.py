"""What is known of one participant: their own dates, what they have done, and how they stand."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, cast

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.conditions import Label
from domain.keys import Instant, Key
from domain.participations import Attendance
from store.caught_up import read_clock
from store.participations import Said

# A fact has happened; clocks of two systems may differ, and a day without a time of day may be today.
AHEAD = timedelta(days=1)

FACTS = ("enrolled_at", "started_at", "completed_at")

BACKWARDS = (
    "ends_at lies before starts_at, of which one stands here already: say both, or null for what is no more"
)

Questionnaires = Annotated[list[Key], Field(max_length=500)]


class ParticipantFacts(BaseModel):
    """What may be said of one participant; what is left out stays as it was, and null takes it back."""

    starts_at: Instant | None = Field(
        default=None,
        description="their own; null: the session's (F010, F018)",
        examples=["2027-01-25T09:00:00+01:00"],
    )
    ends_at: Instant | None = Field(
        default=None, description="as `starts_at`", examples=["2027-03-25T18:00:00+01:00"]
    )
    deadline_at: Instant | None = Field(
        default=None, description="until when they are to be done", examples=["2027-03-18T18:00:00+01:00"]
    )
    enrolled_at: Instant | None = Field(
        default=None,
        description="left out when somebody first takes part: now",
        examples=["2027-01-11T14:32:00+01:00"],
    )
    started_at: Instant | None = Field(
        default=None,
        description="null: not yet (F096). More than a day ago when it is first said: nobody is written to because of it",
        examples=["2027-01-26T08:05:00+01:00"],
    )
    completed_at: Instant | None = Field(
        default=None, description="as `started_at`", examples=["2027-03-02T17:40:00+01:00"]
    )
    attendance: Attendance | None = Field(
        default=None, description="what was seen of them (F053); null: nothing", examples=["throughout"]
    )
    status: Label | None = Field(
        default=None, description="of their participation, in your own words", examples=["validated"]
    )
    answered: Questionnaires = Field(
        default=[], description="all the questionnaires that they answered (F088)", examples=[["cold-survey"]]
    )

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and starts_at and ends_at < starts_at:
            raise ValueError("ends_at lies before starts_at: swap them, or leave one out")
        return ends_at


def read_facts(body: ParticipantFacts) -> Said:
    """Return what was said."""
    said = {
        name: getattr(body, name) for name in ParticipantFacts.model_fields.keys() & body.model_fields_set
    }
    if "answered" in said:
        said["answered"] = frozenset(said["answered"])
    return cast("Said", said)


async def list_too_early(
    db: AsyncConnection, bodies: Iterable[ParticipantFacts]
) -> list[tuple[int, str, str]]:
    """Return the facts that have not happened yet: the number of the body, the field, and its cure."""
    said = [*_facts(bodies)]
    if not said:
        return []
    latest = await read_clock(db) + AHEAD
    cure = "lies more than a day ahead: say it once it has happened (what is to come is a `deadline_at`)"
    return [(number, name, f"{name} {cure}.") for number, name, at in said if at > latest]


def _facts(bodies: Iterable[ParticipantFacts]) -> Iterator[tuple[int, str, datetime]]:
    for number, body in enumerate(bodies):
        for name in FACTS:
            at = getattr(body, name)
            if at is not None:
                yield number, name, at
