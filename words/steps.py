"""The steps of an explanation, in sentences; the names in them are those of the answer itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from babel.lists import format_list

from domain.anchors import Anchor
from domain.conditions import Completion, Presence
from domain.participations import Attendance
from domain.rules import Until
from domain.sends import Reason, Status
from domain.steps import Code, Step
from domain.timing import Offset
from words.dates import clock_in_words, day_in_words, place_in_words
from words.languages import Language, mark
from words.messages import (
    CHANGED,
    CHANGED_BY,
    COMPLETION,
    PLAIN,
    PLAIN_BY,
    PRESENCE,
    SEEN,
    SERIES,
    STANDS,
    WHOSE_CLOCKS,
    WHY_CLOSED,
    WHY_LATEST,
)
from words.rules import anchor_in_words, delay_in_words, offset_in_words
from words.sends import reason_in_words


def step_in_words(one: Step, zone: ZoneInfo, *, language: Language) -> str:
    """Return a sentence; instants are told on the clocks of `zone`."""
    speaker = _Speaker(zone, language)
    say = _SENTENCES.get(one.code)
    return say(speaker, one.values) if say else speaker.say(_plain(one), one.values)


def _plain(one: Step) -> str:
    by_whom = PLAIN_BY.get(one.code) if "by" in one.values else None
    return by_whom or PLAIN[one.code]


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Somebody who tells the values of steps, on the clocks of a zone."""

    zone: ZoneInfo
    language: Language

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

    def quoted(self, word: str) -> str:
        return self.language.translations.gettext("“%(word)s”") % {"word": word}

    def translated(self, message: str) -> str:
        return self.language.translations.gettext(message)


_Values = Mapping[str, Any]


def _stands(speaker: _Speaker, values: _Values) -> str:
    status = Status(values["status"])
    if status is Status.SCHEDULED and "retry_at" in values:
        return speaker.say(
            mark("The mail server would not take it yet: it is tried again on %(retry_at)s."), values
        )
    return speaker.say(STANDS[status], values)


def _changed(speaker: _Speaker, values: _Values) -> str:
    status = Status(values["status"])
    if "by" in values and status in CHANGED_BY:  # which says why, too
        return speaker.say(CHANGED_BY[status], values)
    told = speaker.say(CHANGED[status], values)
    reason = values.get("reason")
    if reason is None or reason == Reason.CANCELLED_BY_HAND:
        return told
    return f"{told} {reason_in_words(Reason(reason), language=speaker.language)}"


def _reason(speaker: _Speaker, values: _Values) -> str:
    return reason_in_words(Reason(values["reason"]), language=speaker.language)


def _compared(wanted: str, found: str, none: str) -> Callable[[_Speaker, _Values], str]:
    """Return what tells of values that are in a list, or are not."""

    def tell(speaker: _Speaker, values: _Values) -> str:
        words = speaker.listed([speaker.quoted(word) for word in values["wanted"]])
        has = speaker.quoted(values["found"]) if "found" in values else ""
        told = speaker.translated(wanted) % {"wanted": words}
        return f"{told} {speaker.translated(found if has else none) % {'found': has}}"

    return tell


def _attendance(speaker: _Speaker, values: _Values) -> str:
    words = {"wanted": speaker.translated(PRESENCE[Presence(values["wanted"])])}
    asked, found = (
        mark("The rule writes to %(wanted)s."),
        mark("Nobody has said yet whether the recipient was there."),
    )
    if "found" in values:
        words["found"] = speaker.translated(SEEN[Attendance(values["found"])])
        found = mark("The recipient was %(found)s.")
    return f"{speaker.translated(asked)} {speaker.translated(found)}" % words


def _completion(speaker: _Speaker, values: _Values) -> str:
    wanted = speaker.listed([speaker.translated(COMPLETION[Completion(one)]) for one in values["wanted"]])
    told = {"wanted": wanted, "found": speaker.translated(COMPLETION[Completion(values["found"])])}
    return (
        speaker.translated(mark("The rule asks for: %(wanted)s. The recipient’s progress: %(found)s.")) % told
    )


def _received(speaker: _Speaker, values: _Values) -> str:
    if "at" not in values:
        return speaker.say(mark("The recipient is getting it already, by “%(rule)s”."), values)
    return speaker.say(mark("The recipient already has it, by “%(rule)s”, since %(at)s."), values)


def _answered(speaker: _Speaker, values: _Values) -> str:
    if values["met"]:
        return speaker.say(
            mark("The recipient has not answered the questionnaire “%(questionnaire)s” yet."), values
        )
    return speaker.say(mark("The recipient already answered the questionnaire “%(questionnaire)s”."), values)


def _series_over(speaker: _Speaker, values: _Values) -> str:
    if "until" not in values:
        return _reason(speaker, {"reason": Reason.SERIES_OVER})
    told = speaker.translated(SERIES[Until(values["until"])])
    so_far = mark("That is not so yet.") if values["met"] else mark("That is so.")
    return f"{told} {speaker.translated(so_far)}"


def _clocks(speaker: _Speaker, values: _Values) -> str:
    place = _place(values["zone"], speaker)
    return speaker.translated(WHOSE_CLOCKS[values["whose"]]) % {"place": place}


def _anchor(speaker: _Speaker, values: _Values) -> str:
    told = speaker.say(PLAIN[Code.ANCHOR], values)
    for_want = mark("They have no dates of their own: these are the session’s.")
    return f"{told} {speaker.translated(for_want)}" if values.get("whose") == "session" else told


def _window(speaker: _Speaker, values: _Values) -> str:
    return speaker.say(WHY_CLOSED[values["why"]], values)


def _latest(speaker: _Speaker, values: _Values) -> str:
    return speaker.say(WHY_LATEST[values["why"]], values)


def _due(speaker: _Speaker, values: _Values) -> str:
    return speaker.say(PLAIN[Code.DUE], {**values, "place": _place(values["zone"], speaker)})


def _deferred(speaker: _Speaker, values: _Values) -> str:
    if "reply_code" in values:
        return speaker.say(
            mark(
                "On %(happened_at)s the mail server would not take it yet (%(reply_code)s): it was to try again."
            ),
            values,
        )
    return speaker.say(mark("On %(happened_at)s it could not leave yet: it was to try again."), values)


def _place(zone: str, speaker: _Speaker) -> str:
    return place_in_words(
        speaker.zone if speaker.zone.key == zone else ZoneInfo(zone), speaker.language.locale
    )


_SENTENCES: Mapping[Code, Callable[[_Speaker, _Values], str]] = {
    Code.STANDS: _stands,
    Code.CHANGED: _changed,
    Code.REASON: _reason,
    Code.SESSION_CENTER: _compared(
        mark("The rule is for the centers %(wanted)s."),
        mark("The session is held by %(found)s."),
        mark("The session has no center."),
    ),
    Code.SESSION_STAGE: _compared(
        mark("The rule is for sessions of stage %(wanted)s."),
        mark("This one is of stage %(found)s."),
        mark("This one has no stage."),
    ),
    Code.PLACE_MODE: _compared(
        mark("The rule is for the mode %(wanted)s."),
        mark("What it is about has the mode %(found)s."),
        mark("What it is about has no mode."),
    ),
    Code.PLACE_CATEGORY: _compared(
        mark("The rule is for the category %(wanted)s."),
        mark("What it is about has the category %(found)s."),
        mark("What it is about has no category."),
    ),
    Code.PARTICIPATION_STATUS: _compared(
        mark("The rule is for participants of status %(wanted)s."),
        mark("The recipient’s is %(found)s."),
        mark("The recipient has none."),
    ),
    Code.ATTENDANCE: _attendance,
    Code.COMPLETION: _completion,
    Code.RECEIVED_BY: _received,
    Code.ANSWERED: _answered,
    Code.SERIES_OVER: _series_over,
    Code.CLOCKS: _clocks,
    Code.ANCHOR: _anchor,
    Code.WINDOW_CLOSED: _window,
    Code.LATEST: _latest,
    Code.DUE: _due,
    Code.DEFERRED: _deferred,
}
