from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from web import rendering

WEB = Path(rendering.__file__).parent
FRENCH = WEB / "locale" / "fr.po"


def _used() -> Iterator[str]:
    """Yield every message of the templates and of the code, in English."""
    found = extract_from_dir(
        WEB,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"silent": "false"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "mark": None},
    )
    for _, _, message, _, _ in found:
        yield message if isinstance(message, str) else message[0]


def _catalog() -> Catalog:
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr", abort_invalid=True)


def _french() -> dict[str, bool]:
    """Return, for every message, whether all its forms are there."""
    return {
        message.id if isinstance(message.id, str) else message.id[0]: not message.fuzzy
        and bool(message.string and all(message.string))
        for message in _catalog()
        if message.id
    }


def test_no_message_of_the_pages_lacks_french() -> None:
    french = _french()

    assert [message for message in set(_used()) if not french.get(message)] == []


def test_no_french_is_left_that_nothing_uses() -> None:
    assert set(_french()) - set(_used()) == set()


def test_french_keeps_every_placeholder() -> None:
    assert [(message.id, errors) for message, errors in _catalog().check()] == []


@pytest.mark.parametrize("template", sorted((WEB / "templates").glob("*.html")), ids=lambda path: path.name)
def test_a_template_has_no_style_and_no_script_of_its_own(template: Path) -> None:
    source = template.read_text("utf-8")

    assert " style=" not in source
    assert "<style" not in source
    assert " on" + "click=" not in source
    assert "<script>" not in source
