"""Removals: why a mail that waits is not asked for any more."""

from collections.abc import Mapping
from uuid import UUID

from domain.considering import in_groups, why_not_here, why_not_theirs, why_off
from domain.corrections import same_date, told_at
from domain.matters import Known
from domain.occurrences import CORRECTION, LAST, Occurrence
from domain.participations import Participation
from domain.places import Place, places
from domain.rules import RuleDefinition
from domain.sends import Reason
from domain.snapshots import ExistingSend, RuleFacts, Snapshot
from domain.timetables import Timetable


class Removals:
    """Why waiting sends of a snapshot, which nothing asks for, are removed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._rules = {rule.id: rule for rule in snapshot.rules}
        self._people = {one.id: one for one in snapshot.participations}
        self._members = {one.id: one for one in snapshot.colleagues} | self._people
        self._places: Mapping[UUID, Place] = {place.id: place for place in places(snapshot.session)}

    def why(self, send: ExistingSend) -> Reason | None:
        """Return why a send is removed; of several reasons the widest. None: it is not, and leaves."""
        rule, who = self._rules[send.rule], self._people[send.participation]
        place, session, says = self._places.get(send.scope), self._snapshot.session, rule.definition
        if off := why_off(session, rule):
            return off
        if place is None:
            return Reason.PLACE_REMOVED
        if place.scope is not says.scope or who.role is not says.audience.role:
            return Reason.RULE_EDITED
        if gone := why_not_theirs(who, place.slots):
            return gone
        if off := why_not_here(session, says, place):
            return off
        return None if self._queues(send, rule, who, place) else self._of_mail(send, rule, who, place)

    def _queues(self, send: ExistingSend, rule: RuleFacts, who: Participation, place: Place) -> bool:
        """Return whether a send is one of an earlier memory of its rule whose time has come and is still the same.

        What is due is not asked for again (F069, F105): whoever waits for it would get nothing.
        """
        occurrence, says = Occurrence.parse(send.occurrence), rule.definition
        if occurrence.memory == rule.memory or send.due_at > self._snapshot.now:
            return False
        dated = who if occurrence.group is None else self._somebody_of(send, who)
        number = _number(occurrence, says)
        if dated is None or number is None or (occurrence.group is not None) != in_groups(says):
            return False
        timetable = Timetable(says, self._snapshot.session, place)
        timing = timetable.find(dated, number)
        if isinstance(timing, Reason):
            return False
        if says.catch_up:
            timing = timetable.catch_up(dated, timing)
        return send.sent_by_hand or timing.due.at == send.due_at

    def _of_mail(self, send: ExistingSend, rule: RuleFacts, who: Participation, place: Place) -> Reason:
        occurrence, says = Occurrence.parse(send.occurrence), rule.definition
        if occurrence.memory != rule.memory or (occurrence.group is not None) != in_groups(says):
            return Reason.RULE_EDITED
        dated = who if occurrence.group is None else self._somebody_of(send, who)
        if dated is None:
            return Reason.PARTICIPANT_REMOVED
        timetable = Timetable(says, self._snapshot.session, place)
        if occurrence.kind == CORRECTION:
            return self._of_correction(send, occurrence, rule, timetable, dated)
        timing = timetable.find(dated, occurrence.number or 1)
        if isinstance(timing, Reason):
            return timing
        if says.repeat is not None and occurrence.group in (None, dated.id):
            return Reason.SERIES_OVER
        return Reason.RULE_EDITED if occurrence.group is None else Reason.COVERED_ALREADY

    def _of_correction(
        self,
        send: ExistingSend,
        occurrence: Occurrence,
        rule: RuleFacts,
        timetable: Timetable,
        dated: Participation,
    ) -> Reason:
        anchor = rule.definition.trigger.anchor
        if send.anchor != anchor or not (occurrence.by_hand or rule.definition.correction):
            return Reason.RULE_EDITED
        now = timetable.told(dated)
        if now is None:
            return Reason.NO_ANCHOR_DATE
        known = [
            Known(Occurrence.parse(other.occurrence), other)
            for other in self._snapshot.sends
            if (other.rule, other.scope, other.participation) == (send.rule, send.scope, send.participation)
            and (send.covers is None or dated.id in (other.covers or ()))
        ]
        told = told_at(known, anchor)
        return Reason.DATE_AS_TOLD if told is None or same_date(told, now) else Reason.DATE_CHANGED_AGAIN

    def _somebody_of(self, send: ExistingSend, company: Participation) -> Participation | None:
        """Return the first of those whom a company's mail is about and who still come with it."""
        for id in send.covers or ():
            one = self._members.get(id)
            if one is not None and not one.removed and one.company == company.recipient:
                return one
        return None


def _number(occurrence: Occurrence, says: RuleDefinition) -> int | None:
    """Return its place among the mails that a rule writes now; None where it has none, or corrects a date."""
    if says.repeat is None:
        return 1 if occurrence.number == 1 else None
    return says.repeat.at_most + 1 if occurrence.kind == LAST else occurrence.number
