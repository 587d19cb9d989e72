"""What every route is given: the store, the pokes, and whose data it is about."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from control.plans import Plans
from store.database import Store
from store.organizations import Organization


@dataclass(frozen=True, slots=True)
class House:
    """Built once, in `server.py`."""

    store: Store
    plans: Plans
    organization: Organization


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


InHouse = Annotated[House, Depends(_house)]
