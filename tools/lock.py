"""Write the two lock files from `pyproject.toml`: every version pinned, every file by its hash, no address of an index.

`make lock` keeps the versions that still fit; `make lock ARGS=--upgrade` takes the newest.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ["embedded", "otel"]
GROUPS = ["test", "lint", "browser"]
# One resolution for every system and every Python from 3.11.
OPTIONS = [
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
]


def requirements() -> dict[str, list[str]]:
    """Return what `pyproject.toml` asks for by lock file; the second holds the first's, and more."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"] + project["build-system"]["requires"]
    for extra in EXTRAS:
        runtime += project["project"]["optional-dependencies"][extra]
    development = [line for group in GROUPS for line in project["dependency-groups"][group]]
    return {"requirements.lock": runtime, "requirements-dev.lock": runtime + development}


def first_line(name: str) -> str:
    """Return the first line of a lock file; it changes with the requirements, so that a stale lock shows."""
    digest = hashlib.sha256(json.dumps(sorted(requirements()[name])).encode()).hexdigest()
    return f"# `make lock` wrote this from pyproject.toml, requirements {digest}\n"


def find_uv() -> str:
    """Return uv, installed beside our Python if there is none."""
    beside = sysconfig.get_path("scripts")
    if not (shutil.which("uv") or shutil.which("uv", path=beside)):
        # A .venv that uv has made holds no pip: the Python it was made from has one.
        python = str(Path(sys.base_prefix) / "bin" / "python3")
        pip = [python, "-m", "pip", "--python", sys.executable]
        subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
    return shutil.which("uv") or shutil.which("uv", path=beside) or "uv"


def write(name: str, *options: str) -> None:
    """Resolve the requirements of one lock file and write it."""
    lock = ROOT / name
    command = [find_uv(), "pip", "compile", "--quiet", *OPTIONS, *options, "-", "--output-file", name]
    subprocess.run(command, input="\n".join(requirements()[name]), text=True, check=True, cwd=ROOT)
    lock.write_text(first_line(name) + lock.read_text())


if __name__ == "__main__":
    write("requirements.lock", *sys.argv[1:])
    write("requirements-dev.lock", "--constraint", "requirements.lock", *sys.argv[1:])
