"""Speakers: who says the values of steps in a language, on the clocks of a zone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from babel.lists import format_list

from domain.anchors import Anchor
from domain.timing import Offset
from words.dates import clock_in_words, day_in_words
from words.languages import Language
from words.rules import anchor_in_words, delay_in_words, offset_in_words

_NAMED = 10  # of a crowd


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who tells the values of steps, on the clocks of a zone."""

    zone: ZoneInfo
    language: Language
    name: Callable[[str], str]

    def say(self, message: str, values: Mapping[str, Any]) -> str:
        """Return a message in the language, with its values in words."""
        words = self.language.translations.gettext(message) % self._words(values)
        return words[0].upper() + words[1:]

    def _words(self, values: Mapping[str, Any]) -> dict[str, str]:
        words = {name: self._word(name, value) for name, value in values.items()}
        if isinstance(values.get("at"), datetime):
            words["utc"] = f"{values['at']:%Y-%m-%d %H:%M}"
        return words

    def _word(self, name: str, value: Any) -> str:
        match name, value:
            case _, datetime():
                return self.moment(value)
            case "anchor", _:
                return anchor_in_words(Anchor(value), self.language)
            case "offset", _:
                return offset_in_words(Offset.parse(value), self.language)
            case "every", _:
                return delay_in_words(Offset.parse(value), self.language)
            case "at", str():
                return clock_in_words(time.fromisoformat(value))
        return str(value)

    def moment(self, moment: datetime) -> str:
        """Return day and time; of an instant on the clocks of the zone, of a wall-clock time as it is."""
        local = moment if moment.tzinfo is None else moment.astimezone(self.zone)
        if local.microsecond:  # read from a clock: nobody needs it to the second
            local = local.replace(second=0)
        told = {
            "day": day_in_words(local.date(), None, self.language.locale),
            "time": clock_in_words(local.time()),
        }
        return self.language.translations.gettext("%(day)s at %(time)s") % told

    def listed(self, words: Sequence[str], style: str = "or") -> str:
        return format_list(list(words), style=style, locale=self.language.locale)  # type: ignore[arg-type]

    def named(self, participations: Sequence[str]) -> str:
        """Return the names of these, of a crowd the first ones."""
        names = sorted(self.name(one) for one in participations)
        told, more = names[:_NAMED], len(names) - _NAMED
        if more > 0:
            others = self.language.translations.ngettext("%(n)s other", "%(n)s others", more)
            told.append(others % {"n": more})
        return self.listed(told, "standard")

    def quoted(self, word: str) -> str:
        return self.language.translations.gettext("“%(word)s”") % {"word": word}

    def translated(self, message: str) -> str:
        return self.language.translations.gettext(message)
