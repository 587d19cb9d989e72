"""What the tests of pages share: the rows of `tests/store`, and one Chromium a module."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.store.conftest import rows
from tests.web.web_browser import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "rows"]


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with browser() as chromium:
        yield chromium
