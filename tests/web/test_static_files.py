import re
from hashlib import sha256
from pathlib import Path

import pytest

from tests.web.web_fakes import browse, pages
from web import rendering

STATIC = Path(rendering.__file__).parent / "static"


async def test_every_file_a_page_names_is_served_and_kept_for_a_year() -> None:
    async with browse(pages()) as browser:
        page = (await browser.get("/")).text
        named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        answers = [await browser.get(path) for path in named]

    assert len(named) == 5
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_asked_for_by_an_old_version_is_not_kept() -> None:
    async with browse(pages()) as browser:
        answer = await browser.get("/static/relance.css?v=old")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "VENDOR.md", "..%2fpages.py", "%2e%2e/pages.py", "%00"])
async def test_nothing_else_is_served(name: str) -> None:
    async with browse(pages()) as browser:
        assert (await browser.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(("folder", "files"), [(STATIC, 2), (Path(__file__).parent / "vendor", 1)])
def test_vendored_files_are_as_published(folder: Path, files: int) -> None:
    listed = re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (folder / "VENDOR.md").read_text("utf-8"))

    assert len(listed) == files
    for name, expected in listed:
        assert sha256((folder / name).read_bytes()).hexdigest() == expected


def test_our_own_files_load_nothing_from_elsewhere() -> None:
    for name in ("relance.css", "relance.js"):
        assert "//" not in re.sub(
            r"/\*.*?\*/|^\s*//.*$|; // .*$", "", (STATIC / name).read_text(), flags=re.S | re.M
        )
