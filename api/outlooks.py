"""Outlooks as callers read them: what would become of the mails, by the callers' own ids."""

from collections.abc import Iterator
from datetime import date, datetime

from pydantic import BaseModel, Field

from domain.outlook import Effect, Kind, Outlook
from domain.participations import Role
from domain.sends import Reason
from store.foresight import Foreseen
from store.outlook_names import Names, Where, Who


class MailAhead(BaseModel):
    """One mail, and what would become of it."""

    session: str = Field(examples=["S-2027-041"])
    rule: str | None = Field(examples=["convocation-j7"])
    module: str | None = Field(description="that it is about", examples=[None])
    slot: str | None = Field(description="that it is about", examples=[None])
    role: Role = Field(description="as what its recipient takes part", examples=["participant"])
    person: str | None = Field(description="null: the company itself", examples=["p-104"])
    company: str | None = Field(description="that they come from", examples=["c-12"])
    due_at: datetime | None = Field(
        description="from now on; of mails that told a date, that date as it is now",
        examples=["2027-05-31T07:00:00Z"],
    )
    was_at: datetime | None = Field(
        description="when it was due until now; of mails that told a date, the date that they told",
        examples=[None],
    )
    local: datetime | None = Field(
        description="`due_at`, or else `was_at`, as clocks show it there", examples=["2027-05-31T09:00:00"]
    )
    timezone: str | None = Field(examples=["Europe/Paris"])
    reason: Reason | None = Field(examples=[None])


class MailsAhead(BaseModel):
    """All mails of which the same becomes: how many, and the first of them."""

    count: int = Field(examples=[1])
    reasons: dict[Reason, int] = Field(description="how many for each", examples=[{}])
    first: list[MailAhead] = Field(description="by time, up to 20 of them; 1,000 of those of `again`")


class SessionAhead(BaseModel):
    """How many mails of one session."""

    session: str = Field(examples=["S-2027-041"])
    mails: dict[Kind, int] = Field(description="by what becomes of them", examples=[{"appear": 1}])


class SessionsAhead(BaseModel):
    """The sessions whose mails these are."""

    count: int = Field(examples=[1])
    first: list[SessionAhead] = Field(description="by id, up to 100 of them")


class DayAhead(BaseModel):
    """How many mails would leave on a day, which is that of the clocks where they are due."""

    day: date = Field(examples=["2027-05-31"])
    mails: int = Field(examples=[1])


class OutlookAnswer(BaseModel):
    """What would become of the mails; nothing was changed."""

    said: str = Field(description="all of it in a sentence or two", examples=["1 mail appears."])
    appear: MailsAhead = Field(description="they would leave, and were not to")
    again: MailsAhead = Field(
        description="they would leave, and were not to, since their rule has written to their recipients about the same "
        "already: `contact-again` has it forget so"
    )
    move: MailsAhead = Field(description="they would leave at another time")
    change: MailsAhead = Field(description="they would leave when they were to, but by another template")
    anyway: MailsAhead = Field(
        description="of a rule that forgets whom it has written to: they were to leave, and leave when they were to"
    )
    disappear: MailsAhead = Field(description="they were to leave, and would not")
    too_late: MailsAhead = Field(description="their time is past already: they would not leave by themselves")
    already_told: MailsAhead = Field(description="they have left, and the date that they told would be wrong")
    past_the_fence: MailsAhead = Field(
        description="they are leaving at this moment, as they were: it is too late to call them back"
    )
    sessions: SessionsAhead
    per_day: list[DayAhead] = Field(description="of those that would leave, up to 400 days")
    first: MailAhead | None = Field(description="of those of `appear`, `again` and `move`")
    last: MailAhead | None = Field(description="of those of `appear`, `again` and `move`")


def answer(foreseen: Foreseen, said: str) -> OutlookAnswer:
    """Return an outlook under the callers' ids."""
    outlook, names = foreseen.outlook, foreseen.names
    return OutlookAnswer(
        said=said,
        **{kind.value: _mails(outlook, kind, names) for kind in Kind},
        sessions=SessionsAhead(count=outlook.concerned, first=[*_sessions(outlook)]),
        per_day=[DayAhead(day=day, mails=count) for day, count in sorted(outlook.days.items())],
        first=outlook.first and _mail(outlook.first, names),
        last=outlook.last and _mail(outlook.last, names),
    )


def _mails(outlook: Outlook, kind: Kind, names: Names) -> MailsAhead:
    part = outlook.part(kind)
    return MailsAhead(
        count=part.count, reasons=dict(part.reasons), first=[_mail(effect, names) for effect in part.first]
    )


def _mail(effect: Effect, names: Names) -> MailAhead:
    who = names.people.get(effect.participation, _NOBODY)
    where = names.places.get(effect.scope, _SESSION)
    return MailAhead(
        session=effect.session,
        rule=names.rules.get(effect.rule),
        module=where.module,
        slot=where.slot,
        role=who.role,
        person=who.person,
        company=who.company,
        due_at=effect.at,
        was_at=effect.was_at,
        local=effect.local,
        timezone=effect.zone,
        reason=effect.reason,
    )


def _sessions(outlook: Outlook) -> Iterator[SessionAhead]:
    for key, mails in sorted(outlook.sessions.items()):
        yield SessionAhead(session=key, mails=dict(mails))


# Rows are only ever marked as gone, but a name is looked up after the mails were counted.
_NOBODY, _SESSION = Who(Role.PARTICIPANT, None, None), Where()
