"""The languages we speak, and their words."""

from collections.abc import Iterable
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_HERE = Path(__file__).parent

_LOCALES = {"en": "en_GB", "fr": "fr_FR"}  # British dates: 24-hour clock, day before month


@dataclass(frozen=True)
class Language:
    """A language that people can read us in. `translations` maps our English to it."""

    code: str
    locale: Locale
    translations: NullTranslations


def load_languages(*rooms: Path) -> dict[str, Language]:
    """Return every language by code, with the words of this room and of others; English needs none.

    Each of `rooms` is a folder of `.po` files.
    """
    folders = (_HERE / "locale", *rooms)
    return {
        code: Language(code, Locale.parse(tag), _translations(folder / f"{code}.po" for folder in folders))
        for code, tag in _LOCALES.items()
    }


def mark(message: str) -> str:
    """Return the message as it is: the name tells the extraction that it is one to translate."""
    return message


def _translations(paths: Iterable[Path]) -> NullTranslations:
    found = NullTranslations()
    for path in paths:
        if path.exists():
            one = _read(path)
            one.add_fallback(found)
            found = one
    return found


def _read(path: Path) -> NullTranslations:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
