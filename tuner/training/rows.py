"""Rows of files and hub data sets, as texts and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.recipe.types import DataSection
from tuner.training.decisions import Decision
from tuner.training.dialect import DialectKeys
from tuner.training.labels import LabelValue
from tuner.training.sources import find_data_file, is_hub_source, parse_hub_source
from tuner.training.tables import Table, read_table_file


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


def dialect_keys_of_recipe(section: DataSection) -> DialectKeys:
    return DialectKeys(section.separator, section.header, section.quotes, section.encoding)


def read_source_table(
    source: str,
    key: str,
    root: str | None,
    keys: DialectKeys,
    wanted_columns: Sequence[str | int] = (),
    limit: int | None = None,
) -> Table:
    """Read the columns of what data.`key` names, a file or hub:NAME[:CONFIG]:SPLIT. TunerError."""
    if is_hub_source(source):
        from tuner.training.arrow_tables import read_dataset_split

        where = f"data.{key}"
        return read_dataset_split(
            parse_hub_source(source, where, root), f"{where}: {source}", wanted_columns, limit
        )
    path = find_data_file(source, key, root)
    return read_table_file(path, f"data.{key}: {path}", keys, wanted_columns, limit)


def read_source_rows(source: str, key: str, section: DataSection) -> Rows:
    """Read a file or "hub:NAME[:CONFIG]:SPLIT"; `key` is the recipe's key, for messages.

    Raises TunerError where it is missing, unreadable, empty, of an unknown kind, or lacks a column,
    and where a text is not a string.
    """
    wanted_columns = (*section.text, section.label)
    table = read_source_table(
        source, key, section.root, dialect_keys_of_recipe(section), wanted_columns
    )
    where = f"data.{key}: {source}"
    texts = tuple(require_text_values(table.columns[name], name, where) for name in section.text)
    names = (table.class_names or {}).get(section.label)
    return Rows(source, texts, table.columns[section.label], names, table.decisions)


def require_text_values(values: list[Any], name: str | int, where: str) -> list[str]:
    """Return the values as texts, "" for null. TunerError for the first that is not a text."""
    if all(isinstance(value, str) for value in values):
        return values
    for number, value in enumerate(values, 1):
        if value is not None and value == value and not isinstance(value, str):
            raise TunerError(
                f"{where}, row {number}: the text in {quote_value(str(name))} is "
                f"{_describe_value_kind(value)}, {quote_value(value)}; texts are strings"
            )
    if not any(isinstance(value, str) for value in values):
        raise TunerError(
            f"{where}: there is no text in {quote_value(str(name))}: every row is null"
        )
    return [value if isinstance(value, str) else "" for value in values]


def _describe_value_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def count_duplicates(first: Rows, second: Rows) -> int:
    """Count the rows of `second` that have the texts of a row of `first`."""
    first_texts = set(_texts_by_row(first))
    return sum(key in first_texts for key in _texts_by_row(second))


def _texts_by_row(rows: Rows) -> Iterator[tuple[str, ...]]:
    return zip(*rows.texts, strict=True)
