"""Random lives of a house, compared with a reference that is simple enough to be believed.

`RELANCE_NIGHTLY=1 make test ARGS="tests/model"` tries ten times as many. A failure ends with the smallest example that
shows it, and with the line that plays it again.
"""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from store.database import Store
from tests.model.focuses import FOCUSES, Focus
from tests.model.house import House
from tests.model.machine import Machine

NIGHTLY = os.environ.get("RELANCE_NIGHTLY") == "1"
EXAMPLES = -(-(2000 if NIGHTLY else 200) // len(FOCUSES))


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Machine]]:
    with asyncio.Runner() as runner:
        store = Store(database_url)
        house = House(store)
        runner.run(house.arrange())
        yield type("LivedIn", (Machine,), {"runner": runner, "house": house})
        runner.run(store.close())


@pytest.mark.timeout(7200 if NIGHTLY else 900)
@pytest.mark.parametrize("focus", FOCUSES, ids=lambda focus: focus.name)
def test_the_rows_are_those_of_the_reference(machine: type[Machine], focus: Focus) -> None:
    machine.focus = focus
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            deadline=None,
            derandomize=not NIGHTLY,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
