"""JSON Lines: one session a line."""

import json
from collections.abc import Iterator
from typing import NoReturn

from intake.rows import Record, Rejected


def read_lines(text: str) -> Iterator[Record | Rejected]:
    """Yield one record for each line that is not blank."""
    for number, line in enumerate(
        text.split("\n"), start=1
    ):  # a JSON text may hold what `splitlines` splits at
        if not line.strip():
            continue
        try:
            yield Record(number, json.loads(line, parse_constant=_no_constant))
        except json.JSONDecodeError as error:
            yield Rejected(number, f"not JSON ({error.msg}, column {error.colno}): write one session a line")
        except (ValueError, RecursionError) as error:
            yield Rejected(number, f"not JSON that can be read: {error}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
