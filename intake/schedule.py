"""The schedule of a conference: one JSON object with its `timezone` and `sessions`."""

import json
from collections.abc import Iterator, Mapping

from domain.zones import find_zone
from intake.files import FileError
from intake.rows import Record, Rejected

# What a schedule calls what a session has; whatever else it says is left alone.
NAMES = {
    "code": "id",
    "title": "name",
    "start": "starts_at",
    "end": "ends_at",
    "room": "room",
    "track": "category",
    "type": "mode",
    "state": "stage",
}
SESSIONS = "sessions"

_DECODER = json.JSONDecoder()
_BETWEEN = " \t\n,:"


def read_schedule(text: str, schedule: Mapping[str, object]) -> Iterator[Record | Rejected]:
    """Yield one record for each session of `schedule`, which is what `text` says.

    Speakers come as trainers under their codes; who is not known yet is made up. A schedule that does not name them
    leaves the trainers as they are.

    Raises FileError when its parts are not what a schedule's are.
    """
    sessions, zone = schedule[SESSIONS], schedule.get("timezone")
    if not isinstance(sessions, list):
        raise FileError(
            'The `sessions` of a schedule are a list: {"timezone": …, "sessions": [{"code": …}, …]}.'
        )
    if not sessions:
        raise FileError("The schedule has no sessions: export it again, or name another file.")
    if zone is not None:
        _check_zone(zone)
    for line, session in zip(_lines(text), sessions, strict=True):
        if not isinstance(session, dict):
            yield Rejected(line, 'a session is an object: {"code": …, "title": …}')
        elif not _are_codes(speakers := session.get("speakers")):
            yield Rejected(line, "speakers: a list of codes, each of them text")
        else:
            said = {ours: session[theirs] for theirs, ours in NAMES.items() if theirs in session}
            said |= {"timezone": zone, "trainers": speakers}
            yield Record(line, said, frozenset(speakers or ()))


def _check_zone(zone: object) -> None:
    try:
        find_zone(str(zone))
    except ValueError as error:
        raise FileError(f"timezone: {error}.") from None


def _are_codes(speakers: object) -> bool:
    return speakers is None or (
        isinstance(speakers, list) and all(isinstance(code, str) for code in speakers)
    )


def _lines(text: str) -> Iterator[int]:
    """Yield the line on which each session begins; `text` is known to be JSON."""
    position, line, counted = _first(text), 1, 0
    while text[position] != "]":
        line, counted = line + text.count("\n", counted, position), position
        yield line
        position = _after(text, position)


def _first(text: str) -> int:
    """Return where the first session begins, or the list ends."""
    position, sessions = _pass_over(text, text.index("{") + 1), 0
    while text[position] != "}":
        value = _after(text, position)
        if _DECODER.raw_decode(text, position)[0] == SESSIONS:
            sessions = _pass_over(text, value + 1)  # of a name that occurs twice, JSON means the last
        position = _after(text, value)
    return sessions


def _after(text: str, position: int) -> int:
    """Return where what follows the value at `position` begins."""
    return _pass_over(text, _DECODER.raw_decode(text, position)[1])


def _pass_over(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BETWEEN:
        position += 1
    return position
