"""Corrections by hand: a mail to whoever was told a date of a session that is no longer true."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from api.callers import InCaller
from api.dry_run import InWriting
from api.house import House
from api.problems import Invalid, Problem
from api.rule_checks import unfit
from api.sessions import fetch_session, poke
from api.waiting import Followed, InWatch
from domain.effects import effects_of_changes
from domain.keys import Key, PersonKey
from domain.outlook import Outlook
from domain.rules import Audience
from store.caught_up import Awaited
from store.companies import find_companies
from store.corrections import Corrections, find_corrections, write_corrections
from store.people import find_people
from store.rehearsals import Rehearsal
from store.session_rules import SessionRule, find_session_rules
from store.sessions import Session
from store.templates import lock_templates

router = APIRouter(tags=["sessions"])

MOST_PEOPLE = 10_000

People = Annotated[list[PersonKey], Field(min_length=1, max_length=MOST_PEOPLE)]


class CorrectionsBody(BaseModel):
    """Which mails are to be corrected, and for whom."""

    model_config = ConfigDict(extra="forbid")

    rule: Key = Field(description="whose mails told the date", examples=["convocation-j7"])
    template: Key | None = Field(
        default=None,
        description="null: that of the rule's corrections, else the one that its mails are written from here",
        examples=["new-date"],
    )
    people: People | None = Field(
        default=None,
        description="only they, or companies for a rule that writes to these; null: everybody who was told",
        examples=[["p-104"]],
    )


class CorrectionsAnswer(Followed):
    """How many corrections were written."""

    corrections: int = Field(
        description="to so many; whoever was told the date as it is gets none", examples=[1]
    )


@router.post("/sessions/{id}/corrections")
async def post(
    id: Key, body: CorrectionsBody, house: InWriting, watch: InWatch, caller: InCaller
) -> CorrectionsAnswer:
    """Write a mail to whoever was told a date of the session that is no longer true; it leaves at once.

    Should the date change again before it has left, it tells that one; should it be again what was told, it is removed.
    """
    async with house.store.transaction() as db:
        await watch.begin(db)
        session = await fetch_session(db, house, id)
        caller.check_session(session.center)
        rule, template = await _rule(db, house, session, body)
        people = await _people(db, house, rule, body.people)
        rehearsal = house.store if isinstance(house.store, Rehearsal) else None
        found = await find_corrections(db, session.id, rule.id, template, people, lock=rehearsal is None)
        if rehearsal is None:
            await write_corrections(db, session.id, found, caller.name)
        else:
            rehearsal.note(_outlook(session, found))
        await watch.wrote(db, Awaited(told=[session.id]))
    if found.changes:
        await poke(house, session)
    planned = await watch.planned(clean=not found.changes and not session.dirty)
    return CorrectionsAnswer(corrections=len(found.changes), planned=planned, too_late=watch.too_late)


async def _rule(
    db: AsyncConnection, house: House, session: Session, body: CorrectionsBody
) -> tuple[SessionRule, UUID]:
    """Return the rule, and the template of its corrections."""
    rule = (await find_session_rules(db, session.id, body.rule)).get(body.rule)
    if rule is None:
        raise Invalid(("rule", f"There is no rule {body.rule!r}: name the one whose mails told the date."))
    if not rule.active or (rule.override is not None and rule.override.active is False):
        detail = (
            f"The rule {body.rule!r} is switched off here, and none of its mails leaves: switch it on first."
        )
        raise Problem(409, "rule-is-off", detail)
    usual = rule.override.template if rule.override and rule.override.template else rule.template
    option = rule.definition.correction
    key = body.template or (option.template if option else usual)
    template = (await lock_templates(db, house.organization.id, [key])).get(key)
    if wrong := [*unfit("template", key, template, rule.definition)]:
        raise Invalid(*wrong)
    assert template is not None  # noqa: S101 - else it would not fit
    return rule, template.id


async def _people(
    db: AsyncConnection, house: House, rule: SessionRule, keys: Sequence[str] | None
) -> set[UUID] | None:
    """Return the people, or companies, that a request names."""
    if keys is None:
        return None
    companies = rule.definition.audience is Audience.COMPANIES
    known = await (find_companies if companies else find_people)(db, house.organization.id, keys)
    noun, where = ("company", "companies") if companies else ("person", "people")
    wrong = [
        (f"people.{number}", f"There is no {noun} {key!r}: name those of GET /v1/{where}.")
        for number, key in enumerate(keys)
        if key not in known
    ]
    if wrong:
        raise Invalid(*wrong)
    return set(known.values())


def _outlook(session: Session, found: Corrections) -> Outlook:
    return Outlook.of(effects_of_changes(session.key, found.snapshot, found.changes))
