"""How far rules are on their way to all sessions."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.house import InHouse
from api.rule_writes import fetch_rule
from domain.keys import Key
from store.rules import Rule, count_told

router = APIRouter(tags=["rules"])


class Count(BaseModel):
    """How many of how many."""

    done: int = Field(examples=[120])
    total: int = Field(examples=[200])


class RollOut(BaseModel):
    """How far a rule is on its way to all sessions."""

    version: int = Field(description="of the rule", examples=[4])
    rolled_out: bool = Field(description="every session follows this version", examples=[False])
    sessions: Count | None = Field(
        description="planned for it; null when it is rolled out, and until its roll-out begins"
    )
    sends: Count = Field(description="whose workflow knows what is planned")


@router.get("/rules/{id}/rollout")
async def get_rollout(id: Key, house: InHouse) -> RollOut:
    """Return how far a rule is on its way to all sessions."""
    async with house.store.transaction() as db:
        rule = await fetch_rule(db, house, id)
        sends = await count_told(db, rule.id)
    return RollOut(
        version=rule.version,
        rolled_out=not rule.dirty,
        sessions=_sessions_done(rule) if rule.dirty else None,
        sends=Count(done=sends.told, total=sends.total),
    )


def _sessions_done(rule: Rule) -> Count | None:
    if rule.rollout_sessions is None or rule.rollout_total is None:
        return None
    return Count(done=rule.rollout_sessions, total=rule.rollout_total)
