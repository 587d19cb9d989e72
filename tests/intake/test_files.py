"""Files of which nothing can be imported: one line, with the cure."""

import os
from pathlib import Path

import pytest

from intake import files
from intake.contents import Wishes, read_contents
from intake.files import FileError, read_text

BAD = {
    "empty": (b"", "is empty: write one session a line"),
    "blank": (b"\n  \n", "is empty"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "is empty"),
    "Latin-1": (
        "id,name\nS-1,Général\n".encode("latin-1"),
        "line 2, is not UTF-8: save the file in that encoding",
    ),
    "UTF-16": ("id,name\n".encode("utf-16"), "is text in UTF-16: save it in UTF-8"),
    "a spreadsheet": (
        b"PK\x03\x04xl/workbook.xml",
        "is a spreadsheet or an archive: save it as CSV in UTF-8",
    ),
    "a PDF": (b"%PDF-1.7", "is a PDF: export a schedule"),
    "compressed": (b"\x1f\x8b\x08", "is compressed: unpack it first"),
    "a JSON list": (b'[{"id": "S-1"}]', "is a JSON list: write its objects one a line"),
    "JSON cut off": (b'{\n"timezone": "Europe/Prague",\n"sessions": [{"code": "A"', "line 3, column 26"),
    "JSON nested too deeply": (b'{"sessions":' + b"[" * 100_000, "nested too deeply"),
    "an object without sessions": (
        b'{\n"timezone": "Europe/Prague"\n}',
        "one JSON object without `sessions`",
    ),
    "sessions that are no list": (b'{"sessions": {"A": 1}}', "The `sessions` of a schedule are a list"),
    "no sessions": (b'{"sessions": []}', "has no sessions: export it again"),
    "an unknown zone": (b'{"timezone": "Europe/Pragu", "sessions": [{}]}', "did you mean 'Europe/Prague'?"),
    "a zone that is no text": (b'{"timezone": 7, "sessions": [{}]}', "'7' is not a time zone"),
    "an unknown column": (b"id,nom\n", "unknown columns: 'nom'. Known are id, name, "),
    "a web page": (b"<!doctype html>\n<html>", "unknown columns: '<!doctype html>'. Known are"),
    "no id": (b"name\nManaging\n", "The header lacks id. Known are"),
    "a column twice": (b"id;name;id\n", "names a column twice"),
    "a header alone": (b"id,name\n\n", "names no session: write one a line below the header"),
    "a quote that never ends": (b'id,name\nS-1,"Managing\nS-2,Leading\n', "line 2: a quote opens there"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_none_of_ours_is_told_in_one_line_with_the_cure(what: str, tmp_path: Path) -> None:
    content, told = BAD[what]
    file = tmp_path / "file"
    file.write_bytes(content)

    with pytest.raises(FileError) as refused:
        read_contents(file, Wishes("Europe/Paris"))

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_a_folder_and_one_that_may_not_be_read_are_told_apart(
    tmp_path: Path,
) -> None:
    locked = tmp_path / "locked"
    locked.write_text("id,name\n")
    locked.chmod(0)

    for path, told in (
        (tmp_path / "nowhere.csv", "There is no file"),
        (tmp_path, "is a folder: name a file in it"),
    ):
        with pytest.raises(FileError, match=told):
            read_text(path)
    if os.geteuid() != 0:  # who may read everything
        with pytest.raises(FileError, match="cannot be read: Permission denied"):
            read_text(locked)


def test_a_file_that_is_too_large_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 1024)
    file = tmp_path / "large.csv"
    file.write_text("id,name\n" + "S,x\n" * 1000)

    with pytest.raises(FileError, match="is larger than 0 MiB: import it in parts"):
        read_text(file)


def test_a_byte_order_mark_and_line_ends_of_other_systems_are_read_over(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(b"\xef\xbb\xbfid,name\r\nS-1,Managing\rS-2,Leading\n")

    assert read_text(file) == "id,name\nS-1,Managing\nS-2,Leading\n"
