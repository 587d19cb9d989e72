"""Stores on real databases. `rows` shares one whose rows each test finds gone: a tenth of a second saved each time."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from store.database import Store
from tests.databases import conninfo, create_database
from tests.organizations import example_organization
from tests.store.store_rows import EMPTY, Rows


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on a database of this test alone, with the clock of production."""
    store = Store(database_url)
    yield store
    await store.close()


@pytest.fixture
async def rows(shared_url: str) -> AsyncIterator[Rows]:
    """The rows of one organization, none of them yet."""
    store = Store(shared_url, pool_size=16)
    async with store.transaction() as db:
        await db.exec_driver_sql(EMPTY)
        organization = await example_organization(db)
    yield Rows(store, organization)
    await store.close()


@pytest.fixture
def empty_url(database_url: str) -> Iterator[str]:
    """A database without a single table."""
    url = create_database(make_url(database_url), f"{make_url(database_url).database}_empty")
    yield url.render_as_string()
    with psycopg.connect(conninfo(make_url(database_url)), autocommit=True) as db:
        db.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(url.database or "")))
