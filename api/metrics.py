"""Figures for Prometheus, read from the store when they are asked for; nothing personal, no caller's ids."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.house import InHouse
from store.figures import Figures, read_figures

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(house: InHouse) -> PlainTextResponse:
    """Return figures in Prometheus' own format; `docs/operations.md` says what they tell. Needs no token."""
    async with house.store.transaction() as db:
        figures = await read_figures(db)
    return PlainTextResponse(generate_latest(_Figures(figures)), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """The figures of one scrape."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self._figures
        repairs = CounterMetricFamily(
            "relance_repairs",
            "What the sweep had to repair; in a healthy house all stay at 0",
            labels=["kind"],
        )
        for kind, count in figures.repairs.items():
            repairs.add_metric([kind], count)
        yield repairs
        yield _gauges("relance_dirty", "Rows that planning is behind", "what", figures.dirty)
        yield GaugeMetricFamily(
            "relance_unsignalled_sends", "Sends whose workflow is behind its row", figures.unsignalled
        )
        yield _gauges("relance_sends", "Sends by where they stand", "status", figures.sends)
        yield GaugeMetricFamily(
            "relance_oldest_overdue_seconds",
            "For how long the mail that could have left longest ago has waited",
            figures.overdue_seconds,
        )


def _gauges(name: str, what: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
