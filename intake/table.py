"""CSV: a header, then one session a line."""

import csv
from collections.abc import Iterator, Sequence

from intake.files import FileError
from intake.rows import Record, Rejected, SessionRow

# What one cell cannot hold.
_NESTED = {"modules", "slots", "data"}
_LISTS = ("trainers", "participants")  # ids of people who are known already
BETWEEN_IDS = "|"

NEEDED = ("id", "name")
COLUMNS = (*NEEDED, *(name for name in SessionRow.model_fields if name not in _NESTED.union(NEEDED)))


def read_table(text: str) -> Iterator[Record | Rejected]:
    """Yield one record for each line after the header; a blank cell says nothing.

    Raises FileError for a header that names no columns of ours.
    """
    numbered = _numbered(text)
    _, header = next(numbered)
    columns = _columns(header)
    for line, cells in numbered:
        if isinstance(cells, str):
            yield Rejected(line, cells)
        elif len(cells) != len(columns):
            yield Rejected(
                line, f"{len(cells)} cells below a header of {len(columns)}: quote what holds a delimiter"
            )
        else:
            yield Record(line, _said(columns, cells))


def _numbered(text: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the cells of each line that is not blank, with its number; or what is wrong with it."""
    lines = text.split("\n")  # a cell may hold what `splitlines` splits at
    first = next(line for line in lines if line.strip())
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=_delimiter(first), strict=True)
    while True:
        number = reader.line_num + 1  # a cell in quotes may span several
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num >= len(lines):
                raise FileError(f"line {number}: a quote opens there and is never closed.") from None
            yield number, f"not CSV: {error}"
            continue
        if any(cells):
            yield number, cells


def _delimiter(header: str) -> str:
    return max(",;", key=header.count)


def _columns(header: list[str] | str) -> list[str]:
    known = f"Known are {', '.join(COLUMNS)}."
    if isinstance(header, str):
        raise FileError(f"The first line is no header ({header}). {known}")
    columns = [cell.lower() for cell in header]
    if unknown := [repr(cell[:40]) for cell in columns if cell not in COLUMNS]:
        raise FileError(f"The header names unknown columns: {', '.join(unknown[:5])}. {known}")
    if missing := [name for name in NEEDED if name not in columns]:
        raise FileError(f"The header lacks {' and '.join(missing)}. {known}")
    if len({*columns}) < len(columns):
        raise FileError("The header names a column twice: remove one of the two.")
    return columns


def _said(columns: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    said: dict[str, object] = {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
    for name in _LISTS:
        cell = said.get(name)
        if isinstance(cell, str):
            said[name] = [id.strip() for id in cell.split(BETWEEN_IDS)]
    if str(said.get("source_version", "")).isdecimal():
        said["source_version"] = int(str(said["source_version"]))
    return said
