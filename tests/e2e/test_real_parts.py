"""Each embedded part replaced by a real one, one by one."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from embedded.processes import free_port
from embedded.temporal import TemporalServer
from tests.e2e.conftest import Start
from tests.e2e.test_up import plan_a_mail, statuses
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


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[tuple[str, Mailbox]]:
    """A mail server of its own process, and where it keeps what it took."""
    folder = tmp_path / "real"
    command = [sys.executable, "-m", "embedded.mailbox", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield f"smtp://127.0.0.1:{server.stdout.readline().strip()}", Mailbox(folder)
        server.terminate()


def test_a_real_mail_server_gets_the_mails(start: Start, mail_server: tuple[str, Mailbox]) -> None:
    url, kept = mail_server
    up = start(SMTP_URL=url).ready()

    plan_a_mail(up, "ada")

    eventually(lambda: statuses(up) == ["sent"])
    assert [mail.recipients for mail in kept.accepted()] == [["ada@example.org"]]


def test_with_a_real_mail_server_no_demo_writes_to_anybody(start: Start) -> None:
    up = start(SMTP_URL="smtp://127.0.0.1:9").ready()

    assert up.call("GET", "/v1/rules")["items"] == []
    assert not (up.folder / "outbox").exists()
    assert "Outbox" not in "".join(up.lines)
