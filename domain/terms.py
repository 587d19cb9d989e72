"""On what terms a mail leaves: what its rule and its template ask of whoever it is about, decided as it leaves.

To add one: a field of `Terms`, and a clause in `objection`.
"""

from dataclasses import dataclass

from domain.conditions import Conditions, Standing
from domain.occurrences import CORRECTION, LAST, Occurrence
from domain.rules import Repeat, RuleDefinition, ToRole, Until
from domain.sends import Reason

_NOT_MET = {
    "attendance": Reason.ATTENDANCE_NOT_MET,
    "completion": Reason.COMPLETION_NOT_MET,
    "statuses": Reason.STATUS_NOT_MET,
}

# Nothing more is asked: a series ends with these.
OVER = frozenset({Reason.SERIES_OVER, Reason.ALREADY_ANSWERED})

_NO_CONDITIONS = Conditions()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked; as it stands here, nothing is."""

    conditions: Conditions = _NO_CONDITIONS
    until: Until | None = None
    questionnaire: str | None = None  # of the template: whoever answered it gets none of these (F088)
    of_series: str | None = None  # the questionnaire that ends a series `until` it is answered

    @property
    def are_none(self) -> bool:
        return self == Terms()

    def objection(self, standing: Standing) -> Reason | None:
        """Return why somebody is not written to (or about); None when they are."""
        if self._is_over(standing):
            return Reason.SERIES_OVER
        if self.questionnaire in standing.answered:
            return Reason.ALREADY_ANSWERED
        unmet = self.conditions.objection(standing)
        return None if unmet is None else _NOT_MET[unmet]

    def _is_over(self, standing: Standing) -> bool:
        match self.until:
            case Until.COMPLETED:
                return standing.completed
            case Until.ANSWERED:
                return self.of_series in standing.answered
        return False


def terms_of(
    says: RuleDefinition, occurrence: str, *, questionnaire: str | None, of_series: str | None
) -> Terms:
    """Return the terms of one of a rule's mails.

    A correction goes to whoever was told, also where the series it belongs to is over since.
    """
    repeat = None if Occurrence.parse(occurrence).kind == CORRECTION else says.repeat
    until = repeat.until if repeat else None
    return Terms(says.conditions, until, questionnaire, of_series if until else None)


def written_to(says: RuleDefinition, occurrence: str) -> ToRole | None:
    """Return who is written to in the place of whoever one of a rule's mails is about, if anybody (F056, L12)."""
    match says.repeat:
        case Repeat(then=then) if then is not None and Occurrence.parse(occurrence).kind == LAST:
            return then.to
    return says.to
