"""One example of every route: what is asked, and what is answered.

`examples.json` holds them in an order in which they could be asked, one after the other; a test does so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent / "examples.json"

# Whose ids the examples speak of, by the part of the path before the id.
PATHS = {
    "sessions": "S-2027-041",
    "people": "p-104",
    "participants": "p-104",
    "trainers": "p-104",
    "companies": "c-12",
    "centers": "lyon",
    "templates": "welcome",
    "rules": "welcome-j7",
    "sends": "2f6f2c6e-6c0b-5a8e-9a0c-0c5f3c1f7d11",
    "suppressions": "nobody@example.org",
    "tokens": "7c1f6f5e-2f3a-4b53-8a55-3f6d6e0a9b42",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A request and the answer to it; None where there is no body."""

    request: Any = None
    answer: Any = None


def ids_of(path: str) -> dict[str, str]:
    """Return the ids that an example has in a path such as `/v1/rules/{id}`."""
    parts = path.split("/")
    return {
        part.partition("}")[0][1:]: PATHS[before] for before, part in pairwise(parts) if part.startswith("{")
    }


def read_examples() -> Mapping[str, Example]:
    """Return the examples by method and path (`PUT /v1/rules/{id}`)."""
    return {name: Example(**example) for name, example in json.loads(EXAMPLES.read_text()).items()}
