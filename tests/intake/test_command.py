"""`relance import` as a person types it: where it finds the parts, and one line for whatever is wrong."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.e2e.conftest import ADDRESSES, RELANCE
from tests.intake.desk import Desk

Relance = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def relance(tmp_path: Path) -> Relance:
    """Run a command without the settings of whoever tests."""
    clean = {name: value for name, value in os.environ.items() if name not in ADDRESSES}

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RELANCE, "import", *arguments],
            cwd=tmp_path,
            env=clean | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_goes_into_the_database_of_the_environment_though_temporal_is_away(
    desk: Desk, relance: Relance
) -> None:
    path = desk.file({"id": "S-1", "name": "Alone"})
    url = make_url(str(desk.door.store.engine.url)).render_as_string(hide_password=False)

    done = relance(path, DATABASE_URL=url, TEMPORAL_ADDRESS="127.0.0.1:1")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Sessions     1 new" in done.stdout
    assert "Temporal is away: once it is back, the next sweep plans what changed." in done.stdout
    again = relance(path, "--remove-missing", DATABASE_URL=url)
    assert "1 as they were" in again.stdout
    assert again.stdout.splitlines()[-1] == "Written; nothing is to be planned."


def test_it_goes_into_what_relance_up_runs_in_the_folder(
    desk: Desk, relance: Relance, tmp_path: Path
) -> None:
    (tmp_path / "house").mkdir()
    addresses = {"database_url": str(desk.door.store.engine.url), "temporal_address": "127.0.0.1:1", "pid": 7}
    (tmp_path / "house" / "addresses.json").write_text(json.dumps(addresses))

    done = relance(desk.file({"id": "S-1", "name": "Alone"}), "--folder", "house")

    assert done.returncode == 0, done.stdout
    assert "1 new" in done.stdout


def test_whatever_is_wrong_is_one_line_with_the_cure(desk: Desk, relance: Relance, tmp_path: Path) -> None:
    url = str(desk.door.store.engine.url)
    (tmp_path / "empty.csv").write_text("")

    for arguments, told in {
        ("nowhere.csv",): "There is no file nowhere.csv: check the name, and the folder you are in.",
        (".",): ". is a folder: name a file in it.",
        ("empty.csv",): "empty.csv is empty: write one session a line, or name another file.",
        ("x", "--remove-missing", "--skip-bad"): "--remove-missing and --skip-bad do not go together",
    }.items():
        done = relance(*arguments, DATABASE_URL=url)
        assert done.returncode == 1
        assert done.stdout.startswith(f"✗ {told}")
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""


def test_without_a_house_it_says_how_to_get_one(relance: Relance) -> None:
    done = relance("sessions.csv")

    assert done.returncode == 1
    assert done.stdout.startswith("✗ Nothing is named to import into: start `relance up`")


def test_a_database_that_does_not_answer_is_one_line_without_its_password(relance: Relance) -> None:
    done = relance("sessions.csv", DATABASE_URL="postgresql://relance:secret@127.0.0.1:1/relance")

    assert done.returncode == 1
    assert done.stdout.startswith("✗ ")
    assert "secret" not in done.stdout + done.stderr
