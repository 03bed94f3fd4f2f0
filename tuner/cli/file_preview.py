"""The first rows of a data file, read as a trainer would read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tuner.training.decisions import Decision
from tuner.training.dialect import DialectKeys
from tuner.training.header import Column
from tuner.training.rows import read_source_table

PREVIEW_ROWS = 200


@dataclass(frozen=True, slots=True)
class FilePreview:
    """Column names (or numbers, for a file without a header) and the first rows, as text.

    `decisions`: how the file was read, with the keys that override it. `raw_columns`: the values
    as the file has them.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    decisions: tuple[Decision, ...] = ()
    raw_columns: tuple[list[Any], ...] = ()

    def column_values(self, column: Column) -> list[str]:
        index = self.columns.index(column)
        return [row[index] for row in self.rows]


def read_file_preview(
    source: str, root: str | None = None, keys: DialectKeys | None = None
) -> FilePreview:
    """Read the first rows of what data.train may name. Raises TunerError if it cannot be read."""
    table = read_source_table(source, "train", root, keys or DialectKeys(), limit=PREVIEW_ROWS)
    columns = tuple(table.columns)
    rows = zip(*(map(_cell_as_text, table.columns[name]) for name in columns), strict=True)
    return FilePreview(columns, tuple(rows), table.decisions, tuple(table.columns.values()))


def _cell_as_text(value: Any) -> str:
    return "" if value is None else str(value)
