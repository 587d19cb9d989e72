"""Matters: one rule and one place that it writes about, and what planning asks of them for each of its audience."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.changes import Considered, WantedSend
from domain.identity import send_ids
from domain.occurrences import CORRECTION, LAST, Occurrence
from domain.participations import Participation
from domain.places import Place
from domain.sends import REVIVABLE, Reason, Status
from domain.snapshots import ExistingSend, RuleFacts, Snapshot
from domain.timetables import Timetable, Timing


@dataclass(frozen=True, slots=True)
class Known:
    """A row, and which of the mails of its rule it is."""

    occurrence: Occurrence
    send: ExistingSend

    @property
    def place(self) -> tuple[int, bool, int]:
        """Where it stands among the mails of one line, besides corrections, of all memories of its rule."""
        return self.occurrence.memory, self.occurrence.kind == LAST, self.occurrence.number or 0


@dataclass(frozen=True, slots=True)
class Line:
    """Mails to one recipient that share their dates (F019): all of a rule about a place, or a company's about some."""

    recipient: Participation
    dated: Participation  # whose dates they go by
    group: UUID | None = None  # the name of a company's: of whom they were first about (`domain.line_names`)
    covers: tuple[UUID, ...] | None = None
    timing: Timing | None = None  # of the first of them; None: as the timetable has it
    completed: bool = False  # everybody that they are about
    rows: Sequence[Known] = ()  # of a company's, besides corrections: about any of these, or of this name
    misses: bool = False  # they leave a mail that waits, and their own is past: a row says so


class Matter:
    """One rule and one place that it writes about."""

    def __init__(
        self, snapshot: Snapshot, rule: RuleFacts, place: Place, known: Mapping[UUID, Sequence[Known]]
    ) -> None:
        self.rule, self.place = rule, place
        self.timetable = Timetable(rule.definition, snapshot.session, place)
        self._known = known
        self._now = snapshot.now
        self._session_changed_at = snapshot.session.changed_at or snapshot.now
        self._rule_changed_at = rule.changed_at or snapshot.now
        self._changed_at = max(self._session_changed_at, self._rule_changed_at)
        self._key = send_ids(rule.id, place.id)
        self._first = str(Occurrence(memory=rule.memory))

    @property
    def has_rows(self) -> bool:
        """Whether any are known: see `known`."""
        return bool(self._known)

    def known(self, recipient: Participation) -> Sequence[Known]:
        """Return the rows of this rule about this place to somebody, of rules that write several mails or corrected one."""
        return self._known.get(recipient.recipient, ())

    def stays_cancelled(self, rows: Iterable[Known]) -> bool:
        """Return whether the last of these mails was cancelled by hand before the rule forgot whom it wrote to (F105).

        That is a word about one recipient, not about those whom the rule writes to: it holds until it is taken back.
        """
        if self.rule.memory == 1:
            return False
        mails = [known for known in rows if known.occurrence.kind != CORRECTION]
        if any(known.occurrence.memory == self.rule.memory for known in mails):
            return False
        standing = [known for known in mails if known.send.status not in REVIVABLE]
        last = max((known.place for known in standing), default=None)
        return any(known.send.status is Status.CANCELLED for known in standing if known.place == last)

    def is_cancelled_for(self, one: Participation) -> bool:
        """Return whether mails to somebody under common dates stay cancelled."""
        return self.stays_cancelled(known for known in self.known(one) if known.occurrence.group is None)

    def asked_at(self, one: Participation) -> datetime:
        """Return when the last change was made that asks for a send.

        Its due time is past or ahead as seen from there: whoever was told that the change is written need not know how
        long planning takes to get to it.
        """
        # A series passes over what nobody was there to send in time, and so goes by when its last mail ended.
        goes_on = self.rule.definition.repeat is not None and self.known(one)
        changed_at = one.dirty_at or one.changed_at if goes_on else one.changed_at
        return (
            self._now
            if changed_at is None or self.rule.asked_to_correct
            else min(self._now, max(self._changed_at, changed_at))
        )

    def said_at(self, one: Participation) -> datetime:
        """Return when somebody's dates were said last, or something else of them or their session after that."""
        return max(self._session_changed_at, one.changed_at or self._now)

    def is_worth(self, one: Participation, timing: Timing) -> bool:
        """Return whether a mail can be of use, asked for when it was; planned later still, it leaves at once, or expires."""
        asked_at, due_at = self.asked_at(one), timing.due.at
        if due_at > asked_at:
            return True
        if timing.latest_at <= asked_at:
            return False
        if timing.since is not None and timing.since <= due_at and timing.since >= self._rule_changed_at:
            return True
        return due_at + self.rule.definition.still_worth > asked_at

    def want_first(self, one: Participation) -> Considered:
        """Return what becomes of the only mail that the rule has for somebody."""
        timing = self.timetable.find(one)
        if isinstance(timing, Reason):
            return Considered(self.rule, self.place, one, None, timing)
        if self.rule.definition.catch_up:
            timing = self.timetable.catch_up(one, timing)
        if self.is_cancelled_for(one):
            return self.pass_over(one, Reason.CANCELLED_BY_HAND, timing)
        key = self._key(one.recipient, self._first)
        wanted = WantedSend(key, self.rule, self.place, one, timing, self._first, template=self.rule.template)
        return self._consider(wanted)

    def want(
        self,
        line: Line,
        timing: Timing,
        step: str = "1",
        *,
        template: UUID | None = None,
        passed_over: bool = False,
        keeps_time: bool = False,
    ) -> Considered:
        """Return what becomes of one mail of a line; `template` None is the one that the session sends by the rule."""
        occurrence = str(Occurrence(step, line.group, self.rule.memory))
        wanted = WantedSend(
            self._key(line.recipient.recipient, occurrence),
            self.rule,
            self.place,
            line.recipient,
            timing,
            occurrence,
            line.covers,
            template or self.rule.template,
            passed_over,
            keeps_time,
        )
        return self._consider(wanted)

    def pass_over(self, one: Participation, reason: Reason, timing: Timing | None = None) -> Considered:
        """Return that there is nothing for somebody, and why."""
        return Considered(self.rule, self.place, one, timing, reason)

    def _consider(self, wanted: WantedSend) -> Considered:
        timing, one = wanted.timing, wanted.participation
        past = None if self.is_worth(one, timing) else Reason.DUE_IN_PAST
        return Considered(self.rule, self.place, one, timing, past, wanted)
