"""Companies whose mails count from their participants' own dates (F019): what must be so, whatever rows are called.

Which row goes on when people join and leave is the planner's own affair, so these rules are not compared row by row:
what must wait, and for whom, is counted from the facts and from what became of the mails before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.model.desk import Desk, Timing, split
from tests.model.reference import desks_of
from tests.model.world import TOLD, WAITING, Key, Part, Row, World

_UNDECIDED = WAITING | {"missed", "removed"}

Rows = dict[Key, Row]


@dataclass(frozen=True)
class Line:
    """Participants of one company with one date."""

    who: tuple[str, ...]
    timing: Timing


def grouped(world: World) -> Iterator[Desk]:
    """Yield the desks of rules that write to companies by groups."""
    for session in world.sessions:
        for rule in world.rules.values():
            if rule.session in (None, session):
                yield from (desk for desk in desks_of(world, session, rule) if desk.in_groups)


def check(world: World, found: Rows) -> None:
    """Check what planning has made of the groups of a world, whose rows are still those of before."""
    for desk in grouped(world):
        of_rule = {key: row for key, row in found.items() if key[:2] == (desk.rule.name, desk.name)}
        for part in desk.audience():
            company = desk.key(part, "")[:4]
            after = {key[4]: row for key, row in of_rule.items() if key[:4] == company}
            _check_corrections(desk, part, after)
            after = {occurrence: row for occurrence, row in after.items() if "correction:" not in occurrence}
            if desk.says["repeat"] is None:
                _check_once(desk, part, after)
            else:
                _check_series(desk, part, after)
        companies = {desk.key(part, "")[:4] for part in desk.audience()}
        others = [row for key, row in of_rule.items() if key[:4] not in companies]
        assert not any(row.status in WAITING for row in others), "somebody waits who is not written to"


def follow(world: World, found: Rows) -> None:
    """Take over the rows of groups as planning has written them."""
    for desk in grouped(world):
        for key, row in found.items():
            if key[:2] == (desk.rule.name, desk.name):
                known = world.rows.get(key)
                row.times_sent, row.doubted = (known.times_sent, known.doubted) if known else (0, False)
                world.rows[key] = row


def _check_once(desk: Desk, company: Part, after: dict[str, Row]) -> None:
    """Each group has its mail, when it is due, and nobody is in two, nor in another that has been decided."""
    before = _ours(desk, desk.rows(company))
    decided = {who for row in before if row.status not in _UNDECIDED for who in row.covers or ()}
    lines = [line for line in _lines(desk, company) if decided.isdisjoint(line.who)]
    waiting = _waiting(desk, after)
    hands = {who for row in before if row.sent_by_hand for who in row.covers or ()}
    for line in lines:
        known = [row for row in before if row.status in WAITING and set(line.who) & set(row.covers or ())]
        goes_on = any(row.due_at == line.timing.due_at and row.reason != "reactivated" for row in known)
        theirs = [row for row in waiting if set(line.who) & set(row.covers or ())]
        if desk.is_worth(company, line.timing, _asked_at(desk, company, line.who)) or goes_on:
            assert len(theirs) == 1, f"{line} has {theirs}"
        elif hands.isdisjoint(line.who):
            assert not theirs, f"{line} is past, and has {theirs}"
            had = {who for row in known for who in row.covers or ()} & set(line.who)
            said = {who for row in after.values() if row.status == "missed" for who in row.covers or ()}
            assert had <= said, f"{had - said} vanished from {known}"
        for row in theirs:
            assert row.covers == line.who, f"{row} is about {line}"
            assert row.sent_by_hand or row.due_at == line.timing.due_at, f"{row} is not due as {line}"
    people = Counter(who for row in waiting for who in row.covers or ())
    assert set(people) <= {who for line in lines for who in line.who}, "somebody waits who is in no group"
    assert all(count == 1 for count in people.values()), "somebody is in two mails"


def _check_series(desk: Desk, company: Part, after: dict[str, Row]) -> None:
    """Nobody gets more mails of a series than it has, nor two of one number; who shares a mail shares a date."""
    lines, waiting = list(_lines(desk, company)), _waiting(desk, after)
    for row in waiting:
        assert any(set(row.covers or ()) <= set(line.who) for line in lines), (
            f"{row} is about none of {lines}"
        )
    numbers = Counter[tuple[str, str]]()
    spent, waits = defaultdict[str, set[str]](set), Counter[str]()
    for occurrence, row in after.items():
        memory, step = split(occurrence)
        number = step.rpartition(":")[2] if ":" in step else "1"
        if memory != desk.memory or row.covers is None or number == "last":
            continue
        for who in row.covers:
            if row.status in WAITING:
                numbers[who, number] += 1
                waits[who] += not row.sent_by_hand
            elif row.status in TOLD:
                spent[who].add(number)
    assert all(count == 1 for count in numbers.values()), f"somebody gets a mail twice: {numbers}"
    most = desk.says["repeat"]["at_most"]
    assert all(count <= max(0, most - len(spent[who])) for who, count in waits.items()), f"too many of {most}"
    for line in lines:
        known = [row for row in desk.rows(company).values() if set(line.who) & set(row.covers or ())]
        firsts = [desk.timing(_member(desk, company, line.who[0]), number) for number in range(1, most + 1)]
        completed = all(_member(desk, company, who).said.get("completed_at") for who in line.who)
        over = completed and desk.says["repeat"]["until"] == "completed"
        asked_at = _asked_at(desk, company, line.who)
        if (
            not known
            and not over
            and any(first and desk.is_worth(company, first, asked_at) for first in firsts)
        ):
            assert any(row.covers == line.who for row in waiting), f"{line} waits for nothing"


def _asked_at(desk: Desk, company: Part, who: tuple[str, ...]) -> datetime:
    """Return when a mail about these was asked for that is not there yet: not before the first of them said anything."""
    said = max(company.said_at, min(_member(desk, company, one).said_at for one in who))
    return max(desk.session.changed_at, desk.rule.changed_at, said)


def _check_corrections(desk: Desk, company: Part, after: dict[str, Row]) -> None:
    """Whoever a correction is about was told another date last, and comes now on the one that it tells."""
    anchor, members = desk.says["trigger"]["anchor"], desk.world.members(desk.name, company.who)
    dates = {member.who: desk.anchor(member) for member in members}
    about = Counter[str]()
    for occurrence, row in after.items():
        if "correction:" not in occurrence or row.status not in WAITING:
            continue
        about.update(row.covers or ())
        for who in row.covers or ():
            told = [
                r
                for r in after.values()
                if r.status in TOLD and r.anchor == anchor and who in (r.covers or ())
            ]
            last = max(told, key=lambda r: r.handed_at or r.due_at).told
            assert last != row.told == dates[who], (
                f"{who} was told {last}, comes {dates[who]}, and gets {row}"
            )
    assert all(count == 1 for count in about.values()), f"somebody is corrected twice: {about}"


def _member(desk: Desk, company: Part, who: str) -> Part:
    return next(part for part in desk.world.members(desk.name, company.who) if part.who == who)


def _lines(desk: Desk, company: Part) -> Iterator[Line]:
    """Yield those who share a date; of those whose mail has been decided, too."""
    everything, repeats = desk.rows(company), desk.says["repeat"] is not None
    rows = _ours(desk, everything)
    decided = {who for row in rows if row.status not in _UNDECIDED for who in row.covers or ()}
    together: dict[datetime, list[tuple[str, Timing]]] = defaultdict(list)
    for member in desk.world.members(desk.name, company.who):
        timing = desk.timing(member)
        about = {key: row for key, row in everything.items() if member.who in (row.covers or ())}
        if desk.is_cancelled_for(about):
            continue
        if timing is not None and (repeats or member.who not in decided):
            together[timing.due_at].append((member.who, timing))
    for those in together.values():
        latest = min(timing.latest_at for _, timing in those)
        first = those[0][1]
        yield Line(tuple(who for who, _ in those), Timing(first.due_at, latest, first.told, first.since))


def _ours(desk: Desk, rows: dict[str, Row]) -> list[Row]:
    """The rows of the rule's present memory, about some of them."""
    ours = [row for key, row in rows.items() if split(key)[0] == desk.memory and "correction:" not in key]
    return [row for row in ours if row.covers is not None]


def _waiting(desk: Desk, rows: dict[str, Row]) -> list[Row]:
    """Return what waits; of what the rule has forgotten only what is due still does."""
    found = []
    for occurrence, row in rows.items():
        if row.status in WAITING:
            if split(occurrence)[0] == desk.memory:
                assert row.covers is not None, f"{occurrence} is about everybody"
                found.append(row)
            else:
                assert row.due_at <= desk.world.now, f"{occurrence} was forgotten"
    return found
