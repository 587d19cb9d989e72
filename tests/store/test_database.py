"""May this database decide about real mail, and how is it spoken to?"""

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.clock import check_clock
from store.database import Store, driver_url
from store.organizations import ensure_organization, fetch_organization
from tests.store.store_rows import Rows


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"])
def test_any_url_of_postgresql_will_do(scheme: str) -> None:
    assert (
        driver_url(f"{scheme}://app:s%2Fcret@db.example.org/relance?sslmode=require")
        == "postgresql+psycopg://app:s%2Fcret@db.example.org/relance?sslmode=require"
    )


def test_another_database_is_refused_without_telling_the_password() -> None:
    with pytest.raises(ValueError, match=r"must name PostgreSQL .* not 'mysql'") as refusal:
        driver_url("mysql://app:secret@db.example.org/relance")
    assert "secret" not in str(refusal.value)


async def test_every_connection_speaks_utc_and_waits_for_no_lock_for_ever(store: Store) -> None:
    async with store.transaction() as db:
        assert await shown(db, "timezone") == "UTC"
        assert await shown(db, "lock_timeout") == "30s"
        assert await shown(db, "transaction_isolation") == "read committed"


async def test_a_transaction_that_fails_leaves_nothing(rows: Rows) -> None:
    with suppress(RuntimeError):
        async with rows.store.transaction() as db:
            await db.execute(text("update organizations set name = 'Another'"))
            raise RuntimeError

    assert await rows.one("select name from organizations") == "Example Training"


async def test_a_production_database_may_decide(store: Store) -> None:
    async with store.transaction() as db:
        await check_clock(db)


async def test_a_clock_that_was_moved_may_not_decide(rows: Rows) -> None:
    await rows.execute("update test_clock set ahead = '3 s'")

    async with rows.store.transaction() as db:
        with pytest.raises(RuntimeError, match="test database"):
            await check_clock(db)


async def test_a_server_that_may_forget_commits_may_not_decide(store: Store) -> None:
    async with store.transaction() as db:
        await db.execute(text("set local synchronous_commit = off"))
        with pytest.raises(RuntimeError, match="synchronous_commit"):
            await check_clock(db)


async def test_an_organization_is_made_once_and_kept(rows: Rows) -> None:
    async with rows.store.transaction() as db:
        again = await ensure_organization(
            db,
            "main",
            name="Other",
            zone="UTC",
            language="fr",
            sender_address="x@example.org",
            sender_name="X",
        )
        assert again.id == rows.organization
        assert (again.name, again.zone, again.language) == ("Example Training", "Europe/Paris", "en")


async def test_a_missing_organization_names_the_cure(store: Store) -> None:
    async with store.transaction() as db:
        with pytest.raises(LookupError, match="relance migrate"):
            await fetch_organization(db, "main")


async def shown(db: AsyncConnection, setting: str) -> str:
    return str((await db.execute(text(f"show {setting}"))).scalar_one())
