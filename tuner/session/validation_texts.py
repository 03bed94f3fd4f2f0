"""The texts of the validation rows, as the trainer wrote them down at the session's first start.

`cache/validation.jsonl` holds the rows that steer the search and never one of the sealed test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tuner.errors import TunerError
from tuner.session.folder import Session
from tuner.session.safe_read import read_file_in_session

TEXTS_FILE = "validation.jsonl"


class TextsHeader(msgspec.Struct, frozen=True):
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


class _RowNumber(msgspec.Struct, frozen=True):
    row: int


_header_decoder = msgspec.json.Decoder(TextsHeader)
_row_decoder = msgspec.json.Decoder(RowText)
_number_decoder = msgspec.json.Decoder(_RowNumber)


@dataclass(frozen=True, slots=True)
class ValidationTexts:
    """The texts by row number; a row is decoded when it is asked for."""

    columns: Sequence[str]
    labels: Sequence[str]
    rows: int
    _lines: dict[int, bytes] = field(repr=False)

    def __len__(self) -> int:
        return len(self._lines)

    def find_row_text(self, number: int) -> RowText | None:
        """Return the row with this number in the data file; None where it was not kept."""
        line = self._lines.get(number)
        try:
            return None if line is None else _row_decoder.decode(line)
        except msgspec.DecodeError:
            return None


def read_validation_texts(session: Session) -> ValidationTexts:
    """Read all texts of a session's validation rows.

    Raises TunerError in one line where the file is missing (older versions wrote none), damaged,
    or leads out of the session's folder.
    """
    path = session.cache_folder / TEXTS_FILE
    if not path.exists() and not path.is_symlink():
        raise TunerError(f"{session.name} has no row texts{_why_texts_are_missing(session)}")
    lines = read_file_in_session(session, path).splitlines()
    try:
        header = _header_decoder.decode(lines[0] if lines else b"")
        by_number = {_number_decoder.decode(line).row: line for line in lines[1:]}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TunerError(f"cache/{TEXTS_FILE} is damaged: not read") from None
    return ValidationTexts(header.columns, header.labels, header.rows, by_number)


def _why_texts_are_missing(session: Session) -> str:
    if session.trials_folder.is_dir():
        return f": it was started before tuner wrote cache/{TEXTS_FILE}"
    return " yet: its first start writes them"
