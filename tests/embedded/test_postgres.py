import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from embedded.postgres import Postgres
from embedded.processes import StartError
from tests.outside import Parent, eventually, left, their_folder

START = """
from embedded.postgres import Postgres
return await Postgres(folder, durable=False).start()
"""
# As on a system whose kernel does not end children with their parent.
START_WITHOUT_THE_KERNELS_HELP = (
    """
from embedded import processes
processes._end_with = lambda parent: None
"""
    + START
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL needs a disguise only under root")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[psycopg.Connection]:
    """Start a server on `folder` and connect to its database."""
    server = Postgres(folder, durable=False)
    url = await server.start()
    try:
        with connect(url) as db:
            yield db
    finally:
        await server.stop()


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def remember(db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE kept AS SELECT 1 AS one")


def remembers(db: psycopg.Connection) -> bool:
    return db.execute("SELECT one FROM kept").fetchall() == [(1,)]


async def test_a_server_starts_from_nothing_and_keeps_its_data(tmp_path: Path) -> None:
    async with running(tmp_path) as db:
        assert db.info.dbname == "relance"
        remember(db)
    async with running(tmp_path) as db:
        assert remembers(db)
    assert not left(tmp_path)


async def test_a_server_listens_to_nothing_but_its_private_socket(tmp_path: Path) -> None:
    async with running(tmp_path) as db:
        assert db.execute("SHOW listen_addresses").fetchone() == ("",)
        assert os.stat(db.info.host).st_mode & 0o077 == 0


async def test_a_server_is_durable_unless_told_otherwise_and_speaks_unicode_and_utc(tmp_path: Path) -> None:
    server = Postgres(tmp_path, settings={"max_connections": "33"})
    with connect(await server.start()) as db:
        settings: dict[str, str] = dict(db.execute("SELECT name, setting FROM pg_settings").fetchall())
        lower = db.execute("SELECT lower('ŒUVRE ÉTÉ')").fetchone()
    await server.stop()
    assert [settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
    assert settings["max_connections"] == "33"
    assert settings["TimeZone"] == "UTC"
    assert lower == ("œuvre été",)


async def test_a_killed_parent_leaves_no_process_and_its_data_are_found_again(tmp_path: Path) -> None:
    with Parent(START, tmp_path) as parent, connect(parent.said()) as db:
        remember(db)
        assert len(left(tmp_path)) > 1
        parent.kill()
        eventually(lambda: not left(tmp_path))
    async with running(tmp_path) as db:
        assert remembers(db)


async def test_the_next_start_need_not_wait_for_a_killed_one(tmp_path: Path) -> None:
    for _ in range(3):
        with Parent(START, tmp_path) as parent:
            parent.said()
    async with running(tmp_path) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


async def test_a_parent_killed_while_it_makes_the_data_folder_leaves_nothing_half_made(
    tmp_path: Path,
) -> None:
    with Parent(START, tmp_path) as parent:
        eventually(lambda: list((tmp_path / "postgres").glob("new-*/base")))
        parent.kill()
        assert not (tmp_path / "postgres" / "data").exists()
        eventually(lambda: not left(tmp_path))
    async with running(tmp_path) as db:
        remember(db)
    assert not list((tmp_path / "postgres").glob("new-*"))


async def test_a_cancelled_start_leaves_nothing_running(tmp_path: Path) -> None:
    start = asyncio.create_task(Postgres(tmp_path).start())
    while not left(tmp_path):  # noqa: ASYNC110 - another process has no event for us
        await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    eventually(lambda: not left(tmp_path))
    async with running(tmp_path) as db:
        remember(db)


async def test_a_folder_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(StartError, match=f"in use by process {os.getpid()}: another Relance"):
            await Postgres(tmp_path).start()


async def test_a_server_that_outlived_its_parent_is_replaced(tmp_path: Path) -> None:
    with Parent(START_WITHOUT_THE_KERNELS_HELP, tmp_path) as parent, connect(parent.said()) as db:
        remember(db)
        parent.kill()
        assert remembers(db), "it should have outlived its parent"
    async with running(tmp_path) as db:
        assert remembers(db)
    assert not left(tmp_path)


async def test_the_pid_of_a_dead_server_may_be_another_programs_by_now(tmp_path: Path) -> None:
    async with running(tmp_path) as db:
        remember(db)
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    async with running(tmp_path) as db:
        assert remembers(db)


async def test_data_of_another_version_are_told_with_the_cure(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartError, match=r"written by PostgreSQL 9, but .* is PostgreSQL \d+: set PG_BIN"):
        await Postgres(tmp_path).start()


async def test_a_machine_without_postgresql_is_told_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(StartError, match=r"No PostgreSQL found: install .*PG_BIN.*DATABASE_URL"):
        await Postgres(tmp_path).start()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"(?s)postgres did not start.*no_such_setting"):
        await Postgres(tmp_path, settings={"no_such_setting": "1"}).start()
    assert not left(tmp_path)


@pytest.mark.parametrize(
    ("name", "near"), [("with space & 50 %", True), ("données", True), ("a,b", False), ("d" * 120, False)]
)
async def test_a_folder_may_have_an_awkward_or_a_long_name(name: str, near: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="relance-test-") as folder:  # pytest's own are long already
        var = Path(folder) / name
        with Parent(START, var) as parent, connect(parent.said()) as db:
            first = Path(db.info.host)
        async with running(var) as db:
            second = Path(db.info.host)
        assert (first.is_relative_to(var), second.is_relative_to(var)) == (near, near)
        assert not list(first.parent.glob(first.name)), (
            "not even a killed run leaves its socket outside for long"
        )
        assert not list(second.parent.glob(second.name))


@needs_root
async def test_root_needs_no_user_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as db:
        remember(db)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("setpriv", "true"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    with monkeypatch.context() as without_unshare:
        without_unshare.setenv("PATH", str(tools))
        async with running(tmp_path) as db:
            assert remembers(db)
            assert (tmp_path / "postgres" / "data").owner() == "nobody"
        without_unshare.setenv("PATH", str(tmp_path))
        with pytest.raises(StartError, match=r"refuses to run as root.*ordinary user"):
            await Postgres(tmp_path).start()
    async with running(tmp_path) as db:
        assert remembers(db)


@needs_root
async def test_a_parent_killed_without_user_namespaces_leaves_no_process(tmp_path: Path) -> None:
    without = "from embedded import postgres\nworks = postgres._works\n"
    without += "postgres._works = lambda prefix: prefix[0] != 'unshare' and works(prefix)\n"
    with Parent(without + START, tmp_path) as parent:
        parent.said()
        assert len(left(tmp_path)) > 1
    eventually(lambda: not left(tmp_path))
    async with running(tmp_path) as db:
        remember(db)


def test_an_ordinary_user_starts_it_is_killed_and_starts_it_again() -> None:
    with their_folder() as (user, folder):
        with Parent(START, folder, user) as parent, connect(parent.said()) as db:
            remember(db)
            parent.kill()
            eventually(lambda: not left(folder))
        with Parent(START, folder, user) as parent, connect(parent.said()) as db:
            assert remembers(db)
            assert (folder / "postgres" / "data").owner() == "nobody"
