import re
import runpy
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = runpy.run_path(str(ROOT / "tools" / "lock.py"))
NAMES = ["requirements.lock", "requirements-dev.lock"]


def pinned(name: str) -> dict[str, tuple[str, int]]:
    """Return version and number of hashes of each package in a lock file."""
    entries = re.findall(
        r"^([^\s#].*?)(?: \\)?\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)", text(name), re.M
    )
    found: dict[str, tuple[str, int]] = {}
    for line, hashes in entries:
        requirement = Requirement(line)
        (version,) = requirement.specifier
        assert version.operator == "==", line
        found[canonicalize_name(requirement.name)] = (version.version, hashes.count("--hash"))
    return found


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_is_of_todays_requirements(name: str) -> None:
    assert text(name).startswith(LOCK["first_line"](name)), "pyproject.toml has changed: run `make lock`"


@pytest.mark.parametrize("name", NAMES)
def test_each_requirement_is_pinned_to_a_version_it_allows(name: str) -> None:
    lock = pinned(name)
    for requirement in map(Requirement, LOCK["requirements"]()[name]):
        version, _ = lock[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize("name", NAMES)
def test_each_file_to_install_is_known_by_its_hash(name: str) -> None:
    lock = pinned(name)
    assert len(lock) > 50
    assert [package for package, (_, hashes) in lock.items() if not hashes] == []


def test_tests_run_on_the_versions_that_production_runs() -> None:
    assert pinned("requirements.lock").items() <= pinned("requirements-dev.lock").items()


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_names_no_address(name: str) -> None:
    assert re.findall(r"^-.*|.*(?:://|@ ).*", text(name), re.M) == []
