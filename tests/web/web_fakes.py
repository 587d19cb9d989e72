"""Sends that were never planned, and a browser without a window."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from domain.sends import Status
from domain.triggers import DateTrigger
from mail.outbox import Outbox
from web.pages import create_pages
from web.planned import Page, PlannedSend

NOW = datetime(2026, 11, 21, 19, 40, tzinfo=UTC)


class FakeSends:
    """A list in the order given. Its cursors are the numbers of rows already seen."""

    def __init__(self, sends: Sequence[PlannedSend]) -> None:
        self._sends = sends

    async def list_planned(self, limit: int, after: str | None) -> Page[PlannedSend]:
        start = int(after or 0)  # ValueError for a cursor that is none
        end = start + limit
        return Page(self._sends[start:end], str(end) if end < len(self._sends) else None)


def a_trigger(**fields: str) -> DateTrigger:
    return DateTrigger.model_validate({"type": "date", **fields})


def a_send(**fields: Any) -> PlannedSend:
    """Return Ada's invitation, 7 days before a session in Paris, unless `fields` say otherwise."""
    usual: dict[str, Any] = {
        "id": "5d1b6f7e-6a57-5e0b-9d0b-3a2f2f1f7c11",
        "due_at": datetime(2026, 11, 28, 8, tzinfo=UTC),
        "zone": ZoneInfo("Europe/Paris"),
        "rule_key": "convocation-j7",
        "rule_name": "Convocation J-7",
        "trigger": a_trigger(anchor="session.start", offset="-P7D", at="09:00"),
        "session_key": "S-2026-041",
        "session_name": "Speaking in public",
        "recipient_name": "Ada Lovelace",
        "recipient_address": "ada@example.org",
        "template_key": "convocation",
        "subject": None,
        "status": Status.SCHEDULED,
        "reason": None,
        "workflow_url": None,
    }
    return PlannedSend(**{**usual, **fields})


def pages(
    sends: Sequence[PlannedSend] = (), outbox: Outbox | None = None, temporal_ui: str | None = None
) -> FastAPI:
    app = FastAPI()
    app.include_router(create_pages(FakeSends(sends), outbox, temporal_ui, now=lambda: NOW))
    return app


def browse(app: FastAPI, language: str = "en") -> AsyncClient:
    """Return a client that follows no redirect and asks for `language`."""
    return AsyncClient(
        transport=ASGITransport(app), base_url="http://relance.test", headers={"Accept-Language": language}
    )
