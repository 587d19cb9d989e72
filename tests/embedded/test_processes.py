import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from embedded.processes import Child, StartError, claim, end_leftover, find_binary, free_port, run, serve
from tests.outside import Parent, eventually

SLEEP = ["sleep", "1000"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on'); time.sleep(1000)"
STUBBORN = [sys.executable, "-u", "-c", DEAF]
START_A_CHILD = """
from embedded.processes import Child
return Child(["sleep", "1000"], folder / "child.log").pid
"""
CLAIM = """
from embedded.processes import claim
globals()["lock"] = claim(folder)
return "claimed"
"""


async def _never() -> bool:
    return False


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    with Parent(START_A_CHILD, tmp_path) as parent:
        child = psutil.Process(int(parent.said()))
        assert child.is_running()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def test_a_terminals_signals_do_not_reach_a_child(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path / "log")
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    await child.stop()


async def test_a_stopped_child_says_how_it_ended_and_may_be_stopped_again(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path / "log")
    assert child.returncode is None
    await child.stop(signal.SIGINT)
    await child.stop()
    assert await child.wait() == -signal.SIGINT


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child(STUBBORN, tmp_path / "log")
    eventually(lambda: "on" in child.log_text())
    await child.stop(grace=0.1)
    assert child.returncode == -signal.SIGKILL


async def test_a_child_is_killed_when_its_stopping_is_cancelled(tmp_path: Path) -> None:
    child = Child(STUBBORN, tmp_path / "log")
    eventually(lambda: "on" in child.log_text())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(child.stop(grace=1000), 0.1)
    assert child.returncode == -signal.SIGKILL


async def test_a_child_is_never_started_from_another_thread(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(Child, SLEEP, tmp_path / "log")


async def test_a_failed_program_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"ls failed. The end of .*ls\.log:\n.*no-such-thing"):
        await run(["ls", "no-such-thing"], tmp_path / "log" / "ls.log")


async def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in ("one", "two", "three"):
        await run(["echo", word], tmp_path / "echo.log")
    assert (tmp_path / "echo.log").read_text() == "three\n"
    assert (tmp_path / "echo.old").read_text() == "two\n"


async def test_settings_of_another_postgresql_are_kept_from_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    await run(["env"], tmp_path / "env.log")
    assert "PGDATA" not in (tmp_path / "env.log").read_text()


async def test_a_server_that_ends_before_it_is_ready_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="did not start"):
        await serve(lambda: ["false"], tmp_path / "log", _never, passing=["a passing complaint"])


async def test_a_server_is_tried_again_while_its_complaint_will_pass(tmp_path: Path) -> None:
    commands = iter([["echo", "the old one is still in use"], SLEEP])
    tried: list[list[str]] = []

    def command() -> list[str]:
        tried.append(next(commands))
        return tried[-1]

    async def is_ready() -> bool:
        return tried[-1] == SLEEP

    child = await serve(command, tmp_path / "log", is_ready, passing=["still in use"])
    assert child.returncode is None
    await child.stop()


async def test_a_server_is_stopped_when_the_wait_for_it_is_cancelled(tmp_path: Path) -> None:
    mark = "1000.0625"  # an argument that no other process has
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(serve(lambda: ["sleep", mark], tmp_path / "log", _never, passing=[]), 0.2)
    assert not [each for each in psutil.process_iter(["cmdline"]) if mark in (each.info["cmdline"] or [])]


def test_a_folder_is_for_one_process_and_the_other_is_told_whose_it_is(tmp_path: Path) -> None:
    with Parent(CLAIM, tmp_path) as parent:
        parent.said()
        with pytest.raises(StartError, match=f"in use by process {parent.process.pid}: another Relance"):
            claim(tmp_path)
    claim(tmp_path).close()  # its end gave the folder back


async def test_a_leftover_is_ended_and_a_stranger_with_its_pid_is_not(tmp_path: Path) -> None:
    child = Child(["sleep", "1000.125"], tmp_path / "log")
    await end_leftover(child.pid, "another mark")
    assert child.returncode is None
    await end_leftover(child.pid, "1000.125")
    assert await child.wait() == -signal.SIGTERM
    await end_leftover(child.pid, "1000.125")  # nobody has it any more


async def test_a_stubborn_leftover_is_killed(tmp_path: Path) -> None:
    child = Child([*STUBBORN, "mark"], tmp_path / "log")
    eventually(lambda: "on" in child.log_text())
    await end_leftover(child.pid, "mark", grace=0.1)
    assert await child.wait() == -signal.SIGKILL


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert free_port(taken) not in (0, taken)
    assert free_port(taken) == taken


def test_a_program_is_taken_from_its_variable_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_binary("pytest", "RELANCE_TEST_BIN").name == "pytest"
    monkeypatch.setenv("RELANCE_TEST_BIN", sys.executable)
    assert find_binary("pytest", "RELANCE_TEST_BIN") == Path(sys.executable)
    monkeypatch.setenv("RELANCE_TEST_BIN", str(tmp_path / "missing"))
    with pytest.raises(StartError, match="which is no program"):
        find_binary("pytest", "RELANCE_TEST_BIN")


def test_a_missing_program_is_told_with_the_cure() -> None:
    with pytest.raises(StartError, match=r"No `no-such-program` found: install .* or set RELANCE_TEST_BIN"):
        find_binary("no-such-program", "RELANCE_TEST_BIN")
