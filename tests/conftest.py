"""The real parts that tests run on: PostgreSQL, two kinds of Temporal, a mail server. Each test gets its own.

Our rooms are imported inside the fixtures, so that the tests of one room run while another does not even import.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests import outside

if TYPE_CHECKING:
    from embedded.mailbox import Mailbox

BINARIES = Path(sys.executable).parent


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """Say what a test counted, under a name; it is printed at the end, in whichever process the test ran."""
    return lambda what, figures: record_property(what, str(figures))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for what, figures in report.user_properties:
                terminalreporter.write_line(f"{what}: {figures}")


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait for something outside this process: it is called until it is true."""
    return outside.eventually


@pytest.fixture(scope="session")
def template_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database that nobody uses, on a server of this test process: others have their own."""
    from embedded.postgres import Postgres
    from store.migrate import upgrade

    server = Postgres(tmp_path_factory.mktemp("var"), durable=False, settings={"max_connections": "200"})
    url = asyncio.run(server.start())
    try:
        upgrade(url)
        yield url
    finally:
        asyncio.run(server.stop())


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_url(template_url: str) -> str:
    """A migrated database with a clock that tests move; whoever uses it finds the rows of others gone."""
    from tests.databases import conninfo, create_database
    from tests.store.store_rows import MOVABLE_CLOCK

    url = create_database(make_url(template_url), "shared", template=make_url(template_url).database)
    with psycopg.connect(conninfo(url)) as db:
        db.execute(MOVABLE_CLOCK)
    return url.render_as_string()


@pytest.fixture
def database_url(template_url: str) -> Iterator[str]:
    """A migrated, empty database of this test alone."""
    template = make_url(template_url)
    name = f"test_{next(_numbers)}"
    host, port = str(template.query["host"]), str(template.query["port"])
    with psycopg.connect(
        host=host, port=port, user=template.username, dbname="postgres", autocommit=True
    ) as db:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        db.execute(copy.format(sql.Identifier(name), sql.Identifier(template.database or "")))
        yield template.set(database=name).render_as_string()
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def temporal_env() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock only moves by `env.sleep`: exact and the same each time.

    Never share one between tests: after a result it would skip on to the next timer it knows, years away.
    """
    from control.search_attributes import ensure_search_attributes

    env = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BINARIES / "temporal-test-server"),
        data_converter=pydantic_data_converter,
    )
    async with env:
        with env.auto_time_skipping_disabled():
            await ensure_search_attributes(env.client)
            yield env


@pytest.fixture
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """A whole Temporal server in memory, on the real clock: schedules, listings, search attributes."""
    from control.client import SEARCH_ATTRIBUTES

    env = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BINARIES / "temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=SEARCH_ATTRIBUTES,
    )
    async with env:
        yield env


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator["Mailbox"]:
    """A mail server that keeps what it is given."""
    from embedded.mailbox import Mailbox

    mailbox = Mailbox(tmp_path / "outbox")
    await mailbox.start("127.0.0.1", 0)
    yield mailbox
    await mailbox.stop()
