"""What happens outside the test's own process: to be started, waited for, killed, and looked for afterwards."""

import os
import pwd
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import psutil
import pytest

ROOT = Path(__file__).parents[1]
PATH_OF_OURS = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])


def eventually(condition: Callable[[], object], seconds: float = 90) -> None:
    """Return when `condition` is true; fail when it takes longer than `seconds`."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"it did not happen within {seconds} s"
        time.sleep(0.02)


def left(folder: Path) -> list[str]:
    """List the processes that have to do with `folder`: by their command line or by where they work."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
        if any(str(folder) in word for word in words):
            found.append(f"{process.pid} {words}")
    return found


class User(NamedTuple):
    """Who runs a parent."""

    python: str = sys.executable
    uid: int | None = None  # None: ourselves
    gid: int | None = None


class Parent:
    """A Python process that starts something, says so in one line and waits for ever. At the end it is killed."""

    def __init__(self, code: str, folder: Path, user: User | None = None) -> None:
        """Run `code`, the body of an async function of `folder` that returns the line."""
        python, uid, gid = user or User()
        script = (
            "import asyncio, sys\nfrom pathlib import Path\n"
            "async def start(folder):\n"
            + "".join(f"    {line}\n" for line in code.strip().splitlines())
            + "\n"
            "async def main():\n    print(await start(Path(sys.argv[1])), flush=True)\n    await asyncio.Event().wait()\n"
            "asyncio.run(main())\n"
        )
        self.process = subprocess.Popen(
            [python, "-c", script, folder],
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env=os.environ | {"PYTHONPATH": PATH_OF_OURS},
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
        )
        assert self.process.stdout
        self._stdout = self.process.stdout

    def said(self) -> str:
        """Return its line once it has come that far."""
        line = self._stdout.readline().strip()
        assert line, "it ended before it said anything; its error is above"
        return line

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._stdout.close()


@contextmanager
def their_folder() -> Iterator[tuple[User, Path]]:
    """Give an ordinary user and a folder they own; skip the test where there can be none."""
    user = _ordinary_user()
    with tempfile.TemporaryDirectory(prefix="relance-test-") as folder:  # pytest's own are closed to them
        os.chown(folder, user.uid or 0, user.gid or 0)
        yield user, Path(folder)


def _ordinary_user() -> User:
    if os.geteuid() != 0:
        pytest.skip(
            "only root can become somebody else; without root, all tests here run as an ordinary user"
        )
    nobody = pwd.getpwnam("nobody")
    # A Python below a closed home is not theirs to run; the system's, of the same version, reads our packages.
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        user = User(python, nobody.pw_uid, nobody.pw_gid)
        if _reads_our_packages(user):
            return user
    pytest.skip("`nobody` can run no Python here that reads our packages")


def _reads_our_packages(user: User) -> bool:
    try:
        done = subprocess.run(
            [user.python, "-c", "import embedded.postgres"],
            capture_output=True,
            check=False,
            cwd="/",
            env={"PYTHONPATH": PATH_OF_OURS},
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )
    except OSError:  # there is none, or it is not theirs to run
        return False
    return done.returncode == 0
