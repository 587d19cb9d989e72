"""Which of the three forms a file has is seen from what it holds."""

import json
from collections.abc import Iterator

from intake.files import FileError
from intake.lines import read_lines
from intake.rows import Record, Rejected
from intake.schedule import SESSIONS, read_schedule
from intake.table import read_table


def read_records(text: str) -> Iterator[Record | Rejected]:
    """Yield what each row says, in the order of the file.

    Raises FileError where the text has none of the forms.
    """
    start = text.lstrip()
    if start.startswith("["):
        raise FileError(
            "The file is a JSON list: write its objects one a line (JSON Lines), without the brackets."
        )
    if not start.startswith("{"):
        return read_table(text)
    if _is_json(start.partition("\n")[0]) and not _is_one_line_schedule(start):
        return read_lines(text)
    return read_schedule(text, _schedule(text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_one_line_schedule(text: str) -> bool:
    try:
        return SESSIONS in json.loads(text)
    except (ValueError, RecursionError):
        return False


def _schedule(text: str) -> dict[str, object]:
    try:
        schedule: dict[str, object] = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        cure = "export it again, or write one session a line (JSON Lines)"
        raise FileError(f"The file is not JSON ({error.msg}, {where}): {cure}.") from None
    except RecursionError:
        raise FileError("The file is JSON nested too deeply to be a schedule.") from None
    if SESSIONS not in schedule:
        raise FileError(
            "The file is one JSON object without `sessions`: give it some, or write one session a line."
        )
    return schedule
