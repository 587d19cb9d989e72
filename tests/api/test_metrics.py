"""What a monitor reads: every repair, what is behind, where the sends stand; and nobody's name."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from domain.sends import Status
from domain.upkeep import Repair
from store.upkeep import count_repairs
from tests.house import LivedInHouse

Samples = dict[tuple[str, str], float]


async def scrape(house: LivedInHouse) -> Samples:
    """Return the value of each sample by its name and the value of its one label."""
    answer = await house.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_every_figure_is_there_from_the_start(house: LivedInHouse) -> None:
    found = await scrape(house)

    assert found == dict.fromkeys(
        [
            *(("relance_repairs_total", kind) for kind in Repair),
            *(("relance_sends", status) for status in Status),
            *(("relance_dirty", what) for what in ("sessions", "participations", "rules")),
            ("relance_unsignalled_sends", ""),
            ("relance_oldest_overdue_seconds", ""),
        ],
        0.0,
    )


async def test_figures_tell_of_sends_and_repairs_and_name_nobody(house: LivedInHouse) -> None:
    """PROTOCOLS 5.2: metrics hold no address, and no id that a caller made of one."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=17), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    async with house.store.transaction() as db:
        await count_repairs(db, {Repair.SIGNAL: 3})

    found = await scrape(house)

    assert found["relance_sends", "scheduled"] == 1
    assert found["relance_repairs_total", "signal"] == 3
    assert "claire" not in (await house.http.get("/metrics")).text
