"""How a mail speaks: its language, and the zone whose clock it names."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

LENGTHS = frozenset({"short", "medium", "long", "full"})

# Twenty-four hours and day before month in both: a reader abroad cannot take 09:00 or 4/5 for something else.
_LOCALES = {"fr": Locale("fr", "FR"), "en": Locale("en", "GB")}
_AT = {"fr": "{day} à {time}", "en": "{day} at {time}"}
_YES_NO = {"fr": ("oui", "non"), "en": ("yes", "no")}


@dataclass(frozen=True, slots=True)
class Voice:
    """The recipient's language ("fr" or "en") and the session's zone."""

    language: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.language not in _LOCALES:
            raise ValueError(f"mails speak {', '.join(sorted(_LOCALES))}, not {self.language!r}")

    def day(self, value: date, length: str = "long") -> str:
        """Return the day of `value`: "24 janvier 2027"."""
        if length not in LENGTHS:
            raise ValueError(f"a date is written {', '.join(sorted(LENGTHS))}")
        day = self._local(value) if isinstance(value, datetime) else value
        text = format_date(day, length, locale=_LOCALES[self.language])
        if self.language == "fr" and day.day == 1:
            text = text.replace("1 ", "1er ", 1)  # Babel writes "1 janvier"
        return text

    def clock(self, value: datetime) -> str:
        """Return the wall-clock time of `value`: "09:00"."""
        return format_time(self._local(value), "short", locale=_LOCALES[self.language])

    def moment(self, value: datetime, length: str = "long") -> str:
        """Return day and time of `value`: "24 janvier 2027 à 09:00"."""
        return _AT[self.language].format(day=self.day(value, length), time=self.clock(value))

    def number(self, value: float) -> str:
        """Return `value` with the decimal sign of the language, thousands not grouped."""
        return format_decimal(value, locale=_LOCALES[self.language], group_separator=False)

    def truth(self, value: bool) -> str:
        return _YES_NO[self.language][0 if value else 1]

    def _local(self, value: datetime) -> datetime:
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise ValueError("an aware datetime is needed")
        return value.astimezone(self.zone)
