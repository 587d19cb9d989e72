"""What the reference knows: facts and rows, as plain as can be. Every name is a caller's own key.

The changes that people make are methods; `reference.Planner` brings the rows in line.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)  # Paris puts its clocks back five days later
ORGANIZATION_ZONE = "Europe/Paris"

# The templates, and whether whoever has one may get it again by another rule.
RESENT = {"once": False, "again": True}

# rule, session, place, recipient, occurrence
Key = tuple[str, str, str, str, str]

OWN_ANCHORS = {
    "participation.start",
    "participation.end",
    "participation.deadline",
    "first_synchronous_slot.start",
    "last_synchronous_slot.end",
    "enrolled",
    "started",
    "completed",
}
FACTS = ("enrolled", "started", "completed")

WAITING = {"scheduled", "claimed"}
TOLD = {"sent", "handing_over", "in_doubt"}
OPEN = WAITING | {"handing_over", "in_doubt"}


@dataclass
class Session:
    said: dict[str, Any]  # as `changes.PutSession` has it
    created_at: datetime
    changed_at: datetime
    deleted: bool = False
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)  # by rule
    given: dict[str, datetime] = field(default_factory=dict)  # since when, the rules it was given by hand


@dataclass
class Part:
    number: int  # in the order in which they were first written
    session: str
    role: str
    who: str
    said_at: datetime  # when somebody last said something of it
    dirty_at: datetime  # when it was last to be planned, for that or another reason
    present: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    recorded: dict[str, datetime] = field(default_factory=dict)  # when a fact was first written down


@dataclass
class Rule:
    name: str  # of its own: made again under an old key, it is another
    key: str
    says: dict[str, Any]
    template: str
    changed_at: datetime
    session: str | None = None  # whose own it is
    active: bool = False
    deleted: bool = False
    memory: int = 1
    corrects_since: datetime | None = None  # None: since it was made
    editions: list[tuple[datetime, dict[str, Any], str]] = field(default_factory=list)

    @property
    def said(self) -> list[dict[str, Any]]:
        """All that it says to one session or another."""
        return [self.says, *(says for _, says, _ in self.editions)]


@dataclass
class Row:
    status: str
    role: str
    due_at: datetime
    latest_at: datetime
    told: datetime | None  # the date that it tells
    anchor: str | None  # and which that is
    template: str | None  # None: the rule's own
    covers: tuple[str, ...] | None  # the participants that a company's mail is about
    reason: str | None = None
    by_hand: bool = False  # when it leaves
    retry_at: datetime | None = None
    lease_until: datetime | None = None
    handed_at: datetime | None = None
    ended_at: datetime | None = None  # of what came to nothing
    times_sent: int = 0
    doubted: bool = False  # sent again though it may have arrived

    @property
    def sent_by_hand(self) -> bool:
        return self.by_hand and self.status in WAITING


PLANNED_OF_SESSION = (
    "zone",
    "starts_at",
    "ends_at",
    "stage",
    "mode",
    "category",
    "center",
    "modules",
    "slots",
)
PLANNED_OF_PART = (
    "company",
    "slots",
    "starts_at",
    "ends_at",
    "deadline_at",
    *(f"{fact}_at" for fact in FACTS),
)


class World:
    """Facts, rows, and what has changed since they were planned."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.sessions: dict[str, Session] = {}
        self.parts: dict[tuple[str, str, str], Part] = {}  # by session, role, person or company
        self.zones: dict[str, str | None] = {}  # of people
        self.rules: dict[str, Rule] = {}  # by name
        self.rows: dict[Key, Row] = {}
        self.receipts: dict[tuple[str, str, str, str], Key] = {}  # template, session, place, recipient
        self.dirty: set[tuple[str, ...]] = set()
        self._rules_made = 0

    # Sessions.

    def put_session(self, key: str, said: dict[str, Any]) -> None:
        session = self.sessions.get(key)
        if session is None:
            self.sessions[key] = Session(said, self.now, self.now)
            self.dirty.add(("session", key))
            return
        moved = session.deleted or any(session.said[name] != said[name] for name in PLANNED_OF_SESSION)
        session.said, session.deleted = said, False
        if moved:
            self.touch_session(key)

    def delete_session(self, key: str) -> None:
        session = self.sessions.get(key)
        if session is not None and not session.deleted:
            session.deleted = True
            self.touch_session(key)

    def touch_session(self, key: str) -> None:
        self.sessions[key].changed_at = self.now
        self.dirty.add(("session", key))

    # People.

    def put_person(self, who: str, zone: str | None) -> None:
        if self.zones.get(who) == zone:
            return
        self.zones[who] = zone
        for part in self.parts.values():
            if part.who == who and part.present and not self.sessions[part.session].deleted:
                self.touch(part)

    def enrol(self, session: str, role: str, who: str, said: dict[str, Any]) -> bool:
        """Say something of somebody's part; False where they would end before they start, and nothing changes."""
        before = self.parts.get((session, role, who))
        known = before.said if before else {}
        after = {**known, **said}
        starts_at, ends_at = after.get("starts_at"), after.get("ends_at")
        if starts_at and ends_at and ends_at < starts_at and said.keys() & {"starts_at", "ends_at"}:
            return False
        if before is None and role == "participant" and "enrolled_at" not in said:
            after["enrolled_at"] = self.now
        self._write(session, role, who, after, present=True)
        return True

    def leave(self, session: str, role: str, who: str) -> None:
        part = self.parts.get((session, role, who))
        if part is not None and part.present:
            self._write(session, role, who, part.said, present=False)

    def _write(self, session: str, role: str, who: str, said: dict[str, Any], *, present: bool) -> None:
        known = self.parts.get((session, role, who))
        before = replace(known) if known else None
        part = known or Part(len(self.parts), session, role, who, self.now, self.now)
        self.parts[session, role, who] = part
        for fact in FACTS:
            if said.get(f"{fact}_at") is None:
                part.recorded.pop(fact, None)
            else:
                part.recorded.setdefault(fact, self.now)
        part.said, part.present = said, present
        if before is None or _planned(before) != _planned(part):
            self.touch(part)
        self._concern(before, part)

    def _concern(self, before: Part | None, after: Part) -> None:
        """Touch the companies somebody comes from, or came from, where that means something to them."""
        everybody = self._counts_from_own()
        companies = set[str]()
        if everybody and after.present and after.said.get("company") and _planned(before) != _planned(after):
            companies.add(after.said["company"])
        if _attends(before) != _attends(after):
            joined = [
                part.said.get("company") for part in (before, after) if part is not None and part.present
            ]
            companies |= {
                company
                for company in joined
                if company is not None and (everybody or not self._comes_anyway(company, after, before))
            }
        for company in sorted(companies):
            key = after.session, "company", company
            new = key not in self.parts or not self._was_there(company, after, before)
            self.parts.setdefault(key, Part(len(self.parts), *key, self.now, self.now))
            self.touch(self.parts[key], said=new)

    def _was_there(self, company: str, one: Part, before: Part | None) -> bool:
        """Whether a company came, and came to all that it comes to now, before this was said of one of its people."""
        was, is_now = (
            part is not None and part.present and part.said.get("company") == company
            for part in (before, one)
        )
        others = [other.said.get("slots") for other in self.members(one.session, company) if other is not one]
        had: set[str] | None = before.said.get("slots") if was and before is not None else set()
        has: set[str] | None = one.said.get("slots") if is_now else set()
        if had is None or not self._writes_of_slots():
            return was or bool(others)
        new = None if has is None else has - had
        return (was and new == set()) or any(
            slots is None or (new is not None and new <= slots) for slots in others
        )

    def _writes_of_slots(self) -> bool:
        return any(
            rule.active
            and not rule.deleted
            and any(says["audience"] == "companies" and says["scope"] != "session" for says in rule.said)
            for rule in self.rules.values()
        )

    def _comes_anyway(self, company: str, one: Part, before: Part | None) -> bool:
        """Whether somebody else from there comes to all that these two come to."""
        comes_to: set[str] | None = set()
        for part in (before, one):
            if part is not None and part.present and part.said.get("company") == company:
                slots = part.said.get("slots")
                comes_to = None if comes_to is None or slots is None else comes_to | slots
        others = [other for other in self.members(one.session, company) if other is not one]
        return any(
            other.said.get("slots") is None or (comes_to is not None and comes_to <= other.said["slots"])
            for other in others
        )

    def _counts_from_own(self) -> bool:
        return any(
            rule.active
            and not rule.deleted
            and any(s["audience"] == "companies" and s["trigger"]["anchor"] in OWN_ANCHORS for s in rule.said)
            for rule in self.rules.values()
        )

    def touch(self, part: Part, *, said: bool = True) -> None:
        """Have somebody's mails planned; `said`: since somebody said something of them."""
        part.dirty_at = self.now
        if said:
            part.said_at = self.now
        self.dirty.add((part.session, part.role, part.who))

    def members(self, session: str, company: str) -> list[Part]:
        """The participants who come from a company, in the order of their ids."""
        found = [
            part
            for part in self.parts.values()
            if (part.session, part.role) == (session, "participant")
            and part.present
            and part.said.get("company") == company
        ]
        return sorted(found, key=lambda part: part.number)

    # Rules.

    def find_rule(self, key: str, session: str | None = None) -> Rule | None:
        found = (r for r in self.rules.values() if (r.key, r.session) == (key, session) and not r.deleted)
        return next(found, None)

    def put_rule(self, key: str, says: dict[str, Any], template: str, *, apply_to_existing: bool) -> None:
        rule = self.find_rule(key)
        if rule is None:
            self.make_rule(key, says, template)
            return
        changed = (rule.says, rule.template) != (says, template)
        if rule.says["correction"] is None and says["correction"] is not None:
            rule.corrects_since = self.now
        if self._edit_editions(rule, says, template, apply_to_existing=apply_to_existing) or changed:
            self.touch_rule(rule)
        rule.says, rule.template = says, template

    def make_rule(self, key: str, says: dict[str, Any], template: str, session: str | None = None) -> Rule:
        self._rules_made += 1
        rule = Rule(f"{key}#{self._rules_made}", key, says, template, self.now, session)
        self.rules[rule.name] = rule
        return rule

    def _edit_editions(
        self, rule: Rule, says: dict[str, Any], template: str, *, apply_to_existing: bool
    ) -> bool:
        """C1: what a rule that leaves existing sessions alone says to which; whether existing ones follow the edit."""
        if says["existing_sessions"]:
            rule.editions = []
            return False
        if rule.says["existing_sessions"]:
            for_all = datetime(1900, 1, 1, tzinfo=UTC)
            rule.editions = [(for_all, rule.says, rule.template)] if rule.active else []
        if not rule.editions:
            return False
        if apply_to_existing:
            differs = any((s, t) != (says, template) for _, s, t in rule.editions)
            rule.editions = [(rule.editions[0][0], says, template)]
            return differs
        if rule.editions[-1][1:] != (says, template):
            rule.editions.append((self.now, says, template))
        return False

    def switch_rule(self, key: str, *, active: bool) -> None:
        rule = self.find_rule(key)
        if rule is None:
            return
        if rule.active != active:
            rule.active = active
            self.touch_rule(rule)
        if active and not rule.says["existing_sessions"] and not rule.editions:
            rule.editions = [(self.now, rule.says, rule.template)]
        if not active:
            self._let_go(rule, "rule_deactivated")

    def delete_rule(self, key: str) -> None:
        rule = self.find_rule(key)
        if rule is not None:
            rule.active, rule.deleted = False, True
            self.touch_rule(rule)
            self._let_go(rule, "rule_deleted")

    def contact_again(self, key: str) -> None:
        rule = self.find_rule(key)
        if rule is not None:
            rule.memory += 1
            self.touch_rule(rule)

    def touch_rule(self, rule: Rule) -> None:
        rule.changed_at = self.now
        self.dirty.add(("rule", rule.name))

    def _let_go(self, rule: Rule, reason: str) -> None:
        for key, row in self.rows.items():
            if key[0] == rule.name and row.status in WAITING:
                row.status, row.reason = "removed", reason

    # What a session says of rules.

    def override(self, session: str, key: str, said: dict[str, Any] | None) -> None:
        """Have a session say this of a rule; None: nothing."""
        rule = self.find_rule(key)
        if rule is None:
            return
        stands = self.sessions[session]
        if stands.overrides.get(rule.name) != said:
            stands.overrides.pop(rule.name, None)
            if said is not None:
                stands.overrides[rule.name] = said
            if said is not None and said["active"]:
                stands.given.setdefault(rule.name, self.now)
            else:
                stands.given.pop(rule.name, None)
            self.touch_session(session)

    def put_own_rule(
        self, session: str, key: str, says: dict[str, Any], template: str, *, active: bool
    ) -> None:
        rule = self.find_rule(key, session)
        if rule is None:
            rule = self.make_rule(key, says, template, session)
        elif (rule.says, rule.template, rule.active) == (says, template, active):
            return
        rule.says, rule.template, rule.active, rule.changed_at = says, template, active, self.now
        self.touch_session(session)

    def delete_own_rule(self, session: str, key: str) -> None:
        rule = self.find_rule(key, session)
        if rule is not None:
            rule.active, rule.deleted, rule.changed_at = False, True, self.now
            self.touch_session(session)

    # Decisions about one send, where it stands as they ask.

    def decide(self, key: Key, what: str) -> None:
        row = self.rows[key]
        match what:
            case "cancel":
                row.status, row.reason, row.lease_until = "cancelled", "cancelled_by_hand", None
            case "reactivate":
                row.status, row.reason, row.by_hand, row.retry_at = "scheduled", "reactivated", False, None
                self._touch_recipient(key, said=True)
            case "send now" | "again":
                self._send_now(key, self._says(key)["deliver_within"])
            case "arrived":
                self._end(key, "sent", None)
            case "drop":
                self._end(key, "failed", "doubt_dropped")

    def _send_now(self, key: Key, within: timedelta | None) -> None:
        row = self.rows[key]
        row.doubted |= row.status == "in_doubt"
        row.status, row.reason, row.by_hand = "scheduled", None, True
        row.retry_at = row.lease_until = None
        row.due_at = self.now
        row.latest_at = self.now + (within or timedelta(days=1))
        self._touch_recipient(key, said=False)

    def _touch_recipient(self, key: Key, *, said: bool) -> None:
        for part in self.parts.values():
            kind = "company" if part.role == "company" else "person"
            if part.session == key[1] and f"{kind} {part.who}" == key[3]:
                self.touch(part, said=said)

    # Deliveries.

    def is_clean(self, key: Key) -> bool:
        """Whether the plan has caught up with all that a mail was planned from: else nothing leaves (DESIGN 4)."""
        rule, row = self.rules[key[0]], self.rows[key]
        concerned = {("session", key[1]), ("rule", rule.name), (key[1], row.role, _who(key))}
        return rule.active and not rule.deleted and not concerned & self.dirty

    def may_leave(self, key: Key) -> bool:
        row = self.rows[key]
        free = row.status == "scheduled" or (row.status == "claimed" and self._lapsed(row))
        waits = row.status == "scheduled" and row.retry_at is not None and row.retry_at > self.now
        return free and not waits and row.due_at <= self.now < row.latest_at and self.is_clean(key)

    def claim(self, key: Key, lease: timedelta) -> None:
        row = self.rows[key]
        row.status, row.lease_until, row.retry_at = "claimed", self.now + lease, None

    def may_come_again(self, key: Key) -> bool:
        """Whether a mail goes to whoever has its template already, by another rule."""
        said, template = (
            self._says(key)["allow_resend"],
            self.rows[key].template or self.rules[key[0]].template,
        )
        return RESENT[template] if said is None else said

    def _says(self, key: Key) -> dict[str, Any]:
        """Return what the rule of a mail says to its session, but for what that overrides."""
        return self.edition(self.rules[key[0]], self.sessions[key[1]])[0]

    def edition(self, rule: Rule, session: Session) -> tuple[dict[str, Any], str]:
        """Return what a rule says to a session, and by which template (C1).

        A session that is older than all that it ever said, and was given it by hand, goes by what it said then, or as soon
        as it said anything.
        """
        if rule.session is not None or rule.says["existing_sessions"]:
            return rule.says, rule.template
        given = session.given.get(rule.name)
        before = [edition for edition in rule.editions if edition[0] <= session.created_at]
        if not before and given is not None:
            before = [edition for edition in rule.editions if edition[0] <= given] or rule.editions[:1]
        return before[-1][1:] if before else (rule.says, rule.template)

    def may_be_handed_over(self, key: Key, *, again: bool) -> bool:
        """Whether a mail passes the fence; `again`: also to whoever has its template already, by another rule."""
        holder, row = self.receipts.get(self._receipt(key)), self.rows[key]
        if again or holder is None or holder[0] == key[0]:
            return True
        return "correction:" in key[4] and row.told != self.rows[holder].told

    def hand_over(self, key: Key, lease: timedelta) -> None:
        row = self.rows[key]
        self.receipts.setdefault(self._receipt(key), key)
        row.status, row.handed_at, row.lease_until = "handing_over", self.now, self.now + lease

    def _receipt(self, key: Key) -> tuple[str, str, str, str]:
        return (self.rows[key].template or self.rules[key[0]].template, *key[1:4])

    def record(self, key: Key, status: str, reason: str | None, retry_after: timedelta) -> None:
        """Write how an attempt ended."""
        row = self.rows[key]
        row.lease_until = None
        row.retry_at = self.now + retry_after if status == "scheduled" else None
        if status not in ("scheduled", "in_doubt"):
            self._end(key, status, reason)
        row.status, row.reason = status, reason
        if status in ("scheduled", "failed"):
            self._take_receipt_back(key)

    def _end(self, key: Key, status: str, reason: str | None) -> None:
        """A mail ends: planning looks for the next of a series, and at a correction of what it may have told."""
        row, was = self.rows[key], self.rows[key].status
        row.status, row.reason, row.lease_until, row.ended_at = status, reason, None, self.now
        row.times_sent += status == "sent"
        repeats = any(says["repeat"] for says in self.rules[key[0]].said)
        waits = any(
            name[:4] == key[:4] and "correction:" in name[4] and other.status in WAITING
            for name, other in self.rows.items()
        )
        corrects = status != "sent" and any(says["correction"] for says in self.rules[key[0]].said)
        if repeats or (was in ("handing_over", "in_doubt") and (waits or corrects)):
            self.touch(self.parts[key[1], row.role, _who(key)], said=False)

    def _take_receipt_back(self, key: Key) -> None:
        row, receipt = self.rows[key], self._receipt(key)
        if row.doubted or self.receipts.get(receipt) != key:
            return
        others = [
            (other.handed_at, name)
            for name, other in self.rows.items()
            if name[:4] == key[:4] and name != key and other.status in TOLD and other.template == row.template
            if other.handed_at is not None and row.handed_at is not None and other.handed_at >= row.handed_at
        ]
        if others:
            self.receipts[receipt] = min(others)[1]
        else:
            del self.receipts[receipt]

    def settle(self, key: Key) -> None:
        """Write what time alone has decided."""
        row = self.rows[key]
        if row.status == "handing_over" and self._lapsed(row):
            row.status, row.reason, row.lease_until = "in_doubt", "lease_over", None
        free = row.status == "scheduled" or (row.status == "claimed" and self._lapsed(row))
        if free and row.latest_at <= self.now and self.is_clean(key):
            self._end(key, "expired", "too_late")

    def _lapsed(self, row: Row) -> bool:
        return row.lease_until is not None and row.lease_until <= self.now


def _who(key: Key) -> str:
    return key[3].partition(" ")[2]


def _planned(part: Part | None) -> list[Any]:
    return [] if part is None else [part.present, *(part.said.get(name) for name in PLANNED_OF_PART)]


def _attends(part: Part | None) -> tuple[Any, ...]:
    return (
        (False, None, None)
        if part is None
        else (part.present, part.said.get("company"), part.said.get("slots"))
    )
