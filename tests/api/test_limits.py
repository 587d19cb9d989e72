"""The door under strain: bodies that are too large, a database that is away, an answer that breaks off."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

import server
from api.app import create_app
from api.house import House
from api.limits import LARGEST_BODY
from control.plans import Plans
from settings import Settings
from store.database import Store
from store.organizations import Organization
from tests.api.door import Door

NOWHERE = "postgresql://app:secret@127.0.0.1:1/relance"


@pytest.fixture
def app() -> FastAPI:
    """The API of a house whose database is away."""
    organization = Organization(UUID(int=0), "main", "Relance", "UTC", "en")
    return create_app(House(Store(NOWHERE), cast("Plans", None), organization))


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    shown = {"Authorization": f"Bearer relance_{'x' * 43}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://relance", headers=shown) as http:
        yield http


async def drip(size: int) -> AsyncIterator[bytes]:
    """Send a body in pieces, its length unsaid."""
    for _ in range(0, size, 65_536):
        yield b" " * 65_536


async def test_a_body_that_is_too_large_is_refused_by_its_announcement(door: Door) -> None:
    answer = await door.http.put("/v1/sessions/s", content=b" " * (LARGEST_BODY + 1))

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/too-large"
    (error,) = answer.json()["errors"]
    assert error["field"] == "body"
    assert f"at most {LARGEST_BODY} bytes" in error["message"]


async def test_a_body_that_hides_its_size_is_counted(door: Door) -> None:
    answer = await door.http.put("/v1/sessions/s", content=drip(LARGEST_BODY + 1))

    assert answer.status_code == 413


async def test_a_large_body_in_pieces_is_read_whole(door: Door) -> None:
    answer = await door.http.put("/v1/sessions/s", content=drip(LARGEST_BODY))

    assert answer.status_code == 422  # spaces are no session


async def test_while_the_database_is_away_the_caller_is_told_to_come_back(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.get("/v1/rules")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "/problems/unavailable"
    assert "secret" not in answer.text + caplog.text
    assert "OperationalError" in caplog.text


async def test_a_wrong_method_is_told_the_right_ones(door: Door) -> None:
    answer = await door.http.delete("/v1/rules")

    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_an_answer_that_breaks_off_is_not_begun_again(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("claire@example.org")

    app.mount("/broken", broken)
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await app({"type": "http", "method": "GET", "path": "/broken/", "headers": []}, receive, send)

    assert sent == ["http.response.start"]
    assert "RuntimeError" in caplog.text
    assert "claire" not in caplog.text


async def test_a_server_that_cannot_start_says_why(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def application(_: Settings) -> AsyncIterator[FastAPI]:
        yield app

    monkeypatch.setattr(server, "application", application)
    closed = socket.socket()
    closed.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        async with server.serving(Settings(), closed):
            pytest.fail("it never stood")
