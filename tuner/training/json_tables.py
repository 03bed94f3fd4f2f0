"""JSON as columns: an object a line, or one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TextIO

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.training.header import Column
from tuner.training.tables import Table, refuse_missing_columns
from tuner.training.text_files import TextFile


def read_json_table(file: TextFile, wanted_columns: Sequence[Column], limit: int | None) -> Table:
    """Read the wanted columns of the objects in a file; None where an object lacks one.

    Python parses them, not Arrow, which guesses types, takes texts for dates, and crashes on very
    deep lists.
    """
    with file.open_text() as text:
        rows = islice(_iter_json_objects(text, file.where), limit)
        if not wanted_columns:
            all_rows = list(rows)
            if len(all_rows) == 1:
                _refuse_single_object(all_rows[0], wanted_columns, file.where)
            names: list[Column] = list(dict.fromkeys(name for row in all_rows for name in row))
            columns = {name: [row.get(str(name)) for row in all_rows] for name in names}
        else:
            columns, names = _collect_columns(rows, wanted_columns, file.where)
    if not names:
        raise TunerError(f"{file.where} holds no rows")
    refuse_missing_columns(wanted_columns, names, file.where)
    return Table(columns, file.decisions)


def _collect_columns(
    rows: Iterator[dict[str, Any]], wanted_columns: Sequence[Column], where: str
) -> tuple[dict[Column, list[Any]], list[Column]]:
    """Collect these columns; also return the names of all that there are."""
    columns: dict[Column, list[Any]] = {name: [] for name in wanted_columns}
    present_names: dict[Column, None] = {}
    row: dict[str, Any] = {}
    count = 0
    for row in rows:
        count += 1
        present_names |= dict.fromkeys(row)
        for name, column in columns.items():
            column.append(row.get(str(name)))
    if count == 1:
        _refuse_single_object(row, wanted_columns, where)
    return columns, list(present_names)


def _iter_json_objects(text: TextIO, where: str) -> Iterator[dict[str, Any]]:
    first = next((line for line in text if line.strip()), "")
    text.seek(0)
    if first.lstrip().startswith("["):
        yield from _iter_array_objects(text.read(), where)
        return
    for number, line in enumerate(text, 1):
        if line.strip():
            place = f"{where}, line {number}"
            yield _require_object(_parse_json_line(line, place), place)


def _iter_array_objects(text: str, where: str) -> Iterator[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise TunerError(f"{where}: its lines are not objects with columns") from None
        raise TunerError(
            f"{where}, line {error.lineno}: not JSON: {error.msg} at column {error.colno}"
        ) from None
    except (ValueError, RecursionError):
        raise TunerError(f"{where}: a number too long or a list too deep") from None
    yield from (
        _require_object(row, f"{where}, row {number}") for number, row in enumerate(rows, 1)
    )


def _parse_json_line(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        fault = f"{place}: not JSON: {error.msg} at column {error.colno}"
        if line.strip() == "{":
            fault += "; write each row on one line, or all of them between [ and ]"
        raise TunerError(fault) from None
    except (ValueError, RecursionError):
        raise TunerError(f"{place}: a number too long or a list too deep") from None


def _require_object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TunerError(f"{place}: not an object with columns")
    return value


def _refuse_single_object(
    row: Mapping[str, Any], wanted_columns: Sequence[Column], where: str
) -> None:
    """Raise TunerError where the only object holds all rows, or columns as pandas writes them."""
    inside = [
        name
        for name, value in row.items()
        if isinstance(value, list) and _is_list_of_objects(value)
    ]
    if len(inside) == 1 and not (wanted_columns and set(wanted_columns) <= set(row)):
        raise TunerError(
            f"{where} is one object whose rows are in {quote_value(inside[0])}: write only these, "
            f"with jq -c '.{inside[0]}[]' FILE > rows.jsonl"
        )
    if row and all(isinstance(row.get(str(name)), dict | list) for name in wanted_columns or row):
        raise TunerError(
            f"{where} is one object of columns, not of rows: in pandas, df.to_json(FILE, "
            'orient="records", lines=True) writes rows'
        )


def _is_list_of_objects(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values[:10])
