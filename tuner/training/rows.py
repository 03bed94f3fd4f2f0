"""Rows of files and hub data sets, as texts and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import show
from tuner.recipe.types import DataSection
from tuner.training.decisions import Decision
from tuner.training.dialect import DialectKeys
from tuner.training.labels import LabelValue
from tuner.training.sources import file_source, hub_source, is_hub
from tuner.training.tables import Table, read_table

__all__ = ["Rows", "checked_path", "duplicates", "is_hub", "read_rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """One file's rows in order. `texts`: one list a column; `names`: those of numbered labels.

    `decisions`: what the file's content decided about how it was read.
    """

    source: str
    texts: tuple[list[str], ...]
    labels: list[LabelValue]
    names: tuple[str, ...] | None = None
    decisions: tuple[Decision, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def checked_path(source: str, key: str, section: DataSection) -> Path:
    """The path of a data file that is there, or TunerError."""
    return file_source(source, key, section.root)


def dialect_keys(section: DataSection) -> DialectKeys:
    """What the recipe says about the form of its files."""
    return DialectKeys(section.separator, section.header, section.quotes, section.encoding)


def read_source(
    source: str,
    key: str,
    root: str | None,
    keys: DialectKeys,
    wanted: Sequence[str | int] = (),
    limit: int | None = None,
) -> Table:
    """The columns of what data.`key` names: a file, or "hub:NAME[:CONFIG]:SPLIT". TunerError."""
    if is_hub(source):
        from tuner.training.arrow_tables import read_data_set

        where = f"data.{key}"
        return read_data_set(hub_source(source, where, root), f"{where}: {source}", wanted, limit)
    path = file_source(source, key, root)
    return read_table(path, f"data.{key}: {path}", keys, wanted, limit)


def read_rows(source: str, key: str, section: DataSection) -> Rows:
    """Read a file or "hub:NAME[:CONFIG]:SPLIT"; `key` is the recipe's key, for messages.

    Raises TunerError where it is missing, unreadable, empty, of an unknown kind, or lacks a column,
    and where a text is none.
    """
    wanted = (*section.text, section.label)
    table = read_source(source, key, section.root, dialect_keys(section), wanted)
    where = f"data.{key}: {source}"
    texts = tuple(text_values(table.columns[name], name, where) for name in section.text)
    names = (table.class_names or {}).get(section.label)
    return Rows(source, texts, table.columns[section.label], names, table.decisions)


def text_values(values: list[Any], name: str | int, where: str) -> list[str]:
    """The values as texts, "" where there is none. TunerError for the first that is no text."""
    if all(isinstance(value, str) for value in values):
        return values
    for number, value in enumerate(values, 1):
        if value is not None and value == value and not isinstance(value, str):
            raise TunerError(
                f"{where}, row {number}: the text in {show(str(name))} is {_kind(value)}, "
                f"{show(value)}; texts are strings"
            )
    if not any(isinstance(value, str) for value in values):
        raise TunerError(f"{where}: there is no text in {show(str(name))}: every row is null")
    return [value if isinstance(value, str) else "" for value in values]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def duplicates(first: Rows, second: Rows) -> int:
    """How many rows of `second` have the texts of a row of `first`."""
    seen = set(_keys(first))
    return sum(key in seen for key in _keys(second))


def _keys(rows: Rows) -> Iterator[tuple[str, ...]]:
    return zip(*rows.texts, strict=True)
