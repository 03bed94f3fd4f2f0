"""Trials side by side, of one session or of several: what differs, and who answers which row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tuner.errors import TunerError
from tuner.recipe.load import parse
from tuner.recipe.space import settings
from tuner.results.format import bound, plain
from tuner.results.metrics import correct, total
from tuner.results.paired import Difference, Flips, flips, indistinguishable
from tuner.session.ending import no_best_error
from tuner.session.events import Evaluated
from tuner.session.folder import Session
from tuner.session.kept import kept_evaluation
from tuner.session.predictions import Predictions, kept_predictions, same_rows
from tuner.session.scores import interval_of, majority_of, prediction_difference
from tuner.session.texts import row_texts
from tuner.session.view import SessionView, TrialState, TrialView

FEWEST, MOST = 2, 5
"""How many can be compared."""
_METRICS = ("accuracy", "f1_macro", "mcc", "loss")
_FIRST_SECTIONS = ("model", "data", "training", "search")

_K = TypeVar("_K")
_V = TypeVar("_V")
_Key = tuple[Path, int, int | None]
Kind = Literal["metric", "rate", "number", "share", "interval", "time", "word"]


@dataclass(frozen=True)
class Contestant:
    """A trial with the session that it is of; `name` tells it from the others."""

    name: str
    session: Session
    view: SessionView
    trial: TrialView

    @property
    def is_best(self) -> bool:
        """Whether it is the best trial of its session."""
        return self.trial.number == self.view.best

    @property
    def stands_out(self) -> bool:
        """Whether it is the best beside others of its session; of several sessions each is."""
        return self.is_best and self.name == f"#{self.trial.number}"

    @property
    def evaluation(self) -> Evaluated | None:
        """The evaluation that counts: the kept one, else the last one."""
        last = self.trial.evaluations[-1] if self.trial.evaluations else None
        return kept_evaluation(self.trial) or last


@dataclass(frozen=True)
class Fact:
    """One row of a comparison: a value for each contestant, None where it has none."""

    name: str
    kind: Kind
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the contestants do not all have the same."""
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True)
class Pairing:
    """Two contestants on the same rows: who answers which of them rightly.

    `difference` is the first's metric less the second's, None where it has no interval.
    """

    first: Predictions
    second: Predictions
    flips: Flips
    metric: str
    difference: Difference | None

    @property
    def tested(self) -> str:
        """The metric that `p` is about: the accuracy where the search's own has no test."""
        return self.metric if self.difference and self.difference.p is not None else "accuracy"

    @property
    def p(self) -> float:
        """Of the test of that metric."""
        p = self.difference.p if self.difference else None
        return self.flips.p_value if p is None else p


def of_session(session: Session, view: SessionView, numbers: Sequence[int]) -> list[Contestant]:
    """Trials of one session, the best of them first; numbers that are no trial's are left out."""
    known = [number for number in numbers if number in view.trials]
    return best_first([Contestant(f"#{n}", session, view, view.trials[n]) for n in known])


def best_first(contestants: Sequence[Contestant]) -> list[Contestant]:
    """The same with the best of them first, where all have one metric; the others as they were."""
    if len({each.view.metric for each in contestants}) != 1:
        return list(contestants)
    best = min(contestants, key=_rank)
    return [best, *(each for each in contestants if each is not best)]


def _rank(contestant: Contestant) -> tuple[bool, bool, bool, float]:
    """Best trials of their session before all, complete ones before others, then by value."""
    trial, view = contestant.trial, contestant.view
    known = trial.value is not None and math.isfinite(trial.value)
    value = trial.value if known and trial.value is not None else math.inf
    sign = 1.0 if view.direction == "minimize" or not known else -1.0
    unfinished = trial.state is not TrialState.COMPLETE
    return not contestant.is_best, unfinished, trial.one_label, sign * value


def best_of(session: Session, view: SessionView) -> Contestant:
    """A session's best trial; TunerError where none is complete."""
    best = view.best_trial()
    if best is None:
        raise no_best_error(view, session.name, "none is the best")
    return Contestant(session.name, session, view, best)


def facts(contestants: Sequence[Contestant]) -> list[Fact]:
    """Scores first, then settings, then what the trials were like; recipes where they differ."""
    return [
        *_scores(contestants),
        *_settings(contestants),
        *_course(contestants),
        *_recipes(contestants),
    ]


def _scores(contestants: Sequence[Contestant]) -> Iterator[Fact]:
    kept = [contestant.evaluation for contestant in contestants]
    searched = dict.fromkeys(contestant.view.metric for contestant in contestants)
    for name in dict.fromkeys([*searched, *_METRICS]):
        values = tuple(item.metrics.get(name) if item else None for item in kept)
        if any(value is not None for value in values):
            yield Fact(name, "metric", values)
    counts = [(correct(item.confusion), total(item.confusion)) if item else None for item in kept]
    if any(counts):
        yield Fact("rows right", "share", tuple(counts))
    for name in searched:
        yield from _trust(
            contestants, name, "majority" if len(searched) == 1 else f"{name} of majority"
        )


def _trust(contestants: Sequence[Contestant], metric: str, floor_name: str) -> Iterator[Fact]:
    """The metric's own intervals, and what the most frequent label alone would score."""
    intervals = [interval_of(c.session, c.view, c.trial, metric) for c in contestants]
    ends = tuple((each.low, each.high) if each else None for each in intervals)
    if any(ends):
        yield Fact(f"{metric} 95 %", "interval", ends)
    kept = [(contestant.view, contestant.evaluation) for contestant in contestants]
    floors = [majority_of(view, item.confusion, metric) if item else None for view, item in kept]
    if any(floors):
        values = tuple(floor.value if floor else None for floor in floors)
        yield Fact(floor_name, "number", values)


def _settings(contestants: Sequence[Contestant]) -> Iterator[Fact]:
    chosen = [{**each.trial.params, **each.trial.fixed} for each in contestants]
    asked = [_fixed_settings(each.view) for each in contestants]
    for name in dict.fromkeys(name for values in chosen for name in values):
        pairs = zip(chosen, asked, strict=True)
        values = tuple(own.get(name, recipe.get(name)) for own, recipe in pairs)
        yield Fact(name, "rate" if name.startswith("lr") else "number", values)


def _fixed_settings(view: SessionView) -> dict[str, Any]:
    """What the recipe fixes for all trials that have no value of their own."""
    try:
        every = settings(parse(view.recipe, view.name))
    except TunerError:
        return {}
    return {name: value for name, value in every.items() if isinstance(value, int | float | str)}


def _course(contestants: Sequence[Contestant]) -> Iterator[Fact]:
    trials = [contestant.trial for contestant in contestants]
    if any(contestant.name != f"#{contestant.trial.number}" for contestant in contestants):
        yield Fact("best trial", "word", tuple(f"#{trial.number}" for trial in trials))
    words = {
        "state": tuple(str(trial.state.value) for trial in trials),
        "origin": tuple(trial.origin for trial in trials),
        "seed": tuple(str(trial.seed) for trial in trials),
    }
    if any(trial.one_label for trial in trials):
        answers = ("one label" if trial.one_label else "several labels" for trial in trials)
        yield Fact("answers", "word", tuple(answers))
    for name, values in words.items():
        if (fact := Fact(name, "word", values)).differs:
            yield fact
    yield Fact("epochs trained", "number", tuple(trial.epoch or None for trial in trials))
    yield Fact("time", "time", tuple(trial.seconds or None for trial in trials))


def _recipes(contestants: Sequence[Contestant]) -> Iterator[Fact]:
    """What the recipes of several sessions ask for differently."""
    if len({contestant.session.path for contestant in contestants}) < 2:
        return
    flat = [dict(_flat(contestant.view.recipe)) for contestant in contestants]
    names = dict.fromkeys(name for values in flat for name in values)
    sections = {name: place for place, name in enumerate(_FIRST_SECTIONS)}
    for name in sorted(names, key=lambda name: sections.get(name.partition(".")[0], 9)):
        fact = Fact(name, "word", tuple(values.get(name) for values in flat))
        if fact.differs and name not in ("data.root", "preset"):
            yield fact


def _flat(recipe: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in recipe.items():
        name = f"{prefix}{key}"
        if key == "groups" and isinstance(value, list):
            for group in value:
                yield from _flat({k: v for k, v in group.items() if k != "name"},
                                 f"{group.get('name', '?')}.")  # fmt: skip
        elif isinstance(value, Mapping) and not {"low", "choices", "like"} & set(value):
            yield from _flat(value, f"{name}.")
        else:
            yield name, _asked(value)


def _asked(value: Any) -> str:
    if isinstance(value, Mapping) and "low" in value:
        scale = " log" if value.get("scale") == "log" else ""
        return f"{_asked(value['low'])}…{_asked(value.get('high'))}{scale}"
    if isinstance(value, Mapping) and "choices" in value:
        return _asked(value["choices"])
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_asked(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_asked, value))
    if isinstance(value, float):
        return bound(value)
    return plain(value)


class Answers:
    """The predictions of contestants, each read once for each evaluation."""

    def __init__(self) -> None:
        self._read: dict[_Key, Predictions | TunerError] = {}
        self._paired: dict[tuple[_Key, _Key], Pairing | TunerError] = {}

    def of(self, contestant: Contestant) -> Predictions:
        """What a contestant answered; TunerError in one line where that cannot be known."""
        return _known(self._read, _key(contestant), lambda: _predictions(contestant))

    def pairing(self, first: Contestant, second: Contestant) -> Pairing:
        """Two contestants row by row; TunerError saying why where their rows are not the same."""
        keys = (_key(first), _key(second))
        return _known(self._paired, keys, lambda: self._pairing(first, second))

    def _pairing(self, first: Contestant, second: Contestant) -> Pairing:
        if first.session.path != second.session.path:
            _check_same_data(first, second)
        one, other = self.of(first), self.of(second)
        if not same_rows(one, other):
            raise TunerError(
                f"{first.name} and {second.name} were scored on other rows ({len(one)} and "
                f"{len(other)}), so no row can be compared"
            )
        view, losses = first.view, (_loss(first), _loss(second))
        difference = prediction_difference(one, other, view.metric, view.labels, losses)
        found = flips(one.gold, one.predicted, other.predicted)
        return Pairing(one, other, found, view.metric, difference)

    def undecided(self, first: Contestant, others: Sequence[Contestant]) -> list[Contestant]:
        """Those of the others that cannot be told apart from the first, as far as it is known.

        By the metric of the first's search, with Holm's correction for as many tests.
        """
        p_values: dict[int, float] = {}
        for place, other in enumerate(others):
            try:
                p_values[place] = self.pairing(first, other).p
            except TunerError:
                continue
        return [others[place] for place in sorted(indistinguishable(p_values))]


def _key(contestant: Contestant) -> _Key:
    kept = contestant.evaluation
    return contestant.session.path, contestant.trial.number, kept.step if kept else None


def _loss(contestant: Contestant) -> float:
    kept = contestant.evaluation
    return math.nan if kept is None else kept.metrics.get("loss", math.nan)


def _predictions(contestant: Contestant) -> Predictions:
    return kept_predictions(contestant.session, contestant.trial)


def _known(found: dict[_K, _V | TunerError], key: _K, find: Callable[[], _V]) -> _V:
    """What was found for a key, good or bad, found out once."""
    if key not in found:
        try:
            found[key] = find()
        except TunerError as error:
            found[key] = error
    value = found[key]
    if isinstance(value, TunerError):
        raise TunerError(str(value))
    return value


def _check_same_data(first: Contestant, second: Contestant) -> None:
    """Raise TunerError where two sessions' row numbers may not mean the same rows."""
    if first.view.labels != second.view.labels:
        raise TunerError(f"{first.name} and {second.name} have other labels")
    try:
        same = row_texts(first.session) == row_texts(second.session)
    except TunerError as error:
        raise TunerError(f"whether the rows are the same is not known: {error}") from None
    if not same:
        raise TunerError(
            f"{first.name} and {second.name} have other validation rows, so no row can be compared"
        )
