"""What must come of two imports of a schedule, send by send: computed from the two files alone, by nothing of ours.

    python tests/e2e/expectation.py FIRST.json SECOND.json --shift-to 2027-01-04 --participants 60 --track Web

It shares no line with what it judges: the standard library, four rules written down once more, and the promise that
`relance import` makes about who is invented (docs/import.md).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

CONVOCATION, REMINDER, SURVEY, NEWS = "convocation", "reminder", "survey", "news"

Key = tuple[str, str, str]  # rule, session, recipient


class Times(NamedTuple):
    """When a mail is due, and until when it may leave: until the session, where it is due before it, else for a day."""

    due_at: datetime
    latest_at: datetime


Plan = dict[Key, Times]


@dataclass(frozen=True)
class Schedule:
    """One file, moved to other weeks."""

    zone: ZoneInfo
    sessions: dict[str, dict[str, Any]]  # by code; `start` and `end` are instants
    weeks: int

    @classmethod
    def read(cls, path: Path, earliest: date) -> "Schedule":
        """Move the first day to the first same weekday on or after `earliest`, by whole weeks, on the local wall."""
        read = json.loads(path.read_text(encoding="utf-8"))
        zone = ZoneInfo(read["timezone"])
        wall = {
            session["code"]: {
                side: datetime.fromisoformat(session[side]).astimezone(zone).replace(tzinfo=None)
                for side in ("start", "end")
            }
            for session in read["sessions"]
        }
        first = min(times["start"] for times in wall.values()).date()
        weeks = -((first - earliest).days // 7)
        sessions = {
            session["code"]: session
            | {
                side: instant(local + timedelta(weeks=weeks), zone)
                for side, local in wall[session["code"]].items()
            }
            for session in read["sessions"]
        }
        return cls(zone, sessions, weeks)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall time that no clock skips or shows twice: others do not occur here."""
    readings = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    (only,) = readings
    return only


def days_from(moment: datetime, days: int, at: time, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(moment.astimezone(zone).date() + timedelta(days=days), at), zone)


def plan(schedule: Schedule, participants: int) -> Plan:
    """Return what is due around the sessions of a schedule that lies in the future."""
    planned: Plan = {}
    for code, session in schedule.sessions.items():
        start, end = session["start"], session["end"]
        convocation = Times(days_from(start, -7, time(9), schedule.zone), start)
        reminder = Times(start - timedelta(hours=2), start)
        survey = for_a_day(days_from(end, 1, time(10), schedule.zone))
        planned |= {(CONVOCATION, code, speaker): convocation for speaker in session["speakers"]}
        planned |= {(REMINDER, code, guest): reminder for guest in guests(code, participants)}
        planned |= {(SURVEY, code, guest): survey for guest in guests(code, participants)}
    return planned


def news(schedule: Schedule, participants: int, track: str, due_at: datetime) -> Plan:
    """Return what is due on a date of its own, to the participants of one track."""
    return {
        (NEWS, code, guest): for_a_day(due_at)
        for code, session in schedule.sessions.items()
        if session["track"] == track
        for guest in guests(code, participants)
    }


def for_a_day(due_at: datetime) -> Times:
    return Times(due_at, due_at + timedelta(days=1))


def guests(code: str, participants: int) -> Iterator[str]:
    return (f"{code}-{number}" for number in range(1, participants + 1))


@dataclass(frozen=True)
class Fate:
    """What the second import does to what the first one planned, and had not left yet."""

    created: Plan
    moved: Plan  # to another due time
    bounded: Plan  # due as before, and allowed to leave until another time
    removed: set[Key]
    left_alone: Plan

    @classmethod
    def between(cls, before: Plan, after: Plan) -> "Fate":
        kept = {key: times for key, times in after.items() if key in before}
        same_due = {key: times for key, times in kept.items() if times.due_at == before[key].due_at}
        return cls(
            created={key: times for key, times in after.items() if key not in before},
            moved={key: times for key, times in kept.items() if key not in same_due},
            bounded={key: times for key, times in same_due.items() if times != before[key]},
            removed={key for key in before if key not in after},
            left_alone={key: times for key, times in same_due.items() if times == before[key]},
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many there are of each, by rule."""
        return {
            name: dict(sorted(Counter(rule for rule, _, _ in getattr(self, name)).items()))
            for name in ("created", "moved", "bounded", "removed", "left_alone")
        }


def codes(
    first: Schedule, second: Schedule, what: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
) -> set[str]:
    """Return the sessions of both files of which something holds."""
    both = first.sessions.keys() & second.sessions.keys()
    return {code for code in both if what(first.sessions[code], second.sessions[code])}


def same_times(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["start"], one["end"]) == (other["start"], other["end"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--shift-to", type=date.fromisoformat, required=True)
    parser.add_argument("--participants", type=int, default=60)
    parser.add_argument("--track", default="Web")
    told = parser.parse_args()
    first, second = (Schedule.read(path, told.shift_to) for path in (told.first, told.second))
    before, after = (plan(schedule, told.participants) for schedule in (first, second))
    at_once = news(first, told.participants, told.track, datetime.now(UTC))
    figures = {
        "planned by the first import": dict(sorted(Counter(rule for rule, _, _ in before | at_once).items())),
        "then, by the second": Fate.between(before, after).counts(),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
