"""Where files are handed in: what an import says, writes, and asks to be planned."""

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from sqlalchemy import text

from control.plans import Plans
from intake.importing import Importer, Options
from tests.api.door import Door


@dataclass(frozen=True, slots=True)
class Said:
    """What an import answered."""

    code: int
    text: str

    def line(self, what: str) -> str:
        """Return the one line that begins with a word."""
        (line,) = [line.strip() for line in self.text.splitlines() if line.strip().startswith(what)]
        return line.removeprefix(what).strip()


class Desk:
    """What a test does by hand."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door, self.folder = door, folder
        self.asked: list[str] = []
        self.agrees = True

    def file(self, *sessions: dict[str, Any] | str) -> Path:
        """Write JSON Lines; a text is a line as it is."""
        path = self.folder / "sessions.jsonl"
        path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in sessions))
        return path

    async def bring(self, path: Path, **options: Any) -> Said:
        console = Console(file=StringIO(), soft_wrap=True, color_system=None)
        plans = cast("Plans", self.door.pokes)
        code = await Importer(self.door.store, plans, console, self._asks).run(path, Options(**options))
        return Said(code, console.file.getvalue())  # type: ignore[attr-defined]

    async def rows(self, table: str, columns: str, order: str = "1") -> list[tuple[Any, ...]]:
        async with self.door.store.transaction() as db:
            query = f"select {columns} from {table} order by {order}"  # noqa: S608 - a test's own words
            found = await db.execute(text(query))
            return [tuple(row) for row in found]

    async def sessions(self) -> list[str]:
        return [key for (key,) in await self.rows("sessions where deleted_at is null", "key")]

    async def taking_part(self, session: str, role: str = "participant") -> list[str]:
        joined = (
            "participations p join people on people.id = p.person_id join sessions s on s.id = p.session_id"
        )
        where = f"s.key = '{session}' and p.role = '{role}' and p.removed_at is null"
        return [key for (key,) in await self.rows(f"{joined} where {where}", "people.key")]

    def _asks(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees
