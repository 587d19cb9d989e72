"""docs/first-rule.md, followed to the letter by a newcomer."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Start, Up
from tests.outside import ROOT, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PAGE = (ROOT / "docs" / "first-rule.md").read_text()
COMMANDS = re.findall(r"^```\n(.*?)^```$", PAGE, re.M | re.S)

# Its dates lie ahead of whoever reads it.
YEAR = str(datetime.now(UTC).year + 1)


def follow(up: Up) -> list[list[dict[str, Any]]]:
    """Run every block in one shell that stops at the first command that fails; return what each block answered."""
    script = "set -euo pipefail\n" + "\n".join(f"{block}\necho ---" for block in COMMANDS)
    address = f"127.0.0.1:{up.addresses['port']}"
    for told, here in {
        "127.0.0.1:8000": address,
        "var/token": str(up.folder / "token"),
        "2027": YEAR,
    }.items():
        script = script.replace(told, here)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *blocks, rest = done.stdout.split("---\n")
    assert rest == ""
    return [[json.loads(line) for line in block.splitlines() if line] for block in blocks]


def test_every_command_of_the_first_rule_does_what_the_page_says(start: Start, tmp_path: Path) -> None:
    up = start().ready()

    _, people, template, rule, planned, moved, cancelled, sent, token = follow(up)

    person, session, participant = people
    assert (person["id"], session["starts_at"][:10], participant["person"]) == (
        "p-104",
        f"{YEAR}-06-07",
        "p-104",
    )
    assert template[0]["subject"].startswith("{{ session.name }}")
    assert [answer["active"] for answer in rule] == [False, True]
    assert rule[1]["rolled_out"]
    assert dues(planned[0]) == [("scheduled", f"{YEAR}-05-31T07:00:00Z")]
    assert dues(moved[1]) == [("scheduled", f"{YEAR}-06-07T07:00:00Z")]
    assert planned[0]["items"][0]["id"] == moved[1]["items"][0]["id"]
    assert cancelled[0]["status"] == "cancelled"
    assert cancelled[1]["status"] == "scheduled"
    assert sent[0]["id"] == cancelled[0]["id"]
    assert token[0]["token"].startswith("relance_")
    eventually(lambda: [mail for mail in up.accepted() if "ada@example.org" in mail["recipients"]])
    eventually(lambda: up.call("GET", f"/v1/sends/{sent[0]['id']}")["status"] == "sent")


def dues(sends: dict[str, Any]) -> list[tuple[str, str]]:
    return [(send["status"], send["due_at"]) for send in sends["items"]]
