"""Write the answers in `api/examples.json` anew: `python -m tools.examples`, then `python -m tools.openapi`.

The requests there are asked, in their order, of an API over a database of its own; ids and instants are made even.
A request for a new route is written into the file by hand, with nothing for an answer.
"""

import asyncio
import json
import re
import tempfile
from pathlib import Path

from api.examples import EXAMPLES, PATHS, read_examples
from embedded.postgres import Postgres
from store.migrate import upgrade
from tests.api.door import open_door
from tests.api.story import Story, said

UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOT_EVEN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\d\.\d+")  # an instant of the database's own clock
SECONDS = re.compile(r"(\d{4} at \d\d:\d\d):\d\d")  # of such an instant, in a sentence


async def ask_all(folder: Path) -> str:
    """Return the examples with the answers of today."""
    postgres = Postgres(folder, durable=False)
    url = await postgres.start()
    try:
        await asyncio.to_thread(upgrade, url)
        async with open_door(url) as door:
            story = Story(door)
            await story.begin()
            told = {}
            for name, example in read_examples().items():
                answer = await story.ask(name)
                if not answer.is_success:
                    raise RuntimeError(f"{name}: {answer.status_code} {answer.text}")
                asked = {} if example.request is None else {"request": example.request}
                told[name] = asked | ({"answer": said(answer)} if answer.content else {})
            told["GET /v1/sends"]["answer"]["items"].sort(key=lambda send: send["recipient"])  # due at once
            for name in (name for name in told if name.endswith("/simulate")):
                for mails in (part for part in told[name]["answer"].values() if isinstance(part, dict)):
                    mails.get("first", []).sort(key=lambda mail: str(mail.get("person")))
            return _even(json.dumps(told, indent=1, ensure_ascii=False), story.ids)
    finally:
        await postgres.stop()


def _even(told: str, ids: dict[str, str]) -> str:
    """Return the same with ids and instants that are the same the next time."""
    for noun, id in ids.items():
        told = told.replace(id, PATHS[noun])
    others = list(dict.fromkeys(id for id in UUIDS.findall(told) if id not in PATHS.values()))
    for number, id in enumerate(others, 1):
        told = told.replace(id, f"00000000-0000-4000-8000-{number:012}")
    told = re.sub(r"relance_[\w-]{43}", f"relance_{'Zk3vQx0' * 6}A", told)
    told = SECONDS.sub(r"\1", told)
    return NOT_EVEN.sub(r"\1:00:00", told) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        EXAMPLES.write_text(asyncio.run(ask_all(Path(folder))))
