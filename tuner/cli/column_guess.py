"""Which columns hold the text and the label, where names or contents leave no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.cli.file_preview import FilePreview
from tuner.errors import TunerError
from tuner.training.column_names import IGNORED_NAMES, LABEL_NAMES, PAIR_NAMES, TEXT_NAMES
from tuner.training.header import Column
from tuner.training.labels import labels_as_texts
from tuner.training.rows import require_text_values
from tuner.training.tables import refuse_missing_columns


@dataclass(frozen=True, slots=True)
class Columns:
    """The text column, or two of them, and the label column."""

    text: tuple[Column, ...]
    label: Column


def resolve_columns(
    preview: FilePreview, name: str, text: str | None, label: str | None
) -> Columns:
    """Check the requested columns against the first rows, and guess those not given.

    `name` is the file's. Raises TunerError for columns that are missing or hold no texts or
    labels, and where a guess would be a gamble.
    """
    names = [*(split_columns(text) if text else ()), *([label] if label else ())]
    if names and all(name.isdigit() and name not in preview.columns for name in names):
        preview = replace(preview, columns=tuple(range(len(preview.columns))))
    requested_text = (
        None if text is None else tuple(_column_reference(preview, c) for c in split_columns(text))
    )
    requested_label = None if label is None else _column_reference(preview, label)
    requested = (*(requested_text or ()), *(() if requested_label is None else (requested_label,)))
    refuse_missing_columns(requested, preview.columns, name)
    guessed = guess_columns(preview, requested_text, requested_label)
    if guessed is None:
        raise TunerError(_ambiguity_message(name, preview, requested_text, requested_label))
    for column in guessed.text:
        require_text_values(preview.raw_columns[preview.columns.index(column)], column, name)
    labels_as_texts(preview.raw_columns[preview.columns.index(guessed.label)], None, name)
    return guessed


def guess_columns(
    preview: FilePreview, text: tuple[Column, ...] | None = None, label: Column | None = None
) -> Columns | None:
    """Return the columns, or None if in doubt."""
    if label is None:
        label = guess_label_column(preview, text or ())
    if label is None:
        return None
    text = text or _guess_text_columns(preview, label)
    return None if text is None else Columns(text, label)


def _label_by_name(preview: FilePreview, used_columns: Sequence[Column]) -> Column | None:
    by_lower = {str(name).lower(): name for name in preview.columns if name not in used_columns}
    return next((by_lower[name] for name in LABEL_NAMES if name in by_lower), None)


def _label_by_values(preview: FilePreview, used_columns: Sequence[Column]) -> Column | None:
    """Return the only column with repeated values, in a file of two columns."""
    if len(preview.columns) != 2 or len(preview.rows) < 4:
        return None
    candidates = [
        column
        for column in preview.columns
        if column not in used_columns and _has_repeated_values(preview, column)
    ]
    return candidates[0] if len(candidates) == 1 else None


def _has_repeated_values(preview: FilePreview, column: Column) -> bool:
    values = preview.column_values(column)
    return len(set(values)) <= len(values) / 2


def _guess_text_columns(preview: FilePreview, label: Column) -> tuple[Column, ...] | None:
    by_lower = {str(name).lower(): name for name in preview.columns if name != label}
    for pair in PAIR_NAMES:
        if all(name in by_lower for name in pair):
            return tuple(by_lower[name] for name in pair)
    for name in TEXT_NAMES:
        if name in by_lower:
            return (by_lower[name],)
    candidates = [by_lower[name] for name in by_lower if name not in IGNORED_NAMES]
    return (candidates[0],) if len(candidates) == 1 else None


def split_columns(text: str) -> tuple[str, ...]:
    """Parse one column, or two separated by a comma; raises TunerError for anything else."""
    names = tuple(name.strip() for name in text.split(","))
    if not 1 <= len(names) <= 2 or not all(names):
        raise TunerError(f"--text {text}: give one column, or two with a comma between them")
    return names


def _column_reference(preview: FilePreview, requested: str) -> Column:
    """Return the column as written, or its number if the file's columns have no names."""
    return (
        int(requested) if isinstance(preview.columns[0], int) and requested.isdigit() else requested
    )


def _ambiguity_message(
    name: str, preview: FilePreview, text: tuple[Column, ...] | None, label: Column | None
) -> str:
    columns = _shorten_list([str(column) for column in preview.columns])
    label_column = label if label is not None else guess_label_column(preview, text or ())
    option = "--label COL" if label_column is None else "--text COL[,COL]"
    what = "label" if label_column is None else "text"
    return f"{name}: cannot tell which column is the {what} (columns: {columns}): give {option}"


def guess_label_column(preview: FilePreview, used_columns: Sequence[Column] = ()) -> Column | None:
    """Find the label column by its name, else by its values; None if neither tells."""
    by_name = _label_by_name(preview, used_columns)
    return _label_by_values(preview, used_columns) if by_name is None else by_name


def _shorten_list(names: Sequence[str]) -> str:
    first_names = ", ".join(names[:12])
    return f"{first_names}, …" if len(names) > 12 else first_names
