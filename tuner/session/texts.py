"""The texts of the validation rows, as the trainer wrote them down at the session's first start.

`cache/validation.jsonl` holds the rows that steer the search and never one of the sealed test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tuner.errors import TunerError
from tuner.session.folder import Session
from tuner.session.inside import read_inside

TEXTS_FILE = "validation.jsonl"


class Head(msgspec.Struct, frozen=True):
    """The first line: the columns' names, the labels, and how many rows there are to come."""

    columns: list[str]
    labels: list[str]
    rows: int
    kept: int


class RowText(msgspec.Struct, frozen=True):
    """One row: its number in the data file, its gold label, and one text a column.

    `cut` holds the whole lengths of texts that were too long to keep, 0 for the others.
    """

    row: int
    gold: int
    texts: list[str]
    cut: list[int] = []


class _Number(msgspec.Struct, frozen=True):
    row: int


_heads = msgspec.json.Decoder(Head)
_rows = msgspec.json.Decoder(RowText)
_numbers = msgspec.json.Decoder(_Number)


@dataclass(frozen=True, slots=True)
class RowTexts:
    """The texts by row number; a row is decoded when it is asked for."""

    columns: Sequence[str]
    labels: Sequence[str]
    rows: int
    _lines: dict[int, bytes] = field(repr=False)

    def __len__(self) -> int:
        return len(self._lines)

    def row(self, number: int) -> RowText | None:
        """The row with this number in the data file, None where it was not kept."""
        line = self._lines.get(number)
        try:
            return None if line is None else _rows.decode(line)
        except msgspec.DecodeError:
            return None


def row_texts(session: Session) -> RowTexts:
    """All texts of a session's validation rows.

    Raises TunerError in one line where the file is missing (older versions wrote none), damaged,
    or leads out of the session's folder.
    """
    path = session.cache_folder / TEXTS_FILE
    if not path.exists() and not path.is_symlink():
        raise TunerError(f"{session.name} has no texts of its rows{_why_none(session)}")
    lines = read_inside(session, path).splitlines()
    try:
        head = _heads.decode(lines[0] if lines else b"")
        by_number = {_numbers.decode(line).row: line for line in lines[1:]}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TunerError(f"cache/{TEXTS_FILE} is damaged: not read") from None
    return RowTexts(head.columns, head.labels, head.rows, by_number)


def _why_none(session: Session) -> str:
    if session.trials_folder.is_dir():
        return f": it began before tuner wrote cache/{TEXTS_FILE}"
    return " yet: its first start writes them"
