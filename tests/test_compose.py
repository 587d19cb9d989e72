"""The production shape, read as data: there is no container engine where these tests run."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from cli import app
from settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ["api", "worker", "migrate"]
ONE_SHOTS = {"migrate", "temporal-schema", "temporal-namespace"}
PINNED = re.compile(r"[\w./-]+:\d+\.\d+[\w.-]*")


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == {"api", "worker", "postgres", "temporal", "temporal-ui"} | ONE_SHOTS


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_of_one_version(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_our_image_is_of_this_version_and_on_a_pinned_python() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"relance:{version}"}
    assert all(PINNED.fullmatch(base) for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))


def test_the_image_leaves_the_embedded_stack_out() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][
        "embedded"
    ]
    (left_out,) = re.findall(r"!/\^\((.*)\)==/", DOCKERFILE)
    assert set(left_out.split("|")) == {Requirement(line).name for line in extra}


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_and_set_variables_that_exist(name: str) -> None:
    commands = {each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands}
    fields = Settings.model_fields.items()
    variables = {field.validation_alias or f"RELANCE_{key}".upper() for key, field in fields}
    assert set(SERVICES[name]["command"]) <= commands
    assert set(SERVICES[name]["environment"]) <= variables


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_waits_for_what_it_needs_in_a_way_that_can_come_true(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if other in ONE_SHOTS:
            assert wait == {"condition": "service_completed_successfully"}
        else:
            assert wait == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_for_long_comes_back_and_what_runs_once_ends(name: str) -> None:
    expected = "on-failure:5" if name in ONE_SHOTS else "unless-stopped"
    assert SERVICES[name]["restart"] == expected


def test_nothing_is_open_to_the_network_and_operators_only_watch() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert SERVICES["temporal-ui"]["environment"]["TEMPORAL_DISABLE_WRITE_ACTIONS"] == "true"


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.findall(r"\$\{\w+:?-", text)
    for password in re.findall(r"(?:PASSWORD|PWD): (.*)", text):
        assert password.startswith("${POSTGRES_PASSWORD")
