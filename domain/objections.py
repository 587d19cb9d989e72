"""Why a rule could never send: what it says contradicts itself, or is over. A field, and its cure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.anchors import Anchor, Dated, Facts
from domain.conditions import Completion
from domain.rules import Audience, RuleDefinition, ToRole, Until
from domain.timetables import STALE_AFTER
from domain.triggers import due
from domain.windows import next_open
from domain.zones import find_zone

Objection = tuple[str, str]

# The last place on earth where a day ends.
_WEST = find_zone("Etc/GMT+12")

# Whom nobody can name for an audience: a company has no manager, a trainer comes from no company.
_NOBODY = {
    (Audience.COMPANIES, ToRole.MANAGER): "a company has no manager",
    (Audience.TRAINERS, ToRole.COMPANY_CONTACT): "a trainer comes from no company",
}


def objections(says: RuleDefinition) -> Iterator[Objection]:
    """Yield every reason why a rule that says this could never send a mail, or one of its mails."""
    yield from _recipients(says)
    yield from _completion(says)
    yield from _before_a_fact(says)
    yield from _correction(says)
    yield from _catching_up(says)


def is_over(says: RuleDefinition, now: datetime) -> bool:
    """Return whether a rule names a day of its own that is past everywhere, for good."""
    if says.trigger.date is None or says.repeat is not None:
        return False
    found = due(says.trigger, Facts(Dated()), _WEST)
    assert found is not None  # noqa: S101 - it has a date
    if says.window is not None:
        found = next_open(says.window, found, _WEST)
    joined = (says.deliver_within or STALE_AFTER) if says.catch_up else timedelta(0)
    return found.at + max(says.still_worth, joined) <= now


def _recipients(says: RuleDefinition) -> Iterator[Objection]:
    last = says.repeat.then if says.repeat else None
    for field, role in (("to", says.to), ("repeat.then.to", last.to if last else None)):
        if role is not None and (why := _NOBODY.get((says.audience, role))):
            others = [other for other in ToRole if (says.audience, other) not in _NOBODY]
            yield field, f"{why}: write to {' or '.join(others)} instead"


def _completion(says: RuleDefinition) -> Iterator[Objection]:
    wanted = set(Completion) if says.conditions.completion == "any" else set(says.conditions.completion)
    until = says.repeat.until if says.repeat else None
    if says.trigger.anchor is Anchor.COMPLETED and Completion.COMPLETED not in wanted:
        yield "conditions.completion", "whoever has completed meets none of these: add completed, or say any"
    if says.trigger.anchor is Anchor.STARTED and wanted == {Completion.NOT_STARTED}:
        yield "conditions.completion", "whoever has started is not not_started: add another, or say any"
    if until is not Until.COMPLETED:
        return
    if says.audience is Audience.TRAINERS:
        yield "repeat.until", "a trainer completes nothing: drop `until`, or write to participants"
    elif says.trigger.anchor is Anchor.COMPLETED:
        yield "repeat.until", "it begins when somebody completes, and would be over then: drop `until`"
    elif wanted == {Completion.COMPLETED}:
        cure = "take not_started and in_progress, or drop `until`"
        yield "conditions.completion", f"the series is over for whoever has completed: {cure}"


def _before_a_fact(says: RuleDefinition) -> Iterator[Objection]:
    """What has just happened is known from then on: before it there was no time, but for what is worth it late."""
    anchor, offset = says.trigger.anchor, says.trigger.offset
    later = says.window is not None or says.repeat is not None or says.catch_up
    if anchor.is_fact and offset.is_before and not later and says.still_worth <= offset.at_least:
        cure = "count from then on, such as PT1H, or from a date that is known before"
        yield (
            "trigger.offset",
            f"nobody knows of {anchor} before it happens, and {offset} is past by then: {cure}",
        )


def _correction(says: RuleDefinition) -> Iterator[Objection]:
    anchor = says.trigger.anchor
    if says.correction is not None and (anchor.is_fact or anchor is Anchor.DATE):
        yield "correction", f"the anchor {anchor} never moves, so there is nothing to correct: drop it"


def _catching_up(says: RuleDefinition) -> Iterator[Objection]:
    if says.catch_up and says.audience is Audience.COMPANIES:
        yield "catch_up", "a company joins nothing: drop `catch_up`, or write to participants"
    elif says.catch_up and says.repeat is not None:
        cure = "drop `catch_up`, or have a rule of its own say what whoever is late has missed"
        yield "catch_up", f"whoever joins late gets the series from its next mail on: {cure}"
