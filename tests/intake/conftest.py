"""The API over a database of this test alone, and imports beside it; or the rows of `tests/store`."""

from collections.abc import AsyncIterator

import pytest

from tests.api.door import open_door
from tests.intake.desk import Desk
from tests.store.conftest import rows

__all__ = ["desk", "rows"]


@pytest.fixture
async def desk(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with open_door(database_url) as door:
        yield Desk(door, tmp_path_factory.mktemp("files"))
