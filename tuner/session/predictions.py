"""What a trial's model answered to every validation row, as the trainer wrote it down.

`trials/0012/predictions-2.npz` belongs to the third evaluation of trial 12: a zip of four plain
arrays, read here without any library of arrays. The rows' texts are in `session.validation_texts`.
"""

from __future__ import annotations

import ast
import io
import struct
import sys
import zipfile
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.session.folder import Session
from tuner.session.kept_evaluation import kept_or_last_evaluation
from tuner.session.safe_read import read_file_in_session
from tuner.session.view import TrialView

_LARGEST_ARRAY = 128 * 2**20
_MAGIC = b"\x93NUMPY"
_ITEM_SIZES = {"<i4": 4, "<f2": 2}


@dataclass(frozen=True, slots=True)
class Predictions:
    """One evaluation's predictions, in the order of the validation rows.

    `rows` are row numbers of the data file, ascending; `gold` and `predicted` are label numbers.
    """

    rows: Sequence[int]
    gold: Sequence[int]
    predicted: Sequence[int]
    _halves: bytes = b""

    def __len__(self) -> int:
        return len(self.rows)

    def label_probabilities(self, position: int) -> tuple[float, ...]:
        """Return the probability of each label at a position; () where they were not written."""
        classes = len(self._halves) // 2 // max(1, len(self.rows))
        return struct.unpack_from(f"<{classes}e", self._halves, position * classes * 2)

    def answer_probability(self, position: int) -> float | None:
        """Return the probability of the predicted label at a position."""
        probabilities, answer = self.label_probabilities(position), self.predicted[position]
        return probabilities[answer] if 0 <= answer < len(probabilities) else None


def read_predictions(session: Session, trial: int, evaluation: int) -> Predictions:
    """Read the predictions of a trial's evaluation (0 for the first).

    Raises TunerError in one line where the file is missing, torn, not the trainer's, or leads out
    of the session's folder.
    """
    path = session.trial_folder(trial) / f"predictions-{evaluation}.npz"
    content = read_file_in_session(session, path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _parse_predictions(archive)
    except (
        zipfile.BadZipFile, zlib.error, struct.error, ValueError, KeyError, EOFError,
        NotImplementedError, RuntimeError, SyntaxError, MemoryError, TypeError,
    ):  # fmt: skip
        raise TunerError(f"{path.relative_to(session.path)} is damaged: not read") from None


def read_kept_predictions(session: Session, trial: TrialView) -> Predictions:
    """Read the predictions that a trial is scored by; TunerError where there are none."""
    evaluation = kept_or_last_evaluation(trial)
    if evaluation is None:
        raise TunerError(f"trial {trial.number} has no evaluation yet")
    return read_predictions(session, trial.number, evaluation_index(trial, evaluation.step))


def evaluation_index(trial: TrialView, step: int) -> int:
    """Return which of a trial's evaluations (0 for the first) was at this step."""
    return sum(evaluation.step < step for evaluation in trial.evaluations)


def misclassified_positions(
    predictions: Predictions, gold: int | None = None, predicted: int | None = None
) -> list[int]:
    """List misclassified positions, most confident first, optionally of these labels alone."""
    wrong = [
        position
        for position, (gold_label, predicted_label) in enumerate(
            zip(predictions.gold, predictions.predicted, strict=True)
        )
        if gold_label != predicted_label
        and gold in (None, gold_label)
        and predicted in (None, predicted_label)
    ]
    return sorted(wrong, key=lambda position: -(predictions.answer_probability(position) or 0.0))


def have_same_rows(first: Predictions, second: Predictions) -> bool:
    """Check that both predict the same rows with the same gold labels."""
    return list(first.rows) == list(second.rows) and list(first.gold) == list(second.gold)


def _parse_predictions(archive: zipfile.ZipFile) -> Predictions:
    rows, gold, predicted = (
        _read_number_array(archive, name) for name in ("rows", "gold", "predicted")
    )
    shape, halves = _read_numpy_array(archive, "probabilities", "<f2")
    if not len(rows) == len(gold) == len(predicted) or min(gold, default=0) < 0:
        raise ValueError("the arrays do not belong together")
    if len(shape) != 2 or shape[0] != len(rows) or min(predicted, default=0) < 0:
        raise ValueError("the probabilities do not belong to the rows")
    return Predictions(rows, gold, predicted, halves)


def _read_number_array(archive: zipfile.ZipFile, name: str) -> Sequence[int]:
    shape, content = _read_numpy_array(archive, name, "<i4")
    if len(shape) != 1:
        raise ValueError("not one-dimensional")
    numbers = array("i", content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _read_numpy_array(
    archive: zipfile.ZipFile, name: str, expected_type: str
) -> tuple[tuple[int, ...], bytes]:
    """Return shape and bytes of an array in numpy's file format (NEP 1)."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.file_size > _LARGEST_ARRAY:
        raise ValueError("too large")
    content = archive.read(entry)
    if not content.startswith(_MAGIC):
        raise ValueError("not an array")
    wide = content[6] > 1
    start = 12 if wide else 10
    (length,) = struct.unpack_from("<I" if wide else "<H", content, 8)
    head = ast.literal_eval(content[start : start + length].decode("latin-1").strip())
    shape = tuple(int(size) for size in head["shape"])
    body = content[start + length :]
    items = 1
    for size in shape:
        items *= size
    if (
        head["descr"] != expected_type
        or head["fortran_order"]
        or len(body) != items * _ITEM_SIZES[expected_type]
    ):
        raise ValueError("not the kind of array that the trainer writes")
    return shape, body
