"""Simulations: what a rule would do to the mails, as it stands or in another form, saved or not; nothing is changed."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from sqlalchemy.ext.asyncio import AsyncConnection

from api.dry_run import tell
from api.house import House, InHouse
from api.outlooks import OutlookAnswer
from api.problems import Problem
from api.rule_bodies import RuleBody
from api.rule_checks import check_rule
from api.rule_writes import fetch_rule
from domain.keys import Key
from store.rehearsals import Rehearsal, rehearse
from store.rules import (
    Rule,
    RuleExistsError,
    activate_rule,
    deactivate_rule,
    delete_rule,
    insert_rule,
    replace_rule,
)

router = APIRouter(tags=["rules"])


class Switched(BaseModel):
    """A rule as it stands, switched on, or off, or deleted."""

    model_config = ConfigDict(extra="forbid")

    active: bool = Field(default=True, strict=True, examples=[True])
    deleted: bool = Field(default=False, strict=True, examples=[False])


class UnsavedRuleBody(RuleBody):
    """A rule as it would be made; its id may be left out."""

    id: Key | None = None


def _form(said: Any) -> str:
    return "Switched" if isinstance(said, dict) and said.keys() <= Switched.model_fields.keys() else "Rule"


# Capitals keep the tags out of the names of fields in problems (`api.problems`).
Form = Annotated[
    Annotated[Switched, Tag("Switched")] | Annotated[RuleBody, Tag("Rule")], Discriminator(_form)
]


@router.post("/rules/simulate")
async def simulate_new(body: UnsavedRuleBody, house: InHouse, request: Request) -> OutlookAnswer:
    """Say what a new rule would do once it is activated, over all sessions; nothing is changed, and nobody waits."""

    async def make(rehearsal: Rehearsal, db: AsyncConnection) -> None:
        template = await check_rule(db, house, body)
        rule = await insert_rule(
            db,
            house.organization.id,
            body.id or uuid4().hex,
            name=body.name,
            template=template,
            definition=body.definition(),
        )
        await activate_rule(db, rule.id)
        rehearsal.look_at(rule.id)

    try:
        return tell(request, await rehearse(house.store, make))
    except RuleExistsError:
        cure = f"There is a rule {body.id!r}: POST /v1/rules/{body.id}/simulate simulates an edit of it."
        raise Problem(409, "rule-exists", cure) from None


@router.post("/rules/{id}/simulate")
async def simulate(id: Key, house: InHouse, request: Request, body: Form | None = None) -> OutlookAnswer:
    """Say what a rule would do, over all sessions; nothing is changed, and nobody waits.

    With no body, or an empty one: what activating it would do. `{"active": false}` or `{"deleted": true}`: what that
    would. A whole rule: what it would do edited so, and active.
    """

    async def write(rehearsal: Rehearsal, db: AsyncConnection) -> None:
        rule = await fetch_rule(db, house, id)
        await _write(db, house, rule, body or Switched())
        rehearsal.look_at(rule.id)

    return tell(request, await rehearse(house.store, write))


async def _write(db: AsyncConnection, house: House, rule: Rule, form: Switched | RuleBody) -> None:
    """Write a rule in this form, in a transaction that is taken back."""
    if isinstance(form, RuleBody):
        template = await check_rule(db, house, form)
        await replace_rule(
            db,
            house.organization.id,
            rule.key,
            name=form.name,
            template=template,
            definition=form.definition(),
        )
        await activate_rule(db, rule.id)
    elif form.deleted:
        await delete_rule(db, rule.id)
    elif form.active:
        await activate_rule(db, rule.id)
    else:
        await deactivate_rule(db, rule.id)
