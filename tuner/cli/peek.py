"""The first rows of a data file, with the standard library alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tuner.errors import TunerError

PEEKED_ROWS = 200
READABLE = (".jsonl", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Peek:
    """Column names (or numbers, for a file without a header) and the first rows, as text."""

    columns: tuple[str | int, ...]
    rows: tuple[tuple[str, ...], ...]

    def values(self, column: str | int) -> list[str]:
        """The first values of one column."""
        index = self.columns.index(column)
        return [row[index] for row in self.rows if index < len(row)]


def peek(path: Path, header: bool | None = None) -> Peek:
    """The first rows of a .jsonl, .csv or .tsv file.

    `header` None: a first row whose cells do not come again below is taken for the header.
    Raises TunerError where the file holds no rows or is not what its name says.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(islice(_parsed(path, lines), PEEKED_ROWS))
    except UnicodeDecodeError as error:
        raise TunerError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except csv.Error as error:
        raise TunerError(f"{path}: {error}") from error
    if not rows:
        raise TunerError(f"{path}: no rows in this file")
    return _from_objects(rows) if path.suffix.lower() == ".jsonl" else _from_cells(rows, header)


def _parsed(path: Path, lines: Iterator[str]) -> Iterator[Any]:
    if path.suffix.lower() == ".jsonl":
        return _objects(path, lines)
    if path.suffix.lower() == ".tsv":
        return (row for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row)
    return (row for row in csv.reader(lines) if row)


def _objects(path: Path, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TunerError(f"{path}: line {number} is not JSON") from error
        if not isinstance(value, dict):
            raise TunerError(f"{path}: line {number} is not a JSON object")
        yield value


def _from_objects(rows: Sequence[dict[str, Any]]) -> Peek:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    cells = (tuple(str(row.get(name, "")) for name in columns) for row in rows)
    return Peek(columns, tuple(cells))


def _from_cells(rows: Sequence[list[str]], header: bool | None) -> Peek:
    cells = tuple(map(tuple, rows))
    if _has_header(cells) if header is None else header:
        return Peek(cells[0], cells[1:])
    return Peek(tuple(range(len(cells[0]))), cells)


def _has_header(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether no cell of the first row is empty, a number, there twice, or in its column below."""
    first, below = rows[0], rows[1:]
    if len(set(first)) < len(first) or any(_is_number(cell) or not cell.strip() for cell in first):
        return False
    return not any(
        cell == row[index] for index, cell in enumerate(first) for row in below if index < len(row)
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
