"""Each embedded part replaced by a real one, one by one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.postgres import Postgres
from embedded.processes import free_port
from embedded.temporal import TemporalServer
from tests.e2e.conftest import Start
from tests.outside import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    server = Postgres(tmp_path / "real")
    yield asyncio.run(server.start()).replace("+psycopg", "")
    asyncio.run(server.stop())


@pytest.fixture
def temporal(tmp_path: Path) -> Iterator[str]:
    server = TemporalServer(tmp_path / "real")
    asyncio.run(server.start(free_port(), free_port()))
    yield server.address
    asyncio.run(server.stop())


def test_a_real_postgresql_is_used_as_it_is(start: Start, database: str) -> None:
    up = start(DATABASE_URL=database).ready()

    eventually(lambda: len(up.accepted()) == 5)
    assert not (up.folder / "postgres").exists()


def test_a_real_temporal_is_used_as_it_is(start: Start, temporal: str) -> None:
    up = start(TEMPORAL_ADDRESS=temporal).ready()

    eventually(lambda: len(up.accepted()) == 5)
    assert not (up.folder / "temporal").exists()


def test_with_a_real_mail_server_no_demo_writes_to_anybody(start: Start) -> None:
    up = start(SMTP_URL="smtp://127.0.0.1:9").ready()

    assert up.call("GET", "/v1/rules")["items"] == []
    assert not (up.folder / "outbox").exists()
    assert "Outbox" not in "".join(up.lines)
