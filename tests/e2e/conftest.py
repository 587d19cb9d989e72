"""`relance up` in real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

RELANCE = Path(sys.executable).parent / "relance"
ADDRESSES = ("DATABASE_URL", "TEMPORAL_ADDRESS", "SMTP_URL")


class Up:
    """One `relance up`, in a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        clean = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
        self.process = subprocess.Popen(
            [RELANCE, "up", "--folder", folder],
            env=clean | {"RELANCE_PORT": "0"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, text: str) -> None:
        """Read what it says until a line holds `text`; fail when it ends before."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return
        pytest.fail(f"it never said {text!r}:\n{''.join(self.lines)}")

    def ready(self) -> "Up":
        self.read_until("Ctrl-C")
        return self

    @property
    def addresses(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / "addresses.json").read_text())
        return read

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        base = f"http://{self.addresses['host']}:{self.addresses['port']}"
        shown = {"Authorization": f"Bearer {(self.folder / 'token').read_text().strip()}"}
        answer = httpx.request(method, base + path, json=body, timeout=30, headers=shown)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def accepted(self) -> list[dict[str, Any]]:
        """Return what the mailbox took, in order: its log is the truth."""
        log = self.folder / "outbox" / "accepted.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, or kill it; return its exit code."""
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=60)
        self.lines.append(rest)
        return self.process.returncode

    def relatives(self) -> list[str]:
        """Return the command lines of all processes that work in its folder, itself not counted."""
        found = []
        for process in psutil.process_iter(["cmdline", "pid"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.folder) in line and process.info["pid"] != self.process.pid:
                found.append(line)
        return found


Start = Callable[..., Up]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `relance up` in this test's folder, as often as it likes; whatever still runs is killed."""
    started: list[Up] = []

    def start(**environment: str) -> Up:
        started.append(Up(tmp_path / "var", **environment))
        return started[-1]

    yield start
    for up in started:
        if up.process.poll() is None:
            up.stop(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while up.relatives() and time.monotonic() < deadline:
            time.sleep(0.05)
