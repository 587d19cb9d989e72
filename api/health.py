"""Whether we live, and whether we can work: asked by whoever starts and watches us; codes only."""

import asyncio
from collections.abc import Coroutine
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from api.house import House, InHouse
from api.problems import Problem
from store.migrate import is_up_to_date

router = APIRouter(tags=["health"])

PATIENCE = 3  # seconds: whoever asks asks again soon, and often gives up after as long

Reason = Literal["unreachable", "no_answer", "migrations_missing"]


class Alive(BaseModel):
    """We answer."""

    alive: Literal[True] = True


class Dependency(BaseModel):
    """A part that we work with."""

    ready: bool
    reason: Reason | None = Field(description="why it is not; `relance doctor` and the logs say more")


class Dependencies(BaseModel):
    """The parts that we work with."""

    postgresql: Dependency
    temporal: Dependency


class Readiness(BaseModel):
    """Whether we can work."""

    dependencies: Dependencies


@router.get("/healthz")
async def healthz() -> Alive:
    """Say that this process answers; whether it can work is `/readyz`' to tell. Needs no token."""
    return Alive()


@router.get("/readyz")
async def readyz(house: InHouse) -> Readiness:
    """Say of each part that we work with whether it answers; 503 while one does not. Needs no token."""
    postgresql, temporal = await asyncio.gather(_asked(_postgresql(house)), _asked(_temporal(house)))
    found = Dependencies(postgresql=postgresql, temporal=temporal)
    if not (postgresql.ready and temporal.ready):
        raise Problem(
            503, "not-ready", "A part that we work with does not answer.", dependencies=found.model_dump()
        )
    return Readiness(dependencies=found)


async def _postgresql(house: House) -> Reason | None:
    try:
        async with house.store.statement() as db:
            return None if await is_up_to_date(db) else "migrations_missing"
    except SQLAlchemyError:
        return "unreachable"


async def _temporal(house: House) -> Reason | None:
    return None if await house.plans.reachable() else "unreachable"


async def _asked(looking: Coroutine[None, None, Reason | None]) -> Dependency:
    """Return how a part is; one that does not answer in time is not ready."""
    try:
        reason = await asyncio.wait_for(looking, PATIENCE)
    except TimeoutError:
        reason = "no_answer"
    return Dependency(ready=reason is None, reason=reason)
