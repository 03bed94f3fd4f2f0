"""JSON as columns: an object a line, or one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TextIO

from tuner.errors import TunerError
from tuner.recipe.nearest import show
from tuner.training.header import Column
from tuner.training.tables import Table, check_columns
from tuner.training.text_files import TextFile


def read_json(file: TextFile, wanted: Sequence[Column], limit: int | None) -> Table:
    """The wanted columns of the objects in a file, with None where an object lacks one.

    Python reads them, not Arrow, which guesses types, takes texts for dates, and dies of very deep
    lists.
    """
    with file.open() as text:
        rows = islice(_objects(text, file.where), limit)
        if not wanted:
            kept = list(rows)
            if len(kept) == 1:
                _refuse_whole_file(kept[0], wanted, file.where)
            names: list[Column] = list(dict.fromkeys(name for row in kept for name in row))
            columns = {name: [row.get(str(name)) for row in kept] for name in names}
        else:
            columns, names = _wanted_columns(rows, wanted, file.where)
    if not names:
        raise TunerError(f"{file.where} holds no rows")
    check_columns(wanted, names, file.where)
    return Table(columns, file.decisions)


def _wanted_columns(
    rows: Iterator[dict[str, Any]], wanted: Sequence[Column], where: str
) -> tuple[dict[Column, list[Any]], list[Column]]:
    """These columns, and the names of all that there are."""
    columns: dict[Column, list[Any]] = {name: [] for name in wanted}
    seen: dict[Column, None] = {}
    row: dict[str, Any] = {}
    count = 0
    for row in rows:
        count += 1
        seen |= dict.fromkeys(row)
        for name, column in columns.items():
            column.append(row.get(str(name)))
    if count == 1:
        _refuse_whole_file(row, wanted, where)
    return columns, list(seen)


def _objects(text: TextIO, where: str) -> Iterator[dict[str, Any]]:
    first = next((line for line in text if line.strip()), "")
    text.seek(0)
    if first.lstrip().startswith("["):
        yield from _array(text.read(), where)
        return
    for number, line in enumerate(text, 1):
        if line.strip():
            place = f"{where}, line {number}"
            yield _row(_value(line, place), place)


def _array(text: str, where: str) -> Iterator[dict[str, Any]]:
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
    yield from (_row(row, f"{where}, row {number}") for number, row in enumerate(rows, 1))


def _value(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        fault = f"{place}: not JSON: {error.msg} at column {error.colno}"
        if line.strip() == "{":
            fault += "; write each row on one line, or all of them between [ and ]"
        raise TunerError(fault) from None
    except (ValueError, RecursionError):
        raise TunerError(f"{place}: a number too long or a list too deep") from None


def _row(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TunerError(f"{place}: not an object with columns")
    return value


def _refuse_whole_file(row: Mapping[str, Any], wanted: Sequence[Column], where: str) -> None:
    """TunerError where the only object holds all rows, or whole columns as pandas writes them."""
    inside = [name for name, value in row.items() if isinstance(value, list) and _holds_rows(value)]
    if len(inside) == 1 and not (wanted and set(wanted) <= set(row)):
        raise TunerError(
            f"{where} is one object whose rows are in {show(inside[0])}: write these alone, such "
            f"as jq -c '.{inside[0]}[]' FILE > rows.jsonl"
        )
    if row and all(isinstance(row.get(str(name)), dict | list) for name in wanted or row):
        raise TunerError(
            f"{where} is one object of columns, not of rows: in pandas, df.to_json(FILE, "
            'orient="records", lines=True) writes rows'
        )


def _holds_rows(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values[:10])
