"""Which columns hold the text and the label, where names or contents leave no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.cli.peek import Peek
from tuner.errors import TunerError
from tuner.training.column_names import IGNORED_NAMES, LABEL_NAMES, PAIR_NAMES, TEXT_NAMES
from tuner.training.header import Column
from tuner.training.labels import label_texts
from tuner.training.rows import text_values
from tuner.training.tables import check_columns


@dataclass(frozen=True, slots=True)
class Columns:
    """The text column, or two, and the label's."""

    text: tuple[Column, ...]
    label: Column


def data_columns(seen: Peek, name: str, text: str | None, label: str | None) -> Columns:
    """What was asked for, checked against the first rows; what was not, guessed.

    `name` is the file's. Raises TunerError for columns that are not there, or hold no texts or
    labels, and where the guess would be a gamble.
    """
    names = [*(split_columns(text) if text else ()), *([label] if label else ())]
    if names and all(name.isdigit() and name not in seen.columns for name in names):
        seen = replace(seen, columns=tuple(range(len(seen.columns))))
    asked_text = None if text is None else tuple(_as_column(seen, c) for c in split_columns(text))
    asked_label = None if label is None else _as_column(seen, label)
    asked = (*(asked_text or ()), *(() if asked_label is None else (asked_label,)))
    check_columns(asked, seen.columns, name)
    guessed = guess(seen, asked_text, asked_label)
    if guessed is None:
        raise TunerError(_doubt(name, seen, asked_text, asked_label))
    for column in guessed.text:
        text_values(seen.raw[seen.columns.index(column)], column, name)
    label_texts(seen.raw[seen.columns.index(guessed.label)], None, name)
    return guessed


def guess(
    seen: Peek, text: tuple[Column, ...] | None = None, label: Column | None = None
) -> Columns | None:
    """The columns, or None where there is a doubt."""
    if label is None:
        label = guess_label(seen, text or ())
    if label is None:
        return None
    text = text or _text(seen, label)
    return None if text is None else Columns(text, label)


def _label_by_name(seen: Peek, taken: Sequence[Column]) -> Column | None:
    by_lower = {str(name).lower(): name for name in seen.columns if name not in taken}
    return next((by_lower[name] for name in LABEL_NAMES if name in by_lower), None)


def _label_by_values(seen: Peek, taken: Sequence[Column]) -> Column | None:
    """The only column whose values come again and again, of a file of two columns."""
    if len(seen.columns) != 2 or len(seen.rows) < 4:
        return None
    left = [column for column in seen.columns if column not in taken and _repeats(seen, column)]
    return left[0] if len(left) == 1 else None


def _repeats(seen: Peek, column: Column) -> bool:
    values = seen.values(column)
    return len(set(values)) <= len(values) / 2


def _text(seen: Peek, label: Column) -> tuple[Column, ...] | None:
    by_lower = {str(name).lower(): name for name in seen.columns if name != label}
    for pair in PAIR_NAMES:
        if all(name in by_lower for name in pair):
            return tuple(by_lower[name] for name in pair)
    for name in TEXT_NAMES:
        if name in by_lower:
            return (by_lower[name],)
    left = [by_lower[name] for name in by_lower if name not in IGNORED_NAMES]
    return (left[0],) if len(left) == 1 else None


def split_columns(text: str) -> tuple[str, ...]:
    """One column, or two with a comma between them; TunerError for anything else."""
    names = tuple(name.strip() for name in text.split(","))
    if not 1 <= len(names) <= 2 or not all(names):
        raise TunerError(f"--text {text}: give one column, or two with a comma between them")
    return names


def _as_column(seen: Peek, asked: str) -> Column:
    """A column as it was written; a number where the file's columns have no names."""
    return int(asked) if isinstance(seen.columns[0], int) and asked.isdigit() else asked


def _doubt(name: str, seen: Peek, text: tuple[Column, ...] | None, label: Column | None) -> str:
    columns = _listed([str(column) for column in seen.columns])
    found = label if label is not None else guess_label(seen, text or ())
    option = "--label COL" if found is None else "--text COL[,COL]"
    what = "label" if found is None else "text"
    return f"{name}: cannot tell which column is the {what} (columns: {columns}): give {option}"


def guess_label(seen: Peek, taken: Sequence[Column] = ()) -> Column | None:
    """The label's column by its name, else by its values; None where neither tells."""
    by_name = _label_by_name(seen, taken)
    return _label_by_values(seen, taken) if by_name is None else by_name


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown}, …" if len(names) > 12 else shown
