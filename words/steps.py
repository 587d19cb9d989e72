"""The steps of an explanation, in sentences; the names in them are those of the answer itself."""

from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from domain.anchors import Anchor
from domain.conditions import Completion, Presence
from domain.participations import Attendance
from domain.rules import Until
from domain.sends import Reason, Status
from domain.steps import Code, Step
from domain.timing import Offset
from domain.triggers import DateTrigger
from words.dates import place_in_words
from words.languages import Language, mark
from words.messages import (
    CHANGED,
    CHANGED_BY,
    COMPLETION,
    COULD_HAVE_LEFT,
    COVERED,
    COVERED_IN_VAIN,
    DUE,
    PLAIN,
    PLAIN_BY,
    PRESENCE,
    SEEN,
    SERIES,
    STANDS,
    WHOSE_CLOCKS,
    WHY_CLOSED,
    WHY_LATEST,
    WHY_NOT_CAUGHT_UP,
    WITHDRAWN_BY,
)
from words.rules import trigger_in_words
from words.sends import reason_in_words
from words.speaker import Speaker


def step_in_words(one: Step, zone: ZoneInfo, name: Callable[[str], str] = str, *, language: Language) -> str:
    """Return a sentence; instants are told on the clocks of `zone`, and `name` says what a participation is called."""
    speaker = Speaker(zone, language, name)
    say = _SENTENCES.get(one.code)
    return say(speaker, one.values) if say else speaker.say(_plain(one), one.values)


def _plain(one: Step) -> str:
    by_whom = PLAIN_BY.get(one.code) if "by" in one.values else None
    return by_whom or PLAIN[one.code]


_Values = Mapping[str, Any]


def _stands(speaker: Speaker, values: _Values) -> str:
    status = Status(values["status"])
    if status is Status.SCHEDULED and "retry_at" in values:
        return speaker.say(
            mark("The mail server would not take it yet: it is tried again on %(retry_at)s."), values
        )
    return speaker.say(STANDS[status], values)


def _changed(speaker: Speaker, values: _Values) -> str:
    status = Status(values["status"])
    if "by" in values and status in CHANGED_BY:  # which says why, too
        return speaker.say(CHANGED_BY[status], values)
    reason = values.get("reason")
    if "by" in values and reason in WITHDRAWN_BY:
        return speaker.say(WITHDRAWN_BY[reason], values)
    told = speaker.say(CHANGED[status], values)
    if reason is None or reason == Reason.CANCELLED_BY_HAND:
        return told
    nobody = mark("Nobody it was about takes part with the company any more.")
    if reason == Reason.PARTICIPANT_REMOVED and "of" in values:
        return f"{told} {speaker.translated(nobody)}"
    return f"{told} {reason_in_words(Reason(reason), language=speaker.language)}"


def _reason(speaker: Speaker, values: _Values) -> str:
    return reason_in_words(Reason(values["reason"]), language=speaker.language)


def _compared(wanted: str, found: str, none: str) -> Callable[[Speaker, _Values], str]:
    """Return what tells of values that are in a list, or are not."""

    def tell(speaker: Speaker, values: _Values) -> str:
        words = speaker.listed([speaker.quoted(word) for word in values["wanted"]])
        has = speaker.quoted(values["found"]) if "found" in values else ""
        told = speaker.translated(wanted) % {"wanted": words}
        return f"{told} {speaker.translated(found if has else none) % {'found': has}}"

    return tell


def _attendance(speaker: Speaker, values: _Values) -> str:
    words = {"wanted": speaker.translated(PRESENCE[Presence(values["wanted"])])}
    asked, found = (
        mark("The rule writes to %(wanted)s."),
        mark("Nobody has said yet whether the recipient was there."),
    )
    if "found" in values:
        words["found"] = speaker.translated(SEEN[Attendance(values["found"])])
        found = mark("The recipient was %(found)s.")
    return f"{speaker.translated(asked)} {speaker.translated(found)}" % words


def _completion(speaker: Speaker, values: _Values) -> str:
    wanted = speaker.listed([speaker.translated(COMPLETION[Completion(one)]) for one in values["wanted"]])
    told = {"wanted": wanted, "found": speaker.translated(COMPLETION[Completion(values["found"])])}
    return (
        speaker.translated(mark("The rule asks for: %(wanted)s. The recipient’s progress: %(found)s.")) % told
    )


def _received(speaker: Speaker, values: _Values) -> str:
    if "at" not in values:
        return speaker.say(mark("The recipient is getting it already, by “%(rule)s”."), values)
    return speaker.say(mark("The recipient already has it, by “%(rule)s”, since %(at)s."), values)


def _answered(speaker: Speaker, values: _Values) -> str:
    if values["met"]:
        return speaker.say(
            mark("The recipient has not answered the questionnaire “%(questionnaire)s” yet."), values
        )
    return speaker.say(mark("The recipient already answered the questionnaire “%(questionnaire)s”."), values)


def _series_over(speaker: Speaker, values: _Values) -> str:
    if "until" not in values:
        return _reason(speaker, {"reason": Reason.SERIES_OVER})
    told = speaker.translated(SERIES[Until(values["until"])])
    so_far = mark("That is not so yet.") if values["met"] else mark("That is so.")
    return f"{told} {speaker.translated(so_far)}"


def _clocks(speaker: Speaker, values: _Values) -> str:
    place = _place(values["zone"], speaker)
    return speaker.translated(WHOSE_CLOCKS[values["whose"]]) % {"place": place}


def _anchor(speaker: Speaker, values: _Values) -> str:
    told = speaker.say(PLAIN[Code.ANCHOR], values)
    for_want = mark("They have no dates of their own: these are the session’s.")
    return f"{told} {speaker.translated(for_want)}" if values.get("whose") == "session" else told


def _about(speaker: Speaker, values: _Values) -> str:
    if "participants" not in values:
        return speaker.say(mark("It is about everybody who comes with the company."), values)
    return speaker.say(mark("It is about %(names)s."), {"names": speaker.named(values["participants"])})


def _covered(speaker: Speaker, values: _Values) -> str:
    by = COVERED.get(Status(values["status"]), COVERED_IN_VAIN)
    return speaker.say(by, {**values, "names": speaker.named(values["participants"])})


def _nobody_left(speaker: Speaker, values: _Values) -> str:
    those = values.get("participants")
    if those is None:
        return speaker.say(mark("None of the company’s participants takes part any more."), values)
    told = speaker.language.translations.ngettext(
        "It was about %(names)s alone, who no longer takes part with the company.",
        "It was about %(names)s: none of them takes part with the company any more.",
        len(those),
    )
    return told % {"names": speaker.named(those)}


def _times_here(speaker: Speaker, values: _Values) -> str:
    said, usual = (
        trigger_in_words(_trigger(values, before), speaker.zone, language=speaker.language)
        for before in ("", "usual_")
    )
    told = speaker.translated(mark("This session says “%(said)s” instead of “%(usual)s”."))
    return told % {"said": said, "usual": usual}


def _trigger(values: _Values, before: str) -> DateTrigger:
    """Return a trigger of these values; it was looked at when it was said, and its rule may be another by now."""
    day, at = values.get("date"), values.get(f"{before}at")
    return DateTrigger.model_construct(
        type="date",
        anchor=Anchor(values["anchor"]),
        offset=Offset.parse(values[f"{before}offset"]),
        at=time.fromisoformat(at) if at else None,
        date=date.fromisoformat(day) if day else None,
    )


def _not_caught_up(speaker: Speaker, values: _Values) -> str:
    return speaker.say(WHY_NOT_CAUGHT_UP[values["why"]], values)


def _once_repeated(speaker: Speaker, values: _Values) -> str:
    if "number" not in values:
        return speaker.say(
            mark("It was the last mail of a series, which the rule does not write any more."), values
        )
    return speaker.say(
        mark("It was mail %(number)s of a series, which the rule does not write any more."), values
    )


def _window(speaker: Speaker, values: _Values) -> str:
    return speaker.say(WHY_CLOSED[values["why"]], values)


def _latest(speaker: Speaker, values: _Values) -> str:
    says = COULD_HAVE_LEFT if "tense" in values else WHY_LATEST
    return speaker.say(says[values["why"]], values)


def _due(speaker: Speaker, values: _Values) -> str:
    return speaker.say(DUE[values.get("tense")], {**values, "place": _place(values["zone"], speaker)})


def _deferred(speaker: Speaker, values: _Values) -> str:
    if "reply_code" in values:
        return speaker.say(
            mark(
                "On %(happened_at)s the mail server would not take it yet (%(reply_code)s): it was to try again."
            ),
            values,
        )
    return speaker.say(mark("On %(happened_at)s it could not leave yet: it was to try again."), values)


def _place(zone: str, speaker: Speaker) -> str:
    return place_in_words(
        speaker.zone if speaker.zone.key == zone else ZoneInfo(zone), speaker.language.locale
    )


_SENTENCES: Mapping[Code, Callable[[Speaker, _Values], str]] = {
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
    Code.ABOUT: _about,
    Code.COVERED_BY: _covered,
    Code.NOBODY_LEFT: _nobody_left,
    Code.NO_CATCH_UP: _not_caught_up,
    Code.TIMES_HERE: _times_here,
    Code.ONCE_REPEATED: _once_repeated,
}
