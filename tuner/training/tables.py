"""How .csv and .tsv files are to be read."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.types import DataSection

TABLE_KINDS = {".csv": ",", ".tsv": "\t"}


def quoted(path: Path, section: DataSection) -> bool:
    """Whether double quotes enclose fields: by default so in .csv and not in .tsv."""
    return path.suffix.lower() == ".csv" if section.quotes is None else section.quotes


def header_of(path: Path, section: DataSection, where: str) -> list[str]:
    """The column names: the first row, or "0", "1", … where the recipe names columns by number."""
    separator = TABLE_KINDS[path.suffix.lower()]
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as file:
        if quoted(path, section):
            reader = csv.reader(file, delimiter=separator)
        else:
            reader = csv.reader(file, delimiter=separator, quoting=csv.QUOTE_NONE)
        rows = (row for row in reader if row)
        first, second = next(rows, None), next(rows, None)
    if first is None or (second is None and not without_header(section)):
        raise TunerError(f"{where} holds no rows")
    if without_header(section):
        return [str(number) for number in range(len(first))]
    twice = {name for name in first if first.count(name) > 1}
    for name in twice & {*map(str, section.text), str(section.label)}:
        raise TunerError(f"{where} has two columns named {name!r}")
    return first


def without_header(section: DataSection) -> bool:
    """Whether the recipe names its columns by number; TunerError where it mixes both."""
    numbers = [isinstance(column, int) for column in (*section.text, section.label)]
    if any(numbers) and not all(numbers):
        raise TunerError("data.text, data.label: name all columns, or give numbers for all of them")
    return all(numbers)


def table_options(path: Path, section: DataSection, header: list[str]) -> dict[str, Any]:
    """What `datasets`' csv builder needs to keep every field as the text that it is.

    Everything is a string, for pandas would guess types block by block and take "NA" for nothing.
    """
    from datasets import Features, Value

    names = _unique(header)
    return {
        "sep": TABLE_KINDS[path.suffix.lower()],
        "names": names,
        "header": None if without_header(section) else 0,
        "quoting": csv.QUOTE_MINIMAL if quoted(path, section) else csv.QUOTE_NONE,
        "keep_default_na": False,
        "index_col": False,
        "features": Features({name: Value("string") for name in names}),
    }


def _unique(header: list[str]) -> list[str]:
    """Unused columns may repeat a name or have none; the reader allows neither."""
    seen: set[str] = set()
    out = []
    for number, name in enumerate(header):
        out.append(f"\x1f{number}" if name in seen or not name else name)
        seen.add(name)
    return out
