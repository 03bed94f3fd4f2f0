"""From label values as files hold them to class numbers and their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import TunerError
from tuner.recipe.nearest import show

LabelValue = bool | int | float | str | list[Any] | dict[str, Any] | None
MOST_CLASSES = 200
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NO_CLASS = "no class; labels are strings, integers or booleans"
_UNLABELLED = {"", "-1", "-100"}


def label_texts(values: Sequence[LabelValue], names: Sequence[str] | None, where: str) -> list[str]:
    """Each row's label as text: "true" and "false" for booleans, `names[value]` where given.

    Raises TunerError for rows without a label (null, empty, -1, -100) and for fractions.
    """
    texts = [_text(value, where) for value in values]
    missing = sum(text in _UNLABELLED for text in texts)
    if missing:
        raise TunerError(
            f"{where}: {missing} of {len(texts)} rows have no label (null, empty, -1 or -100): "
            "remove these rows, or name another column in data.label"
        )
    if names is not None:
        return [names[int(text)] for text in texts]
    if {text.lower() for text in texts} <= {"true", "false"}:
        return [text.lower() for text in texts]
    return texts


def _text(value: LabelValue, where: str) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, list | dict):
        raise TunerError(f"{where}: the label {show(value)} is {_NO_CLASS}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not value.is_integer():
            raise TunerError(f"{where}: the label {value} is a fraction, {_NO_CLASS}")
        return str(int(value))
    return str(value)


def ordered_labels(texts: Iterable[str], names: Sequence[str] | None = None) -> tuple[str, ...]:
    """All labels in class order: as the data set numbers them, by number, or by alphabet."""
    found = set(texts)
    if names is not None:
        return tuple(name for name in names if name in found)
    if all(_INTEGER.fullmatch(text) for text in found):
        return tuple(sorted(found, key=int))
    return tuple(sorted(found))


def check_class_count(labels: Sequence[str], where: str) -> None:
    """Raise TunerError unless there are 2 to 200 classes."""
    if len(labels) < 2:
        raise TunerError(f"{where}: every row has the label {labels[0]!r}; two classes are needed")
    if len(labels) > MOST_CLASSES:
        raise TunerError(
            f"{where}: {len(labels)} different labels, at most {MOST_CLASSES} are possible; "
            "is data.label the right column?"
        )


def class_numbers(texts: Sequence[str], labels: Sequence[str], where: str) -> npt.NDArray[np.int64]:
    """The class number of each row, int64. Raises TunerError for a label that is not known."""
    number = {label: index for index, label in enumerate(labels)}
    unknown = sorted({text for text in texts if text not in number})
    if unknown:
        raise TunerError(f"{where}: no such label in the training data: {unknown[0]!r}")
    return np.array([number[text] for text in texts], dtype=np.int64)
