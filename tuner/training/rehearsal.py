"""Real updates and predictions with the rows that are the most likely to break them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from tuner.errors import TunerError
from tuner.pool.protocol import Train
from tuner.recipe.baselines import middle_values
from tuner.recipe.config import TrialConfig
from tuner.recipe.nearest import show
from tuner.recipe.space import highest, search_space, trial_config
from tuner.recipe.types import Recipe, Scalar
from tuner.training.bench import Bench
from tuner.training.data import LabelledRows
from tuner.training.errors import DEVICE_LOST, OUT_OF_MEMORY, NotANumber, cause_of, first_line
from tuner.training.evaluate import logits_of
from tuner.training.odd_rows import Indices, longest_rows, odd_rows
from tuner.training.rows import Rows
from tuner.training.schedule import Timetable
from tuner.training.tokens import Split
from tuner.training.trial import Trial

_EXCERPT = 60
_AT_THEIR_HIGHEST = ("batch_size", "dropout", "label_smoothing")


@dataclass(frozen=True, slots=True)
class _Part:
    """A split with its texts; `source` is the file that its row numbers are those of."""

    name: str
    split: Split
    texts: Rows
    source: str

    def batches(self, bench: Bench, size: int) -> list[Indices]:
        """The longest rows, and the oddest ones filled up with the shortest."""
        odd = odd_rows(self.split, self.texts, bench.data.facts.texts[self.name])
        others = np.setdiff1d(longest_rows(self.split, len(self.split))[::-1][:size], odd)
        return [longest_rows(self.split, size), np.concatenate((odd, others))[:size]]

    def describe(self, place: int) -> str:
        """A row by file, number and the begin of its texts."""
        row = int(self.split.rows[place])
        shown = " / ".join(show(column[row][:_EXCERPT]) for column in self.texts.texts)
        return f"{self.name} row {row + 1} of {self.source} ({shown})"


def rehearse(bench: Bench, rows: LabelledRows) -> str:
    """Train and predict with the longest and the oddest rows; writes nothing, returns a summary.

    Of searched settings, those that need memory are at their highest, others in the middle. Raises
    TunerError that names the row with which it cannot be done.
    """
    config = _config(bench.recipe)
    train, validation = _parts(bench, rows)
    for batch in train.batches(bench, config.batch_size):
        _try(train, batch, lambda batch: _update(bench, config, batch))
    for batch in validation.batches(bench, config.batch_size):
        _try(validation, batch, lambda batch: _predict(bench, batch))
    longest = int(max(train.split.lengths.max(), validation.split.lengths.max()))
    size = min(config.batch_size, len(train.split))
    return (
        f"a step on {size} rows and predictions were tried with the longest rows ({longest} "
        "tokens) and the oddest"
    )


def _config(recipe: Recipe) -> TrialConfig:
    values: dict[str, Scalar] = middle_values(recipe)
    for name in _AT_THEIR_HIGHEST:
        if name in search_space(recipe):
            top = highest(getattr(recipe.training, name))
            values[name] = int(top) if name == "batch_size" else top
    return msgspec.structs.replace(trial_config(recipe, values, 0), accumulation=1)


def _parts(bench: Bench, rows: LabelledRows) -> tuple[_Part, _Part]:
    train, validation = bench.data.named_splits(bench.recipe.data)
    return (
        _Part(train[0], train[1], rows.train, train[2]),
        _Part(validation[0], validation[1], rows.validation, validation[2]),
    )


@dataclass(frozen=True, slots=True)
class _Chosen(Timetable):
    """A timetable whose every update is on the same rows."""

    chosen: tuple[int, ...] = ()

    def place_of(self, update: int) -> tuple[Indices, int, int]:
        """See Timetable."""
        del update
        return np.array(self.chosen, dtype=np.int64), 0, len(self.chosen)


def _update(bench: Bench, config: TrialConfig, places: Indices) -> None:
    request = Train(trial=0, config=config, metric="loss", direction="minimize")
    trial = Trial(bench, request)
    table = trial.timetable
    trial.timetable = _Chosen(
        table.rows, table.rows_per_update, table.epochs, table.evaluations_per_epoch, table.seed,
        tuple(places.tolist()),
    )  # fmt: skip
    trial.update()
    # Tells of a loss that is no number where the device was not waited for.
    trial.progress()


def _predict(bench: Bench, places: Indices) -> None:
    logits = logits_of(
        bench.model, bench.validation_layout, bench.data.validation.lengths, places,
        len(bench.labels), bench.device, bench.autocast,
    )  # fmt: skip
    if not bool(logits.isfinite().all()):
        raise NotANumber("its scores are not finite")


def _try(part: _Part, places: Indices, work: Callable[[Indices], None]) -> None:
    """Do the work; where that fails, find the row that it fails with."""
    failure = _failure(work, places)
    if failure is None:
        return
    if cause_of(failure) in (OUT_OF_MEMORY, DEVICE_LOST):
        raise TunerError(f"the longest {part.name} rows: {first_line(failure)}")
    middle = int(np.argsort(part.split.lengths, kind="stable")[len(part.split) // 2])
    for place in places.tolist():
        # A row that can be worked on alone may still not go with others.
        for batch in ([place], [middle, place]):
            reason = _failure(work, np.array(batch))
            if reason is not None:
                raise TunerError(f"{part.describe(place)}: {first_line(reason)}")
    raise TunerError(f"{len(places)} {part.name} rows at once: {first_line(failure)}")


def _failure(work: Callable[[Indices], None], places: Indices) -> Exception | None:
    try:
        work(places)
    except Exception as error:  # noqa: BLE001 - a model's code may raise what it likes; it is told
        return error
    return None
