import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from web import rendering
from words import languages

WEB = Path(rendering.__file__).parent
ROOMS = [WEB, Path(languages.__file__).parent]

every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)


def _used(room: Path) -> Iterator[str]:
    """Yield every message of the templates and of the code, in English."""
    found = extract_from_dir(
        room,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"silent": "false"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "mark": None},
    )
    for _, _, message, _, _ in found:
        yield message if isinstance(message, str) else message[0]


def _catalog(room: Path) -> Catalog:
    with (room / "locale" / "fr.po").open("rb") as file:
        return read_po(file, locale="fr", abort_invalid=True)


def _french(room: Path) -> dict[str, bool]:
    """Return, for every message, whether all its forms are there."""
    return {
        message.id if isinstance(message.id, str) else message.id[0]: not message.fuzzy
        and bool(message.string and all(message.string))
        for message in _catalog(room)
        if message.id
    }


@every_room
def test_no_message_lacks_french(room: Path) -> None:
    french = _french(room)

    assert [message for message in set(_used(room)) if not french.get(message)] == []


@every_room
def test_no_french_is_left_that_nothing_uses(room: Path) -> None:
    assert set(_french(room)) - set(_used(room)) == set()


@every_room
def test_french_keeps_every_placeholder(room: Path) -> None:
    assert [(message.id, errors) for message, errors in _catalog(room).check()] == []


@every_room
def test_no_message_hides_in_another_text(room: Path) -> None:
    """Within an f-string, extraction finds no message."""
    assert [
        path.name
        for path in room.glob("*.py")
        if re.search(r"""f["'].*\{.*mark\(""", path.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize("template", sorted((WEB / "templates").glob("*.html")), ids=lambda path: path.name)
def test_a_template_has_no_style_and_no_script_of_its_own(template: Path) -> None:
    source = template.read_text("utf-8")

    assert " style=" not in source
    assert "<style" not in source
    assert " on" + "click=" not in source
    assert "<script>" not in source
