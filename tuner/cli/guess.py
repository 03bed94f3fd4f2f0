"""Which columns hold the text and the label, where names or contents leave no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.cli.peek import READABLE, Peek, peek
from tuner.cli.spelling import hint
from tuner.errors import TunerError

LABEL_NAMES = ("label", "labels", "target", "class", "category", "gold_label", "intent", "y")
PAIR_NAMES = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "context"),
    ("text1", "text2"),
    ("text_a", "text_b"),
)
TEXT_NAMES = (
    "text",
    "sentence",
    "content",
    "review",
    "utterance",
    "document",
    "comment",
    "message",
    "tweet",
    "query",
    "question",
    "body",
    "title",
)
IGNORED_NAMES = ("id", "idx", "index", "guid", "uid")

Column = str | int


@dataclass(frozen=True, slots=True)
class Columns:
    """The text column, or two, and the label's."""

    text: tuple[Column, ...]
    label: Column


def data_columns(train: Path, text: str | None, label: str | None) -> Columns:
    """What was asked for, checked against the file; what was not, guessed.

    Raises TunerError for a column that is not there, and where the guess would be a gamble.
    """
    if train.suffix.lower() not in READABLE:
        return _as_asked(train, text, label)
    seen = peek(train, header=_header_asked(text, label))
    asked_text = None if text is None else tuple(_known(seen, c, train) for c in _split(text))
    asked_label = None if label is None else _known(seen, label, train)
    guessed = guess(seen, asked_text, asked_label)
    if guessed is None:
        raise TunerError(_doubt(train, seen, asked_text, asked_label))
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


def _split(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not 1 <= len(names) <= 2 or not all(names):
        raise TunerError(f"--text {text}: give one column, or two with a comma between them")
    return names


def _header_asked(text: str | None, label: str | None) -> bool | None:
    """Columns given as numbers are those of a file without a header; by names, of one with."""
    asked = ([] if text is None else text.split(",")) + ([] if label is None else [label])
    return not all(name.strip().isdigit() for name in asked) if asked else None


def _known(seen: Peek, asked: str, train: Path) -> Column:
    column: Column = int(asked) if isinstance(seen.columns[0], int) and asked.isdigit() else asked
    if column in seen.columns:
        return column
    names = [str(name) for name in seen.columns]
    raise TunerError(f"{train}: no column {asked}{hint(asked, names)} (columns: {_listed(names)})")


def _as_asked(train: Path, text: str | None, label: str | None) -> Columns:
    if text is None or label is None:
        raise TunerError(f"{train}: cannot look into this file: give --text and --label")
    return Columns(tuple(_split(text)), label)


def _doubt(train: Path, seen: Peek, text: tuple[Column, ...] | None, label: Column | None) -> str:
    names = _listed([str(name) for name in seen.columns])
    found = label if label is not None else guess_label(seen, text or ())
    option = "--label COL" if found is None else "--text COL[,COL]"
    what = "label" if found is None else "text"
    return f"{train}: cannot tell which column is the {what} (columns: {names}): give {option}"


def guess_label(seen: Peek, taken: Sequence[Column] = ()) -> Column | None:
    """The label's column by its name, else by its values; None where neither tells."""
    by_name = _label_by_name(seen, taken)
    return _label_by_values(seen, taken) if by_name is None else by_name


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown}, …" if len(names) > 12 else shown
