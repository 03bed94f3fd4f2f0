"""Real updates and predictions with the rows that are the most likely to break them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from tuner.errors import TunerError
from tuner.pool.causes import DEVICE_LOST, OUT_OF_MEMORY
from tuner.pool.protocol import Train
from tuner.recipe.baselines import middle_values
from tuner.recipe.config import TrialConfig
from tuner.recipe.nearest import quote_value
from tuner.recipe.space import build_trial_config, highest_value, search_space
from tuner.recipe.types import Recipe, Scalar
from tuner.results.format import format_row_number
from tuner.training.data import LabelledRows
from tuner.training.data_order import DataOrder
from tuner.training.evaluate import predict_logits
from tuner.training.failure_causes import NotANumber, error_in_one_line, failure_cause
from tuner.training.odd_rows import Indices, find_longest_rows, find_odd_rows
from tuner.training.rows import Rows
from tuner.training.tokens import TokenizedSplit
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial

_EXCERPT = 60
_AT_THEIR_HIGHEST = ("batch_size", "dropout", "label_smoothing")


@dataclass(frozen=True, slots=True)
class _RehearsedSplit:
    """A split with its texts; `source` is the file that its row numbers count in."""

    name: str
    split: TokenizedSplit
    texts: Rows
    source: str

    def risky_batches(self, context: TrainerContext, size: int) -> list[Indices]:
        """Return the longest rows, and the oddest ones filled up with the shortest."""
        odd = find_odd_rows(self.split, self.texts, context.data.facts.texts[self.name])
        others = np.setdiff1d(find_longest_rows(self.split, len(self.split))[::-1][:size], odd)
        return [find_longest_rows(self.split, size), np.concatenate((odd, others))[:size]]

    def describe_row(self, place: int) -> str:
        """Describe a row by file, number and the begin of its texts."""
        row = int(self.split.rows[place])
        excerpts = " / ".join(quote_value(column[row][:_EXCERPT]) for column in self.texts.texts)
        return f"{self.name} row {format_row_number(row)} of {self.source} ({excerpts})"


def rehearse_odd_rows(context: TrainerContext, rows: LabelledRows) -> str:
    """Train and predict with the longest and the oddest rows; write nothing, return a summary.

    Of searched settings, those that need memory are at their highest, others in the middle. Raises
    TunerError that names the row that fails.
    """
    config = _memory_heavy_config(context.recipe)
    train, validation = _rehearsed_splits(context, rows)
    for batch in train.risky_batches(context, config.batch_size):
        _find_failing_row(train, batch, lambda batch: _run_one_update(context, config, batch))
    for batch in validation.risky_batches(context, config.batch_size):
        _find_failing_row(validation, batch, lambda batch: _predict_rows(context, batch))
    longest = int(max(train.split.lengths.max(), validation.split.lengths.max()))
    size = min(config.batch_size, len(train.split))
    return (
        f"a step on {size} rows and predictions were tried with the longest rows ({longest} "
        "tokens) and the oddest"
    )


def _memory_heavy_config(recipe: Recipe) -> TrialConfig:
    values: dict[str, Scalar] = middle_values(recipe)
    for name in _AT_THEIR_HIGHEST:
        if name in search_space(recipe):
            top = highest_value(getattr(recipe.training, name))
            values[name] = int(top) if name == "batch_size" else top
    return msgspec.structs.replace(build_trial_config(recipe, values, 0), accumulation=1)


def _rehearsed_splits(
    context: TrainerContext, rows: LabelledRows
) -> tuple[_RehearsedSplit, _RehearsedSplit]:
    train, validation = context.data.splits_with_sources(context.recipe.data)
    return (
        _RehearsedSplit(train[0], train[1], rows.train, train[2]),
        _RehearsedSplit(validation[0], validation[1], rows.validation, validation[2]),
    )


@dataclass(frozen=True, slots=True)
class _FixedOrder(DataOrder):
    """An order whose every update is on the same rows."""

    row_places: tuple[int, ...] = ()

    def slice_of_update(self, update: int) -> tuple[Indices, int, int]:
        del update
        return np.array(self.row_places, dtype=np.int64), 0, len(self.row_places)


def _run_one_update(context: TrainerContext, config: TrialConfig, places: Indices) -> None:
    request = Train(trial=0, config=config, metric="loss", direction="minimize")
    trial = Trial(context, request)
    data_order = trial.data_order
    trial.data_order = _FixedOrder(
        data_order.rows, data_order.rows_per_update, data_order.epochs,
        data_order.evaluations_per_epoch, data_order.seed, tuple(places.tolist()),
    )  # fmt: skip
    trial.train_one_update()
    # Tells of a loss that is no number where the device was not waited for.
    trial.progress_message()


def _predict_rows(context: TrainerContext, places: Indices) -> None:
    logits = predict_logits(
        context.model, context.validation_layout, context.data.validation.lengths, places,
        len(context.labels), context.device, context.autocast_context,
    )  # fmt: skip
    if not bool(logits.isfinite().all()):
        raise NotANumber("its scores are not finite")


def _find_failing_row(
    rehearsed: _RehearsedSplit, places: Indices, work: Callable[[Indices], None]
) -> None:
    """Do the work; where that fails, raise TunerError with the row that it fails with."""
    failure = _failure_of_work(work, places)
    if failure is None:
        return
    if failure_cause(failure) in (OUT_OF_MEMORY, DEVICE_LOST):
        raise TunerError(f"the longest {rehearsed.name} rows: {error_in_one_line(failure)}")
    middle = int(np.argsort(rehearsed.split.lengths, kind="stable")[len(rehearsed.split) // 2])
    for place in places.tolist():
        # A row that can be worked on alone may still not go with others.
        for batch in ([place], [middle, place]):
            reason = _failure_of_work(work, np.array(batch))
            if reason is not None:
                raise TunerError(f"{rehearsed.describe_row(place)}: {error_in_one_line(reason)}")
    raise TunerError(f"{len(places)} {rehearsed.name} rows at once: {error_in_one_line(failure)}")


def _failure_of_work(work: Callable[[Indices], None], places: Indices) -> Exception | None:
    try:
        work(places)
    except Exception as error:  # noqa: BLE001 - a model's code may raise what it likes; it is told
        return error
    return None
