"""A mail server, its moods, and a relay that knows the way to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.mailbox import Mailbox
from mail.transport import Relay
from tests.mail.servers import Moody, settings


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
async def server(tmp_path: Path, moody: Moody) -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(tmp_path / "outbox", moody)
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def relay(server: Mailbox) -> AsyncIterator[Relay]:
    relay = Relay(settings(server, connections=3))
    yield relay
    await relay.aclose()
