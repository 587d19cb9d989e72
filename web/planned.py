"""The Planned page: every send, when it leaves, to whom, and why it stands where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.occurrences import Occurrence
from domain.rules import RuleDefinition
from domain.sends import FINAL, Reason, Status
from store.explanations import Story
from web.asked import Asked
from web.days import DayCount

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """A stretch of a long list. `next` is what to ask for to go on, None at the end."""

    items: Sequence[_Item]
    next: str | None = None


class Act(StrEnum):
    """What a person may do to a send; the values are the last words of addresses."""

    CANCEL = "cancel"
    REACTIVATE = "reactivate"
    SEND_NOW = "send-now"
    ARRIVED = "arrived"  # these three settle a doubt
    SEND_AGAIN = "send-again"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """One send as its row tells it, with the names of what it belongs to."""

    id: UUID
    due_at: datetime
    zone: ZoneInfo  # of the session
    rule_key: str
    rule_name: str
    definition: RuleDefinition | None  # what its rule says; None: written by hand
    session_key: str
    session_name: str
    recipient_name: str
    recipient_address: str | None
    template_key: str
    subject: str | None  # as the template has it, with its tags
    status: Status
    reason: Reason | None
    workflow_url: str | None  # in the Temporal UI
    ended_at: datetime | None = None  # or handed over at
    center: str | None = None
    room: str | None = None
    company: str | None = None
    occurrence: Occurrence = field(default_factory=Occurrence)  # which of the mails of its rule it is
    acts: frozenset[Act] = frozenset()  # possible as it stands now

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a mail would not leave; `detail` says what its template lacks."""

    reason: Reason
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as it would leave now, as far as it can be written; without obstacles it would leave so."""

    sender: str
    to: str  # empty where there is no address
    cc: Sequence[str]
    subject: str
    html: str | None
    text: str | None
    obstacles: Sequence[Obstacle] = ()
    reply_to: str = ""  # empty: the sender


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from in the filters: names by the caller's keys; the longest lists are cut."""

    rules: Mapping[str, str]
    templates: Mapping[str, str]


class PlannedSends(Protocol):
    """What the page asks for. Each takes a constant number of statements."""

    @property
    def zone(self) -> ZoneInfo:
        """The organization's: days that are asked for are days there."""
        ...

    async def list_planned(self, asked: Asked, limit: int) -> Page[PlannedSend]:
        """Return up to `limit` sends in the order asked. Without one, those still to come lead, the next one due
        first; then the others, the latest first. ValueError when `asked.after` is not the `next` of a page.
        """
        ...

    async def count_planned(self, asked: Asked, most: int) -> int:
        """Return how many sends the filters leave; `most` means so many or more."""
        ...

    async def count_by_day(self, asked: Asked, first: date, days: int) -> Sequence[DayCount]:
        """Return how many sends are due on each of these days that has any, narrowed by all filters but the days."""
        ...

    async def find_day_outside(self, asked: Asked, first: date, days: int) -> date | None:
        """Return the first day with any after these days, else the last one before them; None where neither is.
        Narrowed by all filters but the days.
        """
        ...

    async def list_choices(self) -> Choices: ...

    async def find_planned(self, id: UUID) -> PlannedSend | None: ...

    async def find_story(self, id: UUID) -> Story | None:
        """Return why a send is where it is, and what other rules make of its recipient in its session."""
        ...

    async def find_preview(self, id: UUID) -> Preview | None: ...

    async def act(self, id: UUID, act: Act, by: str | None = None) -> bool | None:
        """Return whether it came in time, None when there is no such send; once True it holds.

        `by` is the name of the token of whoever signed in.
        """
        ...
