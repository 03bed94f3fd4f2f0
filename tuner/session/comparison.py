"""Trials of one or several sessions side by side: what differs, and which rows flip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from tuner.errors import TunerError
from tuner.recipe.key_parsers import METRICS
from tuner.recipe.space import settings_by_name
from tuner.recipe.types import GroupSpec, Recipe
from tuner.results.format import format_recipe_setting, sanitize_text
from tuner.results.metrics import count_correct, count_rows
from tuner.results.paired import Flips, MetricDifference, find_flips, indistinguishable_from_best
from tuner.session.events import Evaluated
from tuner.session.folder import Session
from tuner.session.kept_evaluation import kept_or_last_evaluation
from tuner.session.predictions import Predictions, have_same_rows, read_kept_predictions
from tuner.session.scores import interval_of_trial, majority_of_matrix, prediction_difference
from tuner.session.search_end import no_best_error
from tuner.session.validation_texts import read_validation_texts
from tuner.session.view import SessionView, TrialState, TrialView

FEWEST_CANDIDATES, MOST_CANDIDATES = 2, 5
"""How many can be compared."""
_SECTIONS = ("model", "data", "training", "search")

_K = TypeVar("_K")
_V = TypeVar("_V")
_Key = tuple[Path, int, int | None]
Kind = Literal["metric", "rate", "number", "share", "interval", "time", "word"]


@dataclass(frozen=True)
class Candidate:
    """A trial with the session that it is of; `name` tells it from the others."""

    name: str
    session: Session
    view: SessionView
    trial: TrialView

    @property
    def is_best_of_session(self) -> bool:
        return self.trial.number == self.view.best

    @property
    def is_highlighted_best(self) -> bool:
        """Whether it is the best among trials of one session; never true across sessions."""
        return self.is_best_of_session and self.name == f"#{self.trial.number}"

    @property
    def counted_evaluation(self) -> Evaluated | None:
        return kept_or_last_evaluation(self.trial)


@dataclass(frozen=True)
class ComparisonRow:
    """One row of a comparison: a value for each candidate, None where it has none."""

    name: str
    kind: Kind
    values: tuple[Any, ...]

    @property
    def has_differences(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True)
class PairedPredictions:
    """Two candidates on the same rows: who predicts which of them correctly.

    `difference` is the first's metric less the second's, None where it has no interval.
    """

    first: Predictions
    second: Predictions
    flips: Flips
    metric: str
    difference: MetricDifference | None

    @property
    def tested_metric(self) -> str:
        """The metric that `p_value` is about: accuracy where the search's own has no test."""
        return self.metric if self.difference and self.difference.p is not None else "accuracy"

    @property
    def p_value(self) -> float:
        metric_p_value = self.difference.p if self.difference else None
        return self.flips.mcnemar_p_value if metric_p_value is None else metric_p_value


def candidates_of_session(
    session: Session, view: SessionView, numbers: Sequence[int]
) -> list[Candidate]:
    """Make candidates of one session's trials, best first; unknown numbers are left out."""
    existing_numbers = [number for number in numbers if number in view.trials]
    return with_best_first(
        [Candidate(f"#{n}", session, view, view.trials[n]) for n in existing_numbers]
    )


def with_best_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Put the best candidate first if all share one metric; else keep the order."""
    if len({candidate.view.metric for candidate in candidates}) != 1:
        return list(candidates)
    best = min(candidates, key=_candidate_rank)
    return [best, *(candidate for candidate in candidates if candidate is not best)]


def _candidate_rank(candidate: Candidate) -> tuple[bool, bool, bool, float]:
    """Sort the best trials of their sessions first, then complete ones, then by value."""
    trial, view = candidate.trial, candidate.view
    has_finite_value = trial.value is not None and math.isfinite(trial.value)
    value = trial.value if has_finite_value and trial.value is not None else math.inf
    sign = 1.0 if view.direction == "minimize" or not has_finite_value else -1.0
    unfinished = trial.state is not TrialState.COMPLETE
    return not candidate.is_best_of_session, unfinished, trial.one_label, sign * value


def best_candidate(session: Session, view: SessionView) -> Candidate:
    """Return a session's best trial; TunerError where none is complete."""
    best = view.find_best_trial()
    if best is None:
        raise no_best_error(view, session.name, "none is the best")
    return Candidate(session.name, session, view, best)


def comparison_rows(candidates: Sequence[Candidate]) -> list[ComparisonRow]:
    """List scores, settings and training facts; across sessions also where recipes differ."""
    return [
        *_score_rows(candidates),
        *_setting_rows(candidates),
        *_training_rows(candidates),
        *_recipe_difference_rows(candidates),
    ]


def _score_rows(candidates: Sequence[Candidate]) -> Iterator[ComparisonRow]:
    evaluations = [candidate.counted_evaluation for candidate in candidates]
    searched = dict.fromkeys(candidate.view.metric for candidate in candidates)
    for name in dict.fromkeys([*searched, *METRICS]):
        values = tuple(
            evaluation.metrics.get(name) if evaluation else None for evaluation in evaluations
        )
        if any(value is not None for value in values):
            yield ComparisonRow(name, "metric", values)
    counts = [
        (count_correct(evaluation.confusion), count_rows(evaluation.confusion))
        if evaluation
        else None
        for evaluation in evaluations
    ]
    if any(counts):
        yield ComparisonRow("rows correct", "share", tuple(counts))
    for name in searched:
        yield from _interval_and_majority_rows(
            candidates, name, "majority" if len(searched) == 1 else f"{name} of majority"
        )


def _interval_and_majority_rows(
    candidates: Sequence[Candidate], metric: str, floor_name: str
) -> Iterator[ComparisonRow]:
    """Yield the metric's intervals and the score of always predicting the most frequent label."""
    intervals = [interval_of_trial(c.session, c.view, c.trial, metric) for c in candidates]
    interval_ends = tuple(
        (interval.low, interval.high) if interval else None for interval in intervals
    )
    if any(interval_ends):
        yield ComparisonRow(f"{metric} 95 %", "interval", interval_ends)
    evaluations = [(candidate.view, candidate.counted_evaluation) for candidate in candidates]
    floors = [
        majority_of_matrix(view, evaluation.confusion, metric) if evaluation else None
        for view, evaluation in evaluations
    ]
    if any(floors):
        values = tuple(floor.value if floor else None for floor in floors)
        yield ComparisonRow(floor_name, "number", values)


def _setting_rows(candidates: Sequence[Candidate]) -> Iterator[ComparisonRow]:
    trial_values = [{**candidate.trial.params, **candidate.trial.fixed} for candidate in candidates]
    recipe_values = [_fixed_settings_of_recipe(candidate.view) for candidate in candidates]
    for name in dict.fromkeys(name for values in trial_values for name in values):
        pairs = zip(trial_values, recipe_values, strict=True)
        values = tuple(
            values_of_trial.get(name, recipe.get(name)) for values_of_trial, recipe in pairs
        )
        yield ComparisonRow(name, "rate" if name.startswith("lr") else "number", values)


def _fixed_settings_of_recipe(view: SessionView) -> dict[str, Any]:
    """Return what the recipe fixes for all trials that have no value of their own."""
    all_settings = {} if view.recipe is None else settings_by_name(view.recipe)
    return {
        name: value for name, value in all_settings.items() if isinstance(value, int | float | str)
    }


def _training_rows(candidates: Sequence[Candidate]) -> Iterator[ComparisonRow]:
    trials = [candidate.trial for candidate in candidates]
    if any(candidate.name != f"#{candidate.trial.number}" for candidate in candidates):
        yield ComparisonRow("best trial", "word", tuple(f"#{trial.number}" for trial in trials))
    words = {
        "state": tuple(str(trial.state.value) for trial in trials),
        "origin": tuple(trial.origin for trial in trials),
        "seed": tuple(str(trial.seed) for trial in trials),
    }
    if any(trial.one_label for trial in trials):
        predicted = ("one label" if trial.one_label else "several labels" for trial in trials)
        yield ComparisonRow("predicts", "word", tuple(predicted))
    for name, values in words.items():
        if (fact := ComparisonRow(name, "word", values)).has_differences:
            yield fact
    yield ComparisonRow("epochs trained", "number", tuple(trial.epoch or None for trial in trials))
    yield ComparisonRow("time", "time", tuple(trial.seconds or None for trial in trials))


def _recipe_difference_rows(candidates: Sequence[Candidate]) -> Iterator[ComparisonRow]:
    """Yield the settings in which the recipes of several sessions differ."""
    if len({candidate.session.path for candidate in candidates}) < 2:
        return
    recipes = [candidate.view.recipe for candidate in candidates]
    texts_by_key = [_recipe_value_texts(recipe) if recipe else {} for recipe in recipes]
    for name in dict.fromkeys(name for texts in texts_by_key for name in texts):
        row = ComparisonRow(name, "word", tuple(texts.get(name) for texts in texts_by_key))
        if row.has_differences and name != "data.root":
            yield row


def _recipe_value_texts(recipe: Recipe) -> dict[str, str]:
    """Return what a recipe says by dotted key; a group's keys begin with its name."""
    parts = {name: getattr(recipe, name) for name in _SECTIONS}
    parts |= {group.name: group for group in recipe.groups}
    values = {
        f"{name}.{field.name}": getattr(part, field.name)
        for name, part in parts.items()
        for field in fields(part)
        if not (isinstance(part, GroupSpec) and field.name == "name")
    }
    return {key: _recipe_value_text(value) for key, value in values.items() if value is not None}


def _recipe_value_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{sanitize_text(key)} {sanitize_text(v)}" for key, v in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(format_recipe_setting, value))
    return format_recipe_setting(value, "linear")


class PredictionCache:
    """The predictions of candidates, each read once for each evaluation."""

    def __init__(self) -> None:
        self._read: dict[_Key, Predictions | TunerError] = {}
        self._paired: dict[tuple[_Key, _Key], PairedPredictions | TunerError] = {}

    def predictions_of(self, candidate: Candidate) -> Predictions:
        """Return a candidate's predictions; TunerError in one line where they cannot be read."""
        return _get_or_compute(
            self._read, _evaluation_key(candidate), lambda: _read_candidate_predictions(candidate)
        )

    def pair_predictions(self, first: Candidate, second: Candidate) -> PairedPredictions:
        """Pair two candidates row by row; TunerError where their rows are not the same."""
        keys = (_evaluation_key(first), _evaluation_key(second))
        return _get_or_compute(self._paired, keys, lambda: self._compute_pairing(first, second))

    def _compute_pairing(self, first: Candidate, second: Candidate) -> PairedPredictions:
        if first.session.path != second.session.path:
            _check_same_validation_data(first, second)
        first_predictions = self.predictions_of(first)
        second_predictions = self.predictions_of(second)
        if not have_same_rows(first_predictions, second_predictions):
            raise TunerError(
                f"{first.name} and {second.name} were scored on different rows "
                f"({len(first_predictions)} and {len(second_predictions)}): not compared by rows"
            )
        view, losses = first.view, (_loss_of_candidate(first), _loss_of_candidate(second))
        difference = prediction_difference(
            first_predictions, second_predictions, view.metric, view.labels, losses
        )
        row_flips = find_flips(
            first_predictions.gold, first_predictions.predicted, second_predictions.predicted
        )
        return PairedPredictions(
            first_predictions, second_predictions, row_flips, view.metric, difference
        )

    def indistinguishable_candidates(
        self, first: Candidate, others: Sequence[Candidate]
    ) -> list[Candidate]:
        """Return those that cannot be told apart from the first, as far as is known.

        By the metric of the first's search, with Holm's correction for as many tests.
        """
        p_values: dict[int, float] = {}
        for position, candidate in enumerate(others):
            try:
                p_values[position] = self.pair_predictions(first, candidate).p_value
            except TunerError:
                continue
        return [others[position] for position in sorted(indistinguishable_from_best(p_values))]


def _evaluation_key(candidate: Candidate) -> _Key:
    evaluation = candidate.counted_evaluation
    return candidate.session.path, candidate.trial.number, evaluation.step if evaluation else None


def _loss_of_candidate(candidate: Candidate) -> float:
    evaluation = candidate.counted_evaluation
    return math.nan if evaluation is None else evaluation.metrics.get("loss", math.nan)


def _read_candidate_predictions(candidate: Candidate) -> Predictions:
    return read_kept_predictions(candidate.session, candidate.trial)


def _get_or_compute(results: dict[_K, _V | TunerError], key: _K, compute: Callable[[], _V]) -> _V:
    """Compute a value or its TunerError once per key."""
    if key not in results:
        try:
            results[key] = compute()
        except TunerError as error:
            results[key] = error
    value = results[key]
    if isinstance(value, TunerError):
        raise TunerError(str(value))
    return value


def _check_same_validation_data(first: Candidate, second: Candidate) -> None:
    """Raise TunerError where row numbers of the two sessions may not mean the same rows."""
    if first.view.labels != second.view.labels:
        raise TunerError(f"{first.name} and {second.name} have different labels")
    try:
        same = read_validation_texts(first.session) == read_validation_texts(second.session)
    except TunerError as error:
        raise TunerError(f"whether the rows are the same is not known: {error}") from None
    if not same:
        raise TunerError(
            f"{first.name} and {second.name} have different validation rows: not compared by rows"
        )
