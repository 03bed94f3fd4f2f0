"""Whether the first row of a table holds the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.training.column_names import LABEL_NAMES, USUAL_NAMES

Column = str | int
_LONG_NAME = 4
_LONG_TEXT = 20
_COMPARED = 1_000


def has_header_row(
    rows: Sequence[Sequence[str]], wanted_columns: Sequence[Column], header_key: bool | None
) -> bool:
    """Decide by the recipe's key, by the wanted columns, or by the content.

    Columns wanted by number mean a file without a header, unless the label's is called like one.
    """
    if header_key is not None or not rows:
        return bool(header_key)
    first, below = [cell.strip() for cell in rows[0]], rows[1 : 1 + _COMPARED]
    names = [name for name in wanted_columns if isinstance(name, str)]
    if names and set(names) <= set(first):
        return True
    if wanted_columns and not names:
        label = int(wanted_columns[-1])
        cells = first[label : label + 1]
        return any(
            c.lower() in LABEL_NAMES and not _recurs_in_column(c, label, below) for c in cells
        )
    return _looks_like_names(first, below)


def _looks_like_names(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether a cell is a usual name, or all are new to their columns and could be names."""
    usual = [index for index, cell in enumerate(first) if cell.lower() in USUAL_NAMES]
    if any(not _recurs_in_column(first[index], index, below) for index in usual):
        return True
    if not below or _are_column_numbers(first, below):
        return bool(below)
    cells = list(first)
    if cells[:1] == [""] and all(row and _is_number_text(row[0]) for row in below):
        cells = cells[1:]
    if len(set(cells)) < len(cells) or any(not cell or _is_number_text(cell) for cell in cells):
        return False
    if any(_is_text_of_column(cell, index, below) for index, cell in enumerate(first)):
        return False
    return not any(_recurs_in_column(cell, index, below) for index, cell in enumerate(first))


def _are_column_numbers(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the cells count from 0, as pandas names columns that have no name."""
    counted = list(first[1:] if first[:1] == [""] else first)
    if counted != [str(number) for number in range(len(counted))] or len(counted) < 2:
        return False
    return not all(_is_number_text(row[0]) for row in below if row) or first[:1] == [""]


def _is_text_of_column(cell: str, index: int, below: Sequence[Sequence[str]]) -> bool:
    """Return whether a cell of several words stands above texts: a name is shorter."""
    lengths = sorted(len(row[index]) for row in below if index < len(row))
    usual = lengths[len(lengths) // 2] if lengths else 0
    return usual >= _LONG_TEXT and len(cell.split()) >= _LONG_NAME


def _recurs_in_column(cell: str, index: int, below: Sequence[Sequence[str]]) -> bool:
    return any(index < len(row) and row[index].strip() == cell for row in below)


def _is_number_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
