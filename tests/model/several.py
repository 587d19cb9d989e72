"""Rules that write several mails to one recipient: again and again (docs/decisions/0013), and to correct a date."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from tests.model.clocks import opened
from tests.model.desk import Desk, Timing, Wanted, split
from tests.model.rows import keep_up
from tests.model.world import FACTS, OPEN, TOLD, WAITING, Key, Part, Row

REVIVABLE = {"missed", "removed"}
OVER = {"series_over", "already_answered"}


def several(desk: Desk) -> dict[Key, Wanted]:
    """Return all that a rule asks for at a place; `tests.model.groups` has those that write to companies by groups."""
    found: dict[Key, Wanted] = {}
    for part in desk.audience():
        timing = desk.timing(part)
        if timing is None or desk.is_cancelled_for(_about_all(desk, part)):
            pass
        elif desk.says["repeat"] is None:
            found[desk.key(part, "1")] = desk.want(part, desk.caught_up(part, timing))
        else:
            found |= {desk.key(part, step): want for step, want in _series(desk, part).items()}
        found |= corrections(desk, part)
    return found


def _about_all(desk: Desk, part: Part) -> dict[str, Row]:
    return {key: row for key, row in desk.rows(part).items() if row.covers is None}


def _series(desk: Desk, part: Part) -> dict[str, Wanted]:
    repeat, rows = desk.says["repeat"], _numbered(desk, part)
    finished = bool(part.said.get("completed_at")) and repeat["until"] == "completed"
    if not rows:
        return {} if finished else _begin(desk, part)
    spent = sum(row.status in TOLD for row in rows.values())
    settled = {number: row.status for number, row in rows.items() if row.status not in REVIVABLE}
    stopped = bool(settled) and settled[max(settled)] == "cancelled"
    places = repeat["at_most"] - spent
    wanted, standing = _standing(desk, part, rows, places, comes_back=not (finished or stopped))
    head = max(standing)
    if OPEN & set(standing.values()) or stopped:
        return wanted
    over = finished or any(row.status == "skipped" and row.reason in OVER for row in rows.values())
    if spent >= repeat["at_most"]:
        last = desk.rows(part).get(f"{desk.memory}last")
        if not over or (last is not None and last.status in WAITING):
            wanted |= _last(desk, part, rows)
    elif not over:
        wanted |= _next(desk, part, head, quietly=standing[head] == "removed")
    return wanted


def _numbered(desk: Desk, part: Part) -> dict[int, Row]:
    rows = desk.rows(part)
    found = {number: rows.get(f"{desk.memory}{number}") for number in range(1, 500)}
    return {number: row for number, row in found.items() if row is not None}


def _begin(desk: Desk, part: Part) -> dict[str, Wanted]:
    """The first mail that is not past; those before it never were (F069)."""
    for number in range(1, desk.says["repeat"]["at_most"] + 1):
        timing = desk.timing(part, number)
        if timing is not None and desk.is_worth(part, timing):
            return {str(number): desk.want(part, timing)}
    return {}


def _standing(
    desk: Desk, part: Part, rows: dict[int, Row], places: int, *, comes_back: bool
) -> tuple[dict[str, Wanted], dict[int, str]]:
    """What waits is moved; what was missed or removed waits again, while so many may still be sent."""
    wanted, standing = dict[str, Wanted](), dict[int, str]()
    for number, row in rows.items():
        timing = desk.timing(part, number)
        standing[number] = "removed" if row.status in WAITING else row.status
        if row.status in WAITING and timing is not None and (places > 0 or row.by_hand):
            wanted[str(number)] = desk.want(part, timing)
            standing[number] = _then(row, wanted[str(number)])
            places -= standing[number] in WAITING
    for number, row in rows.items() if comes_back else ():
        timing = desk.timing(part, number)
        if row.status in REVIVABLE and timing is not None and places > 0:
            wanted[str(number)] = desk.want(part, timing)
            standing[number] = _then(row, wanted[str(number)])
            places -= wanted[str(number)].worth
    return wanted, standing


def _then(row: Row, want: Wanted) -> str:
    """Return where a row will stand."""
    planned = keep_up(replace(row), want)
    assert planned is not None
    return planned.status


def _next(desk: Desk, part: Part, head: int, *, quietly: bool) -> dict[str, Wanted]:
    """The next mail that is not past, and those passed over before it."""
    passed: list[tuple[int, Timing]] = []
    wanted: dict[str, Wanted] = {}
    for number, timing in _later(desk, part, head):
        if desk.is_worth(part, timing):
            wanted[str(number)] = desk.want(part, timing)
            break
        passed.append((number, timing))
    for number, timing in [] if quietly else passed[-100:]:
        wanted[str(number)] = desk.want(part, timing, passed_over=True)
    return wanted


def _last(desk: Desk, part: Part, rows: dict[int, Row]) -> dict[str, Wanted]:
    """The last step, to somebody else: after the last mail that was sent, or the first later row where that is past."""
    then = desk.says["repeat"]["then"]
    if then is None:
        return {}
    known = desk.rows(part).get(f"{desk.memory}last")
    waits_for = known.due_at if known is not None and known.status in WAITING else None
    last_sent = max(number for number, row in rows.items() if row.status in TOLD)
    times = [next(iter(_later(desk, part, number)))[1] for number in sorted(rows) if number >= last_sent]
    fits = (time for time in times if time.due_at == waits_for or desk.is_worth(part, time))
    timing = next(fits, times[-1])
    return {"last": desk.want(part, timing, template=then["template"], passed_over=True)}


def _later(desk: Desk, part: Part, head: int) -> Iterable[tuple[int, Timing]]:
    """What follows, each later than the one before: several that a window moves to one instant are one."""
    before = desk.timing(part, head)
    for number in count(head + 1):
        timing = desk.timing(part, number)
        if timing is not None and (before is None or timing.due_at > before.due_at):
            before = timing
            yield number, timing


# Corrections.


def corrections(desk: Desk, part: Part, asked: str | None = None) -> dict[Key, Wanted]:
    """What is written to somebody who was told a date that is not true any more; `asked`: by hand, by this template."""
    anchor, rows = desk.says["trigger"]["anchor"], desk.rows(part)
    now = None if anchor == "date" or anchor in FACTS else desk.anchor(part)
    told = [row for row in rows.values() if row.status in TOLD and row.told and row.anchor == anchor]
    last = max(told, key=_handed_at, default=None)
    if last is None or now is None or last.told == now:
        return {}
    asked_at = desk.world.now if asked else desk.asked_at(part)
    found = _kept(desk, rows, now) or _asked(desk, rows, asked) or _of_rule(desk, part, asked_at, last, now)
    if found is None or (found[0] is None and _was_cancelled(desk, rows, now, by_hand=found[2])):
        return {}
    step, template, by_hand = found
    leaves = opened(desk.says["window"], asked_at, desk.zone(part))
    latest = desk.latest(leaves, asked_at, now)
    if latest <= leaves:
        return {}
    step = step or _step(desk, rows, now, _handed_at(last), by_hand=by_hand)
    timing = Timing(leaves, latest, now, asked_at)
    return {
        desk.key(part, step): desk.want(part, timing, template=template, keeps_time=True, asked_at=asked_at)
    }


_Case = tuple[str | None, str | None, bool]  # which step, by which template, by hand


def _kept(desk: Desk, rows: dict[str, Row], now: datetime) -> _Case | None:
    """One that waits and still tells what is true; one that was asked for comes first."""
    option = desk.says["correction"]
    waiting = [
        (occurrence, row)
        for occurrence, row in _waiting(desk, rows)
        if row.told == now and row.anchor == desk.says["trigger"]["anchor"]
        if option is not None or "by-hand" in occurrence
    ]
    for by_hand in (True, False):
        for occurrence, row in waiting:
            if ("by-hand" in occurrence) is by_hand:
                return occurrence.removeprefix(desk.memory), row.template if by_hand else option, by_hand
    return None


def _asked(desk: Desk, rows: dict[str, Row], asked: str | None) -> _Case | None:
    if asked is not None:
        return None, asked, True
    if desk.says["correction"] is not None:
        return None
    waiting = [row for occurrence, row in _waiting(desk, rows, any_memory=True) if "by-hand" in occurrence]
    return (None, waiting[0].template, True) if waiting else None


def _of_rule(desk: Desk, part: Part, asked_at: datetime, last: Row, now: datetime) -> _Case | None:
    """Nothing is said of two days that are gone, nor of what moved before the rule corrected anything."""
    option, since = desk.says["correction"], desk.rule.corrects_since
    assert last.told is not None
    said_at = max(desk.session.changed_at, part.said_at)
    if option is None or max(last.told, now) <= asked_at or (since is not None and said_at < since):
        return None
    return None, option, False


def _waiting(desk: Desk, rows: dict[str, Row], *, any_memory: bool = False) -> list[tuple[str, Row]]:
    return [
        (occurrence, row)
        for occurrence, row in rows.items()
        if row.status in WAITING and "correction:" in occurrence
        if any_memory or occurrence.startswith(f"{desk.memory}correction:")
    ]


def _was_cancelled(desk: Desk, rows: dict[str, Row], now: datetime, *, by_hand: bool) -> bool:
    """Whether one that tells this date was cancelled before the rule forgot whom it wrote to."""
    return any(
        (row.status, row.told, row.anchor) == ("cancelled", now, desk.says["trigger"]["anchor"])
        for occurrence, row in rows.items()
        if "correction:" in occurrence and ("by-hand" in occurrence) is by_hand
        if split(occurrence)[0] != desk.memory
    )


def _step(desk: Desk, rows: dict[str, Row], now: datetime, last: datetime, *, by_hand: bool) -> str:
    """The first step to tell this date that none has done, or failed to do before another date was told."""
    date = now.astimezone(UTC).replace(microsecond=0).isoformat()
    step = f"correction:by-hand:{date}" if by_hand else f"correction:{date}"
    for again in count(1):
        found = step if again == 1 else f"{step}:{again}"
        row = rows.get(f"{desk.memory}{found}")
        if row is None or not (row.status in TOLD | WAITING or _came_to_nothing(row, last)):
            return found
    raise AssertionError


def _came_to_nothing(row: Row, last: datetime) -> bool:
    return row.status in ("failed", "expired", "skipped") and row.ended_at is not None and last > row.ended_at


def _handed_at(row: Row) -> datetime:
    assert row.handed_at is not None
    return row.handed_at
