"""The pages name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")
)]  # fmt: skip
CODE_PATH = re.compile(r"`((?:tuner|tests|benchmarks|docs)/[\w/.-]+)")
CODE_FILE = re.compile(r"`(\w+\.py)`")
LINK = re.compile(r"\]\(([^)#:]+)[^):]*\)")


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_paths_in_the_text_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    missing = [path for path in CODE_PATH.findall(text) if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    folder = (ROOT / page).parent
    assert not [link for link in LINK.findall(text) if not (folder / link.strip()).exists()]


def test_files_that_the_architecture_page_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = {path.name for path in (ROOT / "tuner").rglob("*.py")}
    assert not set(CODE_FILE.findall(text)) - names
