"""Alive, and ready: each part named, and nothing but a code said of it."""

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import httpx
from sqlalchemy import text

from api.app import create_app
from api.house import House
from control.plans import Plans
from store.database import Store
from store.organizations import Organization
from tests.api.door import Door, Pokes
from tests.house import LivedInHouse

NOWHERE = "postgresql://app:secret@127.0.0.1:1/relance"
READY = {"ready": True, "reason": None}


def not_ready(reason: str) -> dict[str, Any]:
    return {"ready": False, "reason": reason}


async def test_a_process_that_answers_lives_whatever_else_is_down() -> None:
    organization = Organization(UUID(int=0), "main", "Relance", "UTC", "en")
    app = create_app(House(Store(NOWHERE), cast("Plans", Pokes()), organization))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relance") as http:
        alive, ready = await http.get("/healthz"), await http.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"alive": True})
    assert (ready.status_code, ready.json()["type"]) == (503, "/problems/not-ready")
    assert ready.json()["dependencies"] == {"postgresql": not_ready("unreachable"), "temporal": READY}
    assert "secret" not in ready.text


async def test_each_part_is_asked(house: LivedInHouse) -> None:
    ready = await house.http.get("/readyz")
    assert (ready.status_code, ready.json()["dependencies"]) == (
        200,
        {"postgresql": READY, "temporal": READY},
    )

    await house.env.shutdown()

    ready = await house.http.get("/readyz")
    assert (ready.status_code, ready.json()["dependencies"]) == (
        503,
        {"postgresql": READY, "temporal": not_ready("unreachable")},
    )


async def test_a_database_that_lacks_migrations_is_named(door: Door) -> None:
    async with door.store.transaction() as db:
        await db.execute(text("update alembic_version set version_num = '0001'"))

    ready = await door.http.get("/readyz")

    assert (ready.status_code, ready.json()["dependencies"]["postgresql"]) == (
        503,
        not_ready("migrations_missing"),
    )


async def test_a_database_of_a_later_release_is_good_enough(door: Door) -> None:
    """A rolling upgrade migrates first: the processes of the release before go on."""
    async with door.store.transaction() as db:
        await db.execute(text("update alembic_version set version_num = 'later'"))

    assert (await door.http.get("/readyz")).status_code == 200


async def test_a_part_that_never_answers_is_not_waited_for(door: Door) -> None:
    door.pokes.reachable = never  # type: ignore[method-assign]

    ready = await door.http.get("/readyz")

    assert ready.json()["dependencies"]["temporal"] == not_ready("no_answer")


async def never() -> bool:
    await asyncio.sleep(timedelta(days=1).total_seconds())
    return True
