"""`relance doctor`, and what the other commands say when something is wrong."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from embedded.processes import StartError
from embedded.up import _listen, base_url
from settings import Settings
from tests.e2e.conftest import ADDRESSES, RELANCE, Start

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def relance(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(RELANCE, *arguments, **environment)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
    return subprocess.run(
        command,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("environment", [{}, {"TEMPORAL_NAMESPACE": "other", "PYTHONIOENCODING": "ascii"}])
def test_the_doctor_finds_a_running_house_well(start: Start, environment: dict[str, str]) -> None:
    up = start(**environment).ready()

    doctor = relance("doctor", "--folder", up.folder)

    assert doctor.returncode == 0, doctor.stdout
    assert doctor.stdout.count("✓") == 6


def test_the_doctor_says_how_to_mend_what_does_not_run(tmp_path: Path) -> None:
    doctor = relance("doctor", "--folder", tmp_path / "var")

    assert doctor.returncode == 1
    ill = [line for line in doctor.stdout.splitlines() if "✗" in line]
    assert len(ill) == 5
    for part, cure in [
        ("PostgreSQL", "set DATABASE_URL"),
        ("Temporal", "set TEMPORAL_ADDRESS"),
        ("Worker", "set TEMPORAL_ADDRESS"),
        ("Mail server", "set SMTP_URL"),
        ("API", "relance up"),
    ]:
        assert any(part in line and cure in line for line in ill), doctor.stdout


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"RELANCE_PORT": "eighty"}, "RELANCE_PORT"),
        ({"RELANCE_ORGANIZATION_ZONE": "Europe/Pariss"}, "Europe/Paris"),
        ({"RELANCE_HAND_OVER_LEASE": "PT1M"}, "RELANCE_HAND_OVER_LEASE"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "PostgreSQL"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "127.0.0.1"),
        ({"SMTP_URL": "ftp://localhost"}, "smtp://"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    tmp_path: Path, environment: dict[str, str], complaint: str
) -> None:
    up = relance("up", "--folder", tmp_path / "var", **environment)

    assert complaint in the_complaint(up)


def the_complaint(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line in which a command said why it gave up."""
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if "✗" in line]
    return line


@pytest.mark.parametrize("command", ["migrate", "worker", "api"])
def test_a_command_without_a_database_is_one_clear_line(command: str) -> None:
    assert "DATABASE_URL is not set" in the_complaint(relance(command))


@pytest.mark.parametrize("command", ["migrate", "worker", "api"])
def test_a_database_that_is_away_is_one_clear_line(command: str) -> None:
    ended = relance(
        command,
        DATABASE_URL="postgresql://app:secret@127.0.0.1:1/x",
        TEMPORAL_ADDRESS="127.0.0.1:1",
        SMTP_URL="smtp://127.0.0.1:1",
    )

    assert "Connection refused" in the_complaint(ended)
    assert "secret" not in ended.stdout


@pytest.mark.parametrize("script", ["worker.py", "server.py"])
def test_a_script_says_the_same_as_its_command(script: str) -> None:
    assert "DATABASE_URL is not set" in the_complaint(run(sys.executable, script))


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "--folder" in the_complaint(relance("up", "--folder", tmp_path / "file"))


def test_ctrl_c_while_it_starts_is_one_word(start: Start) -> None:
    up = start()
    up.read_until("… Demo organization")

    assert up.stop(signal.SIGINT) == 130
    assert up.lines[-1].strip() == "Stopped."
    assert up.relatives() == []


@pytest.mark.parametrize("host", ["nobody.invalid", "192.0.2.1", "a..b"])
def test_a_host_that_is_not_ours_is_said_with_its_variable(host: str) -> None:
    with pytest.raises(StartError, match="RELANCE_HOST"):
        _listen(Settings(host=host, port=0), Console())


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_address_of_version_6_is_listened_on() -> None:
    settings = Settings(host="::1", port=0)
    with _listen(settings, Console()) as listener:
        assert listener.family == socket.AF_INET6
        assert base_url(settings) == f"http://[::1]:{settings.port}"
