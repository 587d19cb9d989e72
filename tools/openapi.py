"""Write `docs/openapi.json` anew: `python -m tools.openapi`. A test compares it with what the API says of itself."""

import json
from pathlib import Path
from typing import cast
from uuid import UUID

from api.app import create_app
from api.house import House
from control.plans import Plans
from store.database import Store
from store.organizations import Organization

FROZEN = Path(__file__).parents[1] / "docs" / "openapi.json"


def describe() -> str:
    """Return the description of the API, as it is frozen; nothing is connected to."""
    organization = Organization(UUID(int=0), "main", "", "UTC", "en")
    app = create_app(House(Store("postgresql://nowhere/nothing"), cast("Plans", None), organization))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FROZEN.write_text(describe())
