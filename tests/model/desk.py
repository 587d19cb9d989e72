"""One rule at one place: who is there, and when their mails are due (DESIGN 6)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.clocks import OFFSETS, add, clock_of, instant, opened
from tests.model.said import Effective, Place
from tests.model.world import FACTS, ORGANIZATION_ZONE, OWN_ANCHORS, Key, Part, Row, Rule, Session, World

DAY = timedelta(days=1)
ROLES = {"participants": "participant", "trainers": "trainer", "companies": "company"}


@dataclass(frozen=True)
class Timing:
    due_at: datetime
    latest_at: datetime
    told: datetime | None  # the date of its anchor that it tells
    since: datetime | None = None  # before it was written down, nobody could have asked for it


@dataclass(frozen=True)
class Wanted:
    part: Part
    timing: Timing
    worth: bool
    anchor: str | None  # which date it tells
    template: str | None
    covers: tuple[str, ...] | None = None
    passed_over: bool = False  # where it is past, its row says so
    keeps_time: bool = False


class Desk:
    """One rule, and one place of one session that it writes about."""

    def __init__(
        self, world: World, name: str, session: Session, rule: Rule, effective: Effective, place: Place
    ) -> None:
        self.world, self.name, self.session, self.rule = world, name, session, rule
        self.says, self.template, self.place = effective.says, effective.template, place

    def audience(self) -> list[Part]:
        """Whoever is there of those to whom the rule writes."""
        asked = self.name, ROLES[self.says["audience"]]
        parts = self.world.parts.values()
        return [part for part in parts if (part.session, part.role) == asked and self._comes(part)]

    @property
    def in_groups(self) -> bool:
        """Whether a company may get several mails, each about some of its participants (F019)."""
        return self.says["audience"] == "companies" and self.says["trigger"]["anchor"] in OWN_ANCHORS

    def key(self, part: Part, occurrence: str) -> Key:
        kind = "company" if part.role == "company" else "person"
        return self.rule.name, self.name, self.place.name, f"{kind} {part.who}", f"{self.memory}{occurrence}"

    @property
    def memory(self) -> str:
        return f"m{self.rule.memory}:" if self.rule.memory > 1 else ""

    def rows(self, part: Part) -> dict[str, Row]:
        """The rows to somebody, of all that the rule remembers and has forgotten, by their occurrence."""
        of = self.key(part, "")[:4]
        return {key[4]: row for key, row in self.world.rows.items() if key[:4] == of}

    def is_cancelled_for(self, rows: dict[str, Row]) -> bool:
        """Whether the last mail of these, from before the rule forgot whom it wrote to, was cancelled by hand."""
        mails = [(_place(key), row) for key, row in rows.items() if "correction:" not in key]
        last = max((place for place, _ in mails), default=None)
        if last is None or last[0] == self.rule.memory:
            return False
        return any(row.status == "cancelled" for place, row in mails if place == last)

    def want(
        self,
        part: Part,
        timing: Timing,
        *,
        template: str | None = None,
        covers: tuple[str, ...] | None = None,
        passed_over: bool = False,
        keeps_time: bool = False,
        asked_at: datetime | None = None,
    ) -> Wanted:
        worth = self.is_worth(part, timing, asked_at)
        anchor = None if timing.told is None else self.says["trigger"]["anchor"]
        more = template or self.template, covers, passed_over, keeps_time
        return Wanted(part, timing, worth, anchor, *more)

    def _comes(self, part: Part) -> bool:
        """Whether somebody is there, and comes to the place; a company comes where its participants come."""
        if part.role != "company":
            return part.present and self._comes_to(part.said.get("slots"))
        members = self.world.members(self.name, part.who)
        return any(self._comes_to(member.said.get("slots")) for member in members)

    def _comes_to(self, slots: set[str] | None) -> bool:
        return not self.place.slots or slots is None or bool(slots & self.place.slots)

    # When.

    def timing(self, part: Part, number: int = 1) -> Timing | None:
        """Return when somebody's mail is due, the first or a later one of a series; None: never."""
        trigger, zone = self.says["trigger"], self.zone(part)
        anchor = self.anchor(part)
        if trigger["anchor"] == "date":
            due = self._on_date(trigger, zone)
        elif anchor is None:
            return None
        else:
            due = add(anchor, OFFSETS[trigger["offset"]], _clock(trigger["at"]), zone)
        if number > 1:
            months, days, hours = OFFSETS[self.says["repeat"]["every"]]
            due = add(due, (months * (number - 1), days * (number - 1), hours * (number - 1)), None, zone)
        leaves, fact = opened(self.says["window"], due, zone), trigger["anchor"] in FACTS
        latest = self.latest(leaves, due, anchor, fact=fact)
        if latest <= leaves:
            return None
        return Timing(leaves, latest, None if fact else anchor, anchor if fact else None)

    def latest(
        self, leaves: datetime, due: datetime, anchor: datetime | None, *, fact: bool = False
    ) -> datetime:
        """Return until when a mail may leave: one that announces a date not after it, however late it may be."""
        ahead = anchor if anchor is not None and due < anchor else None
        within: timedelta | None = self.says["deliver_within"]
        if within is None:
            return ahead or leaves + DAY
        return min(leaves + within, ahead) if ahead and not fact else leaves + within

    def _on_date(self, trigger: dict[str, Any], zone: ZoneInfo) -> datetime:
        if isinstance(trigger["date"], datetime):
            return trigger["date"]
        day: date = trigger["date"]
        return instant(datetime.combine(day, clock_of(trigger["at"])), zone)

    def zone(self, part: Part) -> ZoneInfo:
        if self.says["zone"] == "recipient":
            own = None if self.says["audience"] == "companies" else self.world.zones.get(part.who)
            return ZoneInfo(own or ORGANIZATION_ZONE)
        return ZoneInfo(self.session.said["zone"])

    def anchor(self, part: Part) -> datetime | None:
        name, edge = self._names()
        if name in FACTS:
            at, recorded = part.said.get(f"{name}_at"), part.recorded.get(name)
            return None if at is None or recorded is None or recorded - at > DAY else recorded
        if name == "participation" and edge == "deadline":
            return part.said.get("deadline_at")
        if name.endswith("synchronous_slot"):
            return self._synchronous(part, edge)
        session, own = self.place.session, (part.said.get("starts_at"), part.said.get("ends_at"))
        if name == "participation":
            return own[0] or session[0] if edge == "start" else own[1] or _over(session)
        dates = {"session": session, "module": self.place.module, "slot": self.place.slot}.get(name)
        return None if dates is None else dates[0] if edge == "start" else _over(dates)

    def _names(self) -> tuple[str, str]:
        name, _, edge = self.says["trigger"]["anchor"].partition(".")
        return name, edge

    def _synchronous(self, part: Part, edge: str) -> datetime | None:
        attended = part.said.get("slots")
        slots = [
            slot
            for key, slot in self.session.said["slots"].items()
            if slot["synchronous"] and (attended is None or key in attended)
        ]
        if edge == "start":
            return min((slot["starts_at"] for slot in slots), default=None)
        return max((slot["ends_at"] for slot in slots), default=None)

    def caught_up(self, part: Part, timing: Timing) -> Timing:
        """L04: whoever joined after it was due gets it at once, while it may still leave."""
        joined = part.recorded.get("enrolled")
        if not self.says["catch_up"] or joined is None or joined <= timing.due_at:
            return timing
        if joined - part.said["enrolled_at"] > DAY:
            return timing
        leaves = opened(self.says["window"], joined, self.zone(part))
        if timing.told is not None and timing.due_at < timing.told:
            latest = timing.latest_at
        else:
            latest = leaves + (self.says["deliver_within"] or DAY)
        return Timing(leaves, latest, timing.told, joined) if leaves < latest else timing

    def asked_at(self, part: Part) -> datetime:
        """Return when the last of what asks for a mail was written (docs/decisions/0012).

        A series that has begun goes by when its last mail ended: what nobody was there to send is passed over.
        """
        goes_on = self.says["repeat"] is not None and self.rows(part)
        return max(self.session.changed_at, self.rule.changed_at, part.dirty_at if goes_on else part.said_at)

    def is_worth(self, part: Part, timing: Timing, asked_at: datetime | None = None) -> bool:
        """Whether a mail is planned, seen from when it was asked for (DESIGN 6, Past and late)."""
        asked_at, late = asked_at or self.asked_at(part), self.says["late"]
        if timing.due_at > asked_at:
            return True
        if timing.latest_at <= asked_at:
            return False
        if timing.since is not None and self.rule.changed_at <= timing.since <= timing.due_at:
            return True
        return late is not None and timing.due_at + late > asked_at


def _over(dates: tuple[datetime | None, datetime | None]) -> datetime | None:
    return dates[1] or dates[0]


def _clock(text: str | None) -> Any:
    return None if text is None else clock_of(text)


def _place(occurrence: str) -> tuple[int, bool, int]:
    memory, step = split(occurrence)
    last = step.rpartition(":")[2]  # of a group's first mail, its name
    number = int(last) if len(last) < 8 and last.isdigit() else 1
    return int(memory[1:-1] or 1), last == "last", number


def split(occurrence: str) -> tuple[str, str]:
    """Return the memory before an occurrence, and the rest."""
    memory, colon, rest = occurrence.partition(":")
    return (memory + colon, rest) if memory[:1] == "m" and memory[1:].isdigit() else ("", occurrence)
