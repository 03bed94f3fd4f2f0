"""Rows as flat arrays of wordpieces, made once and shared through memory-mapped files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

_ARRAYS = ("tokens", "offsets", "types", "labels", "rows")
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Split:
    """n tokenized rows.

    tokens  int32, all rows' wordpieces one after the other, special ones included
    offsets int64, n + 1: row i is tokens[offsets[i]:offsets[i + 1]]
    types   uint8, the token type of each wordpiece; empty where the model takes none
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
        """Wordpieces of each row."""
        return np.diff(self.offsets)


def tokenize(
    tokenizer: Any,
    texts: Sequence[Sequence[str]],
    labels: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    max_length: int,
) -> tuple[Split, int]:
    """Tokenize some `rows` of one or two columns of texts; count those cut at `max_length`.

    Of a pair the longer text is cut first. `labels` go with `rows`, not with the whole columns.
    """
    with_types = "token_type_ids" in tokenizer.model_input_names
    pieces: list[npt.NDArray[np.int32]] = []
    types: list[npt.NDArray[np.uint8]] = []
    lengths, cut = [0], 0
    for start in range(0, len(rows), _AT_ONCE):
        columns = [[column[row] for row in rows[start : start + _AT_ONCE]] for column in texts]
        with _left_as_it_was(tokenizer):
            encoded = tokenizer(
                *columns,
                truncation=True,
                max_length=max_length,
                return_attention_mask=False,
                return_token_type_ids=with_types,
            )
        lengths.extend(map(len, encoded["input_ids"]))
        cut += sum(bool(encoding.overflowing) for encoding in encoded.encodings or ())
        pieces.append(np.concatenate([np.array(ids, np.int32) for ids in encoded["input_ids"]]))
        if with_types:
            types.append(np.concatenate([np.array(t, np.uint8) for t in encoded["token_type_ids"]]))
    split = Split(
        tokens=np.concatenate(pieces),
        offsets=np.cumsum(lengths, dtype=np.int64),
        types=np.concatenate(types) if types else np.zeros(0, np.uint8),
        labels=labels,
        rows=rows,
    )
    return split, cut


@contextmanager
def _left_as_it_was(tokenizer: Any) -> Iterator[None]:
    """A fast tokenizer keeps the truncation that it was called with, and saves it, too: a best
    model's tokenizer would depend on whether the rows were tokenized before or came from the cache.
    """
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    before: dict[str, Any] | None = getattr(backend, "truncation", None)
    yield
    if before is not None:
        backend.enable_truncation(**before)
    elif backend is not None:
        backend.no_truncation()


def save_split(folder: Path, name: str, split: Split) -> None:
    """Write a split's arrays as NAME.ARRAY.npy."""
    for array in _ARRAYS:
        np.save(folder / f"{name}.{array}.npy", getattr(split, array), allow_pickle=False)


def open_split(folder: Path, name: str) -> Split:
    """Map a saved split into memory, copy on write. OSError or ValueError where it is damaged."""
    arrays = {array: _mapped(folder / f"{name}.{array}.npy") for array in _ARRAYS}
    split = Split(**arrays)
    whole = len(split.offsets) == len(split.labels) + 1 == len(split.rows) + 1
    if (
        not whole
        or split.offsets[-1] != len(split.tokens)
        or len(split.types) not in (0, len(split.tokens))
    ):
        raise ValueError(f"{folder}: the arrays of {name} do not fit together")
    return split


def _mapped(path: Path) -> Any:
    # An empty array cannot be mapped.
    mode: Literal["c"] | None = "c" if path.stat().st_size > 4096 else None
    return np.load(path, mmap_mode=mode, allow_pickle=False)
