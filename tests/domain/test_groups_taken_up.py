"""Why is a company's waiting mail withdrawn: is somebody in another one, or is the series over? (F019, F110)"""

from dataclasses import replace

from domain.sends import Reason, Status
from domain.snapshots import Snapshot
from tests.domain.plans import (
    DAY,
    NOW,
    WEEK,
    begins,
    company,
    ended,
    facts,
    named,
    person,
    planned,
    replaced,
    rule,
)

ACME = company()
SEVENTH, FOURTEENTH = NOW + 60 * DAY, NOW + 60 * DAY + WEEK
ANN, BEN = (
    person(name, company=named("acme"), own=begins(at))
    for name, at in (("ann", SEVENTH), ("ben", FOURTEENTH))
)


def series(at_most: int, **more: object) -> Snapshot:
    says = {"every": "P7D", "at_most": at_most, **more}
    tell = rule(audience="companies", anchor="participation.start", offset="-P28D", repeat=says)
    return planned(facts(tell, people=[ACME, ANN, BEN]))


def removed(found: Snapshot) -> list[tuple[tuple[object, ...], Reason | None]]:
    return [(tuple(one.covers or ()), one.reason) for one in found.sends if one.status is Status.REMOVED]


def test_whoever_comes_to_share_another_s_date_is_in_the_other_s_mail() -> None:
    found = series(3)

    joined = planned(replaced(found, replace(ANN, own=BEN.own)))

    assert [reason for _, reason in removed(joined)] == [Reason.COVERED_ALREADY]


def test_a_series_that_may_go_on_no_longer_is_over_though_its_last_step_is_about_the_same() -> None:
    found = planned(ended(planned(ended(series(3)))))
    shorter = series(2, then={"to": "manager"}).rules

    over = planned(replace(found, rules=shorter))

    assert {reason for _, reason in removed(over)} == {Reason.SERIES_OVER}
    assert any("last" in one.occurrence for one in over.sends)
