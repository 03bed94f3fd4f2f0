"""Rows that are the most likely to break a model or its tokenizer."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tuner.training.rows import Rows
from tuner.training.text_facts import TextFacts
from tuner.training.tokens import TokenizedSplit

Indices = npt.NDArray[np.int64]
# Control and format characters, and what lies beyond the basic plane, as emoji do.
_STRANGE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\ufffd\U00010000-\U0010ffff]"
)


def find_odd_rows(split: TokenizedSplit, texts: Rows, facts: TextFacts) -> Indices:
    """Find places in the split: longest and shortest row, rarest label, oddest texts."""
    kinds = (facts.no_text, facts.all_unknown, facts.control, facts.leaked, facts.cut)
    places = [
        int(np.argmax(split.lengths)),
        int(np.argmin(split.lengths)),
        _row_of_rarest_label(split),
    ]
    places += [int(np.flatnonzero(split.rows == kind.first)[0]) for kind in kinds if kind.count]
    for measure in (_count_strange_characters, _longest_word_length, len):
        places.append(_row_with_highest_measure(split, texts, measure))
    return np.array(list(dict.fromkeys(places)), dtype=np.int64)


def find_longest_rows(split: TokenizedSplit, count: int) -> Indices:
    """Return the places of so many rows, the longest first."""
    order: Indices = np.argsort(-split.lengths, kind="stable")
    return order[:count]


def _row_of_rarest_label(split: TokenizedSplit) -> int:
    counts = np.bincount(split.labels)
    return int(np.argmin(counts[split.labels]))


def _row_with_highest_measure(
    split: TokenizedSplit, texts: Rows, measure: Callable[[str], int]
) -> int:
    def highest_measure(row: int) -> int:
        return max(measure(column[row]) for column in texts.texts)

    return int(np.argmax([highest_measure(row) for row in split.rows.tolist()]))


def _count_strange_characters(text: str) -> int:
    return 0 if text.isascii() and text.isprintable() else len(_STRANGE.findall(text))


def _longest_word_length(text: str) -> int:
    return max(map(len, text.split()), default=0)
