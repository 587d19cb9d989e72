"""Dates that mails have told: which of them are not the date any more, and which were so before."""

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.anchors import Anchor, Dated, Facts, anchor_at
from domain.corrections import same_date
from domain.participations import Participation
from domain.places import Place, places
from domain.sends import Status
from domain.snapshots import ExistingSend, Snapshot

# What it told has reached somebody, or may have.
_ARRIVED = frozenset({Status.SENT, Status.IN_DOUBT})

_UNDATED = Dated()


class ToldDate(NamedTuple):
    """A date that a mail has told about somebody."""

    send: ExistingSend
    participation: UUID  # whom it is about, who are several of a company's
    told: datetime
    now: datetime | None  # what it is
    taking_part: bool  # they still do, and the recipient too

    @property
    def is_true(self) -> bool:
        return self.now is not None and same_date(self.told, self.now)


def wrong_dates(snapshot: Snapshot) -> Iterator[ToldDate]:
    """Yield what the last mail of each told somebody who still takes part, where it is not the date any more."""
    if not snapshot.session.deleted:
        last = _last(snapshot.sends)
        yield from (found for found in _told(snapshot, last) if found.taking_part and not found.is_true)


def true_dates(snapshot: Snapshot) -> Set[tuple[UUID, UUID]]:
    """Return the sends that told a date which is the date, each with whom it is about."""
    found = _told(snapshot, snapshot.sends)
    return {(one.send.id, one.participation) for one in found if one.is_true}


def _last(sends: Iterable[ExistingSend]) -> Iterable[ExistingSend]:
    """Return the last mail of each line that told a date."""
    last: dict[tuple[UUID, UUID, UUID, tuple[UUID, ...]], ExistingSend] = {}
    for send in sends:
        if send.status in _ARRIVED and send.anchor_at is not None:
            key = send.rule, send.scope, send.participation, tuple(send.covers or ())
            if key not in last or _left(send) > _left(last[key]):
                last[key] = send
    return last.values()


def _told(snapshot: Snapshot, sends: Iterable[ExistingSend]) -> Iterator[ToldDate]:
    about = {place.id: place for place in places(snapshot.session)}
    people = {one.id: one for one in (*snapshot.participations, *snapshot.colleagues)}
    for send in sends:
        place, who = about.get(send.scope), people.get(send.participation)
        if place is None or who is None or send.anchor is None or send.anchor_at is None:
            continue
        anchor = Anchor(send.anchor)
        for one in _whom(send, who, people):
            now = anchor_at(anchor, _facts(place, one))
            taking_part = not (who.removed or one.removed)
            yield ToldDate(send, one.id, send.anchor_at, now, taking_part)


def _whom(
    send: ExistingSend, recipient: Participation, people: dict[UUID, Participation]
) -> Sequence[Participation]:
    if send.covers is None:
        return [recipient]
    return [people[one] for one in send.covers if one in people]


def _facts(place: Place, one: Participation) -> Facts:
    return Facts(place.session, place.module or _UNDATED, place.slot or _UNDATED, one.own)


def _left(send: ExistingSend) -> tuple[datetime, UUID]:
    return send.handed_at or send.due_at, send.id
