"""When a window is open: "Monday to Friday, 08:00 to 19:00, not on public holidays (France)"."""

from collections.abc import Iterator, Sequence
from datetime import time

from babel.dates import get_day_names
from babel.lists import format_list

from domain.windows import Weekday, Window
from words.dates import clock_in_words
from words.languages import Language

_WEEK = list(Weekday)


def window_in_words(window: Window, language: Language) -> str:
    """Return the days and hours in which mails may leave; "at any time" for a window that is always open."""
    return ", ".join(_parts(window, language)) or language.translations.gettext("at any time")


def _parts(window: Window, language: Language) -> Iterator[str]:
    _ = language.translations.gettext
    if len(window.days) < len(_WEEK):
        yield _days(sorted(map(_WEEK.index, window.days)), language)
    hours = {"from": clock_in_words(window.opens_at), "to": clock_in_words(window.closes_at or time(0))}
    if window.closes_at is not None:
        yield _("%(from)s to %(to)s") % hours
    elif window.opens_at > time(0):
        yield _("from %(from)s") % hours
    if window.holidays is not None:
        yield _("not on public holidays (%(country)s)") % {"country": _country(window.holidays, language)}


def _days(numbers: Sequence[int], language: Language) -> str:
    names = get_day_names(locale=language.locale)
    words = [names[number] for number in numbers]
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:  # one after the other
        return language.translations.gettext("%(first)s to %(last)s") % {"first": words[0], "last": words[-1]}
    return format_list(words, locale=language.locale)


def _country(code: str, language: Language) -> str:
    country, _, part = code.partition("-")
    name = language.locale.territories.get(country, country)
    return f"{name}, {part}" if part else name
