"""Every kind of problem that a route can answer with is in the list, and the list is in the documentation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from api.problem_kinds import KINDS

ROOT = Path(__file__).parents[2]
KIND = re.compile("[a-z]+(-[a-z]+)*")
# Words with hyphens that are handed on, and are no kinds.
OTHERS = {"content-type", "content-length", "if-match"}

# Starlette answers with these where no route does.
FROM_STARLETTE = {"not-found", "method-not-allowed"}


def raised() -> Iterator[tuple[str, int | None]]:
    """Yield every kind that code in `api/` names, with the status beside it where that is a number."""
    for file in sorted((ROOT / "api").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield from kinds_in(node)


def kinds_in(call: ast.Call) -> Iterator[tuple[str, int | None]]:
    words = [one.value for one in call.args if isinstance(one, ast.Constant)]
    statuses = [word for word in words if isinstance(word, int)]
    makes_problems = ast.unparse(call.func) in ("Problem", "respond", "super().__init__")
    for word in words:
        if (
            isinstance(word, str)
            and KIND.fullmatch(word)
            and (makes_problems or "-" in word)
            and word not in OTHERS
        ):
            yield word, statuses[0] if makes_problems and statuses else None


def test_every_kind_that_is_raised_is_known_with_its_status() -> None:
    found = set(raised())

    assert {kind for kind, _ in found} | FROM_STARLETTE == KINDS.keys()
    for kind, status in found:
        assert status in (None, KINDS[kind].status), kind


def test_every_kind_is_documented_as_it_is() -> None:
    written = (ROOT / "docs" / "api.md").read_text()
    table = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \| (.+) \|$", written, re.M)

    assert table == [(name, str(kind.status), kind.means) for name, kind in KINDS.items()]
