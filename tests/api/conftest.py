"""The API over a whole house, or over a database alone."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from embedded.mailbox import Mailbox
from tests.api.door import Door, open_door
from tests.house import LivedInHouse, lived_in_house


@pytest.fixture
async def house(
    temporal_env: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(temporal_env, database_url, sink) as house:
        yield house


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as door:
        yield door
