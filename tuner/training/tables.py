"""Data files and hub data sets as columns of values."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from tuner.errors import TunerError
from tuner.recipe.nearest import nearest_spelling, quote_value
from tuner.training.decisions import Decision
from tuner.training.dialect import (
    BLANK_SEPARATOR,
    SEPARATOR_LINE,
    Dialect,
    DialectKeys,
    RecordReader,
    csv_reader_for_dialect,
    decide_dialect,
    iter_labelled_lines,
    read_file_sample,
)
from tuner.training.header import Column
from tuner.training.listing import quote_first
from tuner.training.text_files import TextFile, detect_text_file, read_first_bytes, unpacked_suffix

_PARQUET = b"PAR1"
_SHOWN_COLUMNS = 20
_LABELLED_COLUMNS = ("label", "text")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, or by number in a file without a header, all of one length.

    `class_names`: those of columns that number their labels. `decisions`: what the content decided,
    each with the key that overrules it.
    """

    columns: Mapping[Column, list[Any]]
    decisions: tuple[Decision, ...] = ()
    class_names: Mapping[Column, tuple[str, ...]] | None = None


def read_table_file(
    path: Path,
    where: str,
    keys: DialectKeys,
    wanted_columns: Sequence[Column] = (),
    limit: int | None = None,
) -> Table:
    """Read the wanted columns of a file (all, where none is named), of the first `limit` rows.

    Raises TunerError, its text begun by `where`, for what cannot be read.
    """
    start = read_first_bytes(path, where)
    if start.startswith(_PARQUET):
        from tuner.training.arrow_tables import read_parquet_file

        return read_parquet_file(path, where, wanted_columns, limit)
    if unpacked_suffix(path) == ".parquet":
        raise TunerError(f"{where} cannot be read: it is not a parquet file, despite its name")
    file = detect_text_file(path, where, start, keys.encoding)
    if _is_json_file(file):
        from tuner.training.json_tables import read_json_table

        refuse_numbered_columns(wanted_columns, where)
        return read_json_table(file, wanted_columns, limit)
    with file.open_text() as lines:
        sample = read_file_sample(lines)
    dialect = decide_dialect(sample, file.suffix, keys, wanted_columns)
    if not any(line.strip() for line in sample.lines):
        raise TunerError(f"{where} holds no rows")
    if dialect is None:
        raise TunerError(f"{where} {_explain_no_table(sample.lines)}")
    with file.open_text() as lines:
        if dialect.separator == BLANK_SEPARATOR:
            return _labelled_table(lines, file, dialect, wanted_columns, limit)
        return _delimited_table(lines, file, dialect, wanted_columns, limit)


def _is_json_file(file: TextFile) -> bool:
    """Decide by content: nobody has a table whose first field begins with a brace."""
    with file.open_text() as lines:
        first = next((line.strip() for line in lines if line.strip()), "")
    if file.suffix in (".jsonl", ".json", ".ndjson"):
        return True
    return first.startswith(("{", "[{")) or first == "["


def _explain_no_table(lines: Sequence[str]) -> str:
    first = next(line for line in lines if line.strip()).strip()
    return (
        f"has one field a line, such as {quote_value(first[:60])}: separate label and text by a "
        "comma or a tab, or name the separator in data.separator"
    )


def refuse_numbered_columns(wanted_columns: Sequence[Column], where: str) -> None:
    """Raise TunerError for columns by number in formats where columns have names."""
    if any(isinstance(name, int) for name in wanted_columns):
        raise TunerError(f"{where}: columns can be given by number only in .csv and .tsv files")


def refuse_missing_columns(
    wanted_columns: Sequence[Column], present: Sequence[Column], where: str
) -> None:
    """Raise TunerError for all columns that do not exist, each with the nearest name."""
    missing = [name for name in dict.fromkeys(wanted_columns) if name not in present]
    if not missing:
        return
    names = [str(name) for name in present]
    parts = []
    for name in missing:
        near = nearest_spelling(str(name), names)
        parts.append(
            quote_value(str(name)) + (f" (did you mean {quote_value(near)}?)" if near else "")
        )
    noun = "column" if len(missing) == 1 else "columns"
    listed = quote_first(names, _SHOWN_COLUMNS)
    raise TunerError(f"{where} has no {noun} {' and '.join(parts)}; there are {listed}")


# --- fields between separators


def _delimited_table(
    lines: TextIO,
    file: TextFile,
    dialect: Dialect,
    wanted_columns: Sequence[Column],
    limit: int | None,
) -> Table:
    reader = csv_reader_for_dialect(
        _without_separator_line(lines), dialect.separator, dialect.quotes, padded=dialect.padded
    )
    rows = _iter_filled_rows(reader, file.where)
    first = next(rows, [])
    header: list[Column] = list(range(len(first)))
    if dialect.header:
        header = [*([""] if dialect.row_names else []), *(cell.strip() for cell in first)]
    else:
        rows = chain([first], rows)
    indices = _column_indices(header, wanted_columns, dialect, file.where)
    columns: list[list[Any]] = [[] for _ in indices]
    pairs = list(zip(columns, indices.values(), strict=True))
    needed = max(indices.values()) + 1
    for row in islice(rows, limit):
        if len(row) != len(header):
            row = _trim_row_to_width(
                row, len(header), needed, f"{file.where}, line {reader.line_num}"
            )
        for column, index in pairs:
            column.append(row[index])
    if not columns[0]:
        raise TunerError(f"{file.where} holds no rows: its only line is taken for the header")
    return Table(dict(zip(indices, columns, strict=True)), (*file.decisions, *dialect.decisions))


def _iter_filled_rows(reader: RecordReader, where: str) -> Iterator[list[str]]:
    """Yield the rows that are not blank. TunerError with the line where a quote is wrong."""
    try:
        yield from (row for row in reader if row and (len(row) > 1 or row[0].strip()))
    except csv.Error as error:
        fault = (
            "a quote is opened and never closed"
            if "end of data" in str(error)
            else "there is text after a closing quote"
        )
        raise TunerError(
            f"{where} cannot be read, line {reader.line_num}: {fault}; fix it, or set "
            "data.quotes = false where quotes are plain characters"
        ) from None


def _without_separator_line(lines: TextIO) -> Iterator[str]:
    """Skip the line that tells spreadsheets the separator ("sep=;")."""
    first = next(lines, "")
    if not SEPARATOR_LINE.fullmatch(first):
        yield first
    yield from lines


def _column_indices(
    header: Sequence[Column], wanted_columns: Sequence[Column], dialect: Dialect, where: str
) -> dict[Column, int]:
    """Find each wanted column; all columns that have a name of their own if none is wanted."""
    if not wanted_columns:
        return {name: header.index(name) for name in dict.fromkeys(header)}
    twice = [name for name in wanted_columns if header.count(name) > 1]
    if twice:
        raise TunerError(f"{where} has two columns named {quote_value(twice[0])}")
    by_number = [name for name in wanted_columns if isinstance(name, int)]
    if by_number and len(by_number) < len(set(wanted_columns)):
        raise TunerError("data.text, data.label: name all columns, or give numbers for all of them")
    if by_number:
        refuse_missing_columns(
            [str(n) for n in by_number], [str(n) for n in range(len(header))], where
        )
        return {number: number for number in by_number}
    if not dialect.header and not set(wanted_columns) <= set(header):
        raise TunerError(
            f"{where} seems to have no header, so columns go by number: 0 to {len(header) - 1}; "
            "where the first row holds names, set data.header = true"
        )
    refuse_missing_columns(wanted_columns, header, where)
    return {name: header.index(name) for name in wanted_columns}


def _trim_row_to_width(row: list[str], width: int, needed: int, place: str) -> list[str]:
    """Drop empty fields after a row's last; TunerError where a wanted field is in doubt."""
    full = len(row)
    while full > width and not row[full - 1].strip():
        full -= 1
    if full > width:
        raise TunerError(
            f"{place} cannot be read: it has {full} fields where the first row has {width}; "
            "put fields with a separator in them between quotes, or see data.quotes"
        )
    if full < needed:
        raise TunerError(
            f"{place} cannot be read: it has {full} of {width} fields; is a line broken, or a "
            "separator missing?"
        )
    return row


# --- a label, a blank and a text


def _labelled_table(
    lines: TextIO,
    file: TextFile,
    dialect: Dialect,
    wanted_columns: Sequence[Column],
    limit: int | None,
) -> Table:
    names = (
        list(range(len(_LABELLED_COLUMNS)))
        if wanted_columns and isinstance(wanted_columns[0], int)
        else _LABELLED_COLUMNS
    )
    refuse_missing_columns(wanted_columns, names, file.where)
    labels: list[Any] = []
    texts: list[Any] = []
    for number, label, text in islice(iter_labelled_lines(lines), limit):
        if text.startswith("__label__"):
            raise TunerError(
                f"{file.where}, line {number}: two labels; tuner trains one label a row"
            )
        labels.append(label)
        texts.append(text)
    columns: dict[Column, list[Any]] = dict(zip(names, (labels, texts), strict=True))
    return Table(columns, (*file.decisions, *dialect.decisions))
