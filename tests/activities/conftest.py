"""A desk with a mail server whose moods a test sets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.mailbox import Mailbox
from store.database import Store
from tests.activities.desk import Desk, PausingRelay
from tests.mail.servers import Moody


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, moody: Moody) -> AsyncIterator[Desk]:
    mailbox, store = Mailbox(tmp_path / "outbox", moody), Store(database_url)
    await mailbox.start()
    relay = PausingRelay.from_url(f"smtp://127.0.0.1:{mailbox.port}")
    yield await Desk(store, mailbox, relay).open()
    await relay.aclose()
    await mailbox.stop()
    await store.close()
