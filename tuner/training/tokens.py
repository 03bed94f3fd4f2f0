"""Rows as flat arrays of tokens, made once and shared through memory-mapped files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tuner.errors import TunerError
from tuner.results.format import format_row_number
from tuner.training.failure_causes import error_in_one_line
from tuner.training.text_facts import Ids, TextFacts, collect_text_facts
from tuner.training.texts_for_display import replace_lone_surrogates
from tuner.training.tokenizer import truncation_restored

_ARRAYS = ("tokens", "offsets", "types", "labels", "rows")
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class TokenizedSplit:
    """n tokenized rows.

    tokens  int32, all rows' tokens one after the other, special ones included
    offsets int64, n + 1: row i is tokens[offsets[i]:offsets[i + 1]]
    types   uint8, the token type of each token; empty where the model takes none
    labels  int64, class numbers
    rows    int64, each row's number in its file
    """

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    types: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Return the number of tokens of each row."""
        return np.diff(self.offsets)


def tokenize_rows(
    tokenizer: Any,
    texts: Sequence[Sequence[str]],
    labels: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    max_length: int,
    where: str = "the texts",
) -> tuple[TokenizedSplit, TextFacts]:
    """Tokenize some `rows` of one or two columns of texts, and note which rows are odd.

    Of a pair the longer text is cut first. `labels` go with `rows`, not with the whole columns.
    Rows without any token, special ones included, are left out of the split. Raises TunerError for
    a row that cannot be tokenized; `where` names the file.
    """
    with_types = "token_type_ids" in tokenizer.model_input_names
    row_tokens: list[Ids] = [np.zeros(0, np.int32)]
    types: list[npt.NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    lengths: list[int] = []
    cut: list[npt.NDArray[np.bool_]] = []
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE].tolist()
        columns = [[replace_lone_surrogates(column[row]) for row in chunk] for column in texts]
        try:
            encoded = _encode_texts(tokenizer, columns, max_length, with_types)
        except Exception as error:
            row = chunk[_first_that_fails(tokenizer, columns, max_length)]
            row_name = f"row {format_row_number(row)} of {where}"
            reason = error_in_one_line(error)
            raise TunerError(f"{row_name} cannot be tokenized: {reason}") from error
        lengths.extend(map(len, encoded["input_ids"]))
        cut.append(_which_are_cut(tokenizer, columns, encoded, max_length))
        row_tokens += [np.array(ids, np.int32) for ids in encoded["input_ids"]]
        if with_types:
            types += [np.array(ids, np.uint8) for ids in encoded["token_type_ids"]]
    counts = np.array(lengths, dtype=np.int64)
    tokens = np.concatenate(row_tokens)
    facts = collect_text_facts(tokenizer, texts, rows, tokens, counts, np.concatenate(cut))
    has_tokens = counts > 0
    split = TokenizedSplit(
        tokens=tokens,
        offsets=np.concatenate(([0], np.cumsum(counts[has_tokens]))),
        types=np.concatenate(types),
        labels=labels[has_tokens],
        rows=rows[has_tokens],
    )
    return split, facts


def _encode_texts(
    tokenizer: Any, columns: Sequence[list[str]], max_length: int | None, with_types: bool
) -> Any:
    with truncation_restored(tokenizer):
        return tokenizer(
            *columns,
            truncation=max_length is not None,
            max_length=max_length,
            return_attention_mask=False,
            return_token_type_ids=with_types,
        )


def _first_that_fails(tokenizer: Any, columns: Sequence[list[str]], max_length: int) -> int:
    """Return the place of the first row that cannot be encoded, 0 where each one can by itself."""
    for place in range(len(columns[0])):
        try:
            _encode_texts(tokenizer, [[column[place]] for column in columns], max_length, False)
        except Exception:  # noqa: BLE001 - a tokenizer may raise what it likes
            return place
    return 0


def _which_are_cut(
    tokenizer: Any, columns: Sequence[list[str]], encoded: Any, max_length: int
) -> npt.NDArray[np.bool_]:
    """Mark the rows that truncation cut.

    A tokenizer written in Python does not say: rows that are full are encoded once more, without a
    limit.
    """
    if encoded.encodings:
        return np.array([bool(encoding.overflowing) for encoding in encoded.encodings])
    cut = np.array([len(ids) >= max_length for ids in encoded["input_ids"]], np.bool_)
    for row in np.flatnonzero(cut).tolist():
        whole = _encode_texts(tokenizer, [[column[row]] for column in columns], None, False)
        cut[row] = len(whole["input_ids"][0]) > max_length
    return cut


def save_split_arrays(folder: Path, name: str, split: TokenizedSplit) -> None:
    """Write a split's arrays as NAME.ARRAY.npy."""
    for array in _ARRAYS:
        np.save(folder / f"{name}.{array}.npy", getattr(split, array), allow_pickle=False)


def map_split_arrays(folder: Path, name: str) -> TokenizedSplit:
    """Map a saved split into memory, copy on write. OSError or ValueError where it is damaged."""
    arrays = {array: _map_array(folder / f"{name}.{array}.npy") for array in _ARRAYS}
    split = TokenizedSplit(**arrays)
    whole = len(split.offsets) == len(split.labels) + 1 == len(split.rows) + 1
    if (
        not whole
        or split.offsets[-1] != len(split.tokens)
        or len(split.types) not in (0, len(split.tokens))
    ):
        raise ValueError(f"{folder}: the arrays of {name} do not fit together")
    return split


def _map_array(path: Path) -> Any:
    # An empty array cannot be mapped.
    mode: Literal["c"] | None = "c" if path.stat().st_size > 4096 else None
    return np.load(path, mmap_mode=mode, allow_pickle=False)
