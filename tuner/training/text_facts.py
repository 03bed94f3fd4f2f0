"""What tokenizing showed about the texts: rows that are cut, empty, unknown, or look special."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tuner.training.texts_for_display import replace_lone_surrogates
from tuner.training.tokenizer import control_token_ids, tokens_taken_for_text, truncation_restored

Ids = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class RowCount(msgspec.Struct, frozen=True):
    """How many rows are of a kind, and the number of the first in its file, from 0."""

    count: int = 0
    first: int = -1

    @classmethod
    def of_masked_rows(cls, rows: Indices, mask: Mask) -> RowCount:
        selected = rows[mask]
        return cls(len(selected), int(selected.min())) if len(selected) else cls()


class TextFacts(msgspec.Struct, frozen=True):
    """Rows by kind.

    no_tokens    not even special ones, so that they are left out
    no_text      special tokens alone: the text gave none
    all_unknown  the text gave nothing but the unknown token
    control      a special token is written out in the text, and encoded as text
    leaked       the same, but encoded as that token
    halves       half a character (a lone surrogate), which is read as "?"
    """

    cut: RowCount = RowCount()
    no_tokens: RowCount = RowCount()
    no_text: RowCount = RowCount()
    all_unknown: RowCount = RowCount()
    control: RowCount = RowCount()
    leaked: RowCount = RowCount()
    halves: RowCount = RowCount()
    unknown_share: float = 0.0


def collect_text_facts(
    tokenizer: Any,
    texts: Sequence[Sequence[str]],
    rows: Indices,
    tokens: Ids,
    lengths: Indices,
    cut: Mask,
) -> TextFacts:
    """Collect facts about `rows`, whose `tokens` lie one after the other, `lengths` a row."""
    template = template_token_ids(tokenizer, len(texts))
    text_lengths = lengths - len(template)
    unknown = _count_ids_by_row(tokens, lengths, template, _unknown_token_ids(tokenizer))
    control = _count_ids_by_row(tokens, lengths, template, control_token_ids(tokenizer))
    halves = [any(_has_lone_surrogate(column[row]) for column in texts) for row in rows.tolist()]
    written = _rows_containing(tokens_taken_for_text(tokenizer), texts, rows)
    return TextFacts(
        cut=RowCount.of_masked_rows(rows, cut),
        no_tokens=RowCount.of_masked_rows(rows, lengths == 0),
        no_text=RowCount.of_masked_rows(rows, (text_lengths <= 0) & (lengths > 0)),
        all_unknown=RowCount.of_masked_rows(rows, (unknown == text_lengths) & (text_lengths > 0)),
        control=RowCount.of_masked_rows(rows, written & (control <= 0)),
        leaked=RowCount.of_masked_rows(rows, control > 0),
        halves=RowCount.of_masked_rows(rows, np.array(halves, np.bool_)),
        unknown_share=float(unknown.sum() / max(1, text_lengths.sum())),
    )


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and replace_lone_surrogates(text) != text


def template_token_ids(tokenizer: Any, columns: int) -> list[int]:
    """Return the special tokens that every row has around its texts."""
    with truncation_restored(tokenizer):
        # A batch of one: transformers takes an empty second text by itself for none.
        encoded = tokenizer(*([[""]] * columns), return_attention_mask=False)
    ids: list[int] = encoded["input_ids"][0]
    return ids


def _unknown_token_ids(tokenizer: Any) -> list[int]:
    return [] if tokenizer.unk_token_id is None else [tokenizer.unk_token_id]


def _count_ids_by_row(
    tokens: Ids, lengths: Indices, template: list[int], ids: list[int]
) -> Indices:
    """Count how many of the `ids` each row has beyond those of the template."""
    before = np.concatenate(([0], np.cumsum(np.isin(tokens, ids))))
    ends = np.cumsum(lengths)
    counts: Indices = before[ends] - before[ends - lengths]
    return counts - int(np.isin(template, ids).sum())


def _rows_containing(tokens: Sequence[str], texts: Sequence[Sequence[str]], rows: Indices) -> Mask:
    """Mark the rows that have one of these strings in a text."""
    # Without tokens, a pattern that matches nothing rather than everything.
    pattern = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
    matches = (any(pattern.search(column[row]) for column in texts) for row in rows.tolist())
    return np.fromiter(matches, np.bool_, len(rows))
