import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from embedded.processes import StartError, find_binary, free_port
from embedded.temporal import TemporalServer
from tests.outside import Parent, eventually, left, their_folder

START = """
from embedded.temporal import TemporalServer
server = TemporalServer(folder)
await server.start(0, 0)
return server.address
"""
# As on a system whose kernel does not end children with their parent.
START_WITHOUT_THE_KERNELS_HELP = (
    """
from embedded import processes
processes._end_with = lambda parent: None
"""
    + START
)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[TemporalServer]:
    """Start a server on `folder`, on ports that nobody else prefers."""
    server = TemporalServer(folder)
    await server.start(port=0, ui_port=0)
    try:
        yield server
    finally:
        await server.stop()


async def remember(address: str) -> None:
    client = await Client.connect(address)
    await client.start_workflow("Waits", id="kept", task_queue="nobody-works-here")


async def remembers(address: str) -> bool:
    client = await Client.connect(address)
    description = await client.get_workflow_handle("kept").describe()
    return description.status == WorkflowExecutionStatus.RUNNING


async def test_a_server_starts_from_nothing_and_keeps_its_state(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await remember(server.address)
    async with running(tmp_path) as server:
        assert await remembers(server.address)
    assert not left(tmp_path)


async def test_a_started_server_shows_its_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as server, httpx.AsyncClient() as browser:
        page = await browser.get(server.ui_url, follow_redirects=True)
    assert page.is_success
    assert "<html" in page.text


async def test_a_server_takes_other_ports_when_its_own_are_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        port, ui_port = first.getsockname()[1], second.getsockname()[1]
        server = TemporalServer(tmp_path)
        await server.start(port, ui_port)
        await remember(server.address)
        assert server.address != f"127.0.0.1:{port}"
        assert server.ui_url != f"http://127.0.0.1:{ui_port}"
        await server.stop()


async def test_a_server_whose_port_is_snatched_at_the_last_moment_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as snatched:
        offers = iter([snatched.getsockname()[1]])
        monkeypatch.setattr("embedded.temporal.free_port", lambda _: next(offers, None) or free_port())
        async with running(tmp_path) as server:
            await remember(server.address)


async def test_a_killed_parent_leaves_no_process_and_its_state_is_found_again(tmp_path: Path) -> None:
    with Parent(START, tmp_path) as parent:
        await remember(parent.said())
        assert len(left(tmp_path)) > 1
        parent.kill()
        eventually(lambda: not left(tmp_path))
    async with running(tmp_path) as server:
        assert await remembers(server.address)


async def test_a_server_that_outlived_its_parent_is_replaced(tmp_path: Path) -> None:
    with Parent(START_WITHOUT_THE_KERNELS_HELP, tmp_path) as parent:
        old = parent.said()
        await remember(old)
        parent.kill()
        assert await remembers(old), "it should have outlived its parent"
    async with running(tmp_path) as server:
        assert await remembers(server.address)
        assert server.address != old
    assert not left(tmp_path)


async def test_two_servers_never_share_a_folder(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(StartError, match=f"in use by process {os.getpid()}: another Relance"):
            await TemporalServer(tmp_path).start()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporal" / "temporal.db").mkdir(parents=True)
    with pytest.raises(StartError, match=r"(?s)temporal did not start.*temporal\.log"):
        await TemporalServer(tmp_path).start(0, 0)
    assert not left(tmp_path)
    monkeypatch.setenv("TEMPORAL_BIN", str(tmp_path / "missing"))
    with pytest.raises(StartError, match="which is no program"):
        await TemporalServer(tmp_path).start(0, 0)


async def test_an_ordinary_user_starts_it_is_killed_and_starts_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_BIN", str(find_binary("temporal", "TEMPORAL_BIN")))
    with their_folder() as (user, folder):
        with Parent(START, folder, user) as parent:
            await remember(parent.said())
            parent.kill()
            eventually(lambda: not left(folder))
        with Parent(START, folder, user) as parent:
            assert await remembers(parent.said())
            assert (folder / "temporal" / "temporal.db").owner() == "nobody"
