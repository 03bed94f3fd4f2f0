"""best.json: the best hyperparameters with everything needed to use them elsewhere."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from tuner import __version__
from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.findings import ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import parse
from tuner.recipe.rates import RatedLevel, rated_levels
from tuner.recipe.space import trial_config, with_groups
from tuner.recipe.types import Parameter, Recipe
from tuner.results.intervals import Interval
from tuner.results.majority import Majority
from tuner.session.advice import call
from tuner.session.folder import Session, write_private
from tuner.session.kept import kept_evaluation
from tuner.session.scores import (
    baseline_trial,
    interval_of,
    majority_of,
    matrix_interval,
    validation_majority,
)
from tuner.session.view import SessionView, TrialView

BEST_SCHEMA = "tuner/best/1"
MODEL_FILE = "model.json"


def best_document(
    session: Session, recipe: Recipe, view: SessionView, model: ModelDescription
) -> dict[str, Any] | None:
    """The content of best.json, None while no trial is complete.

    It follows from its arguments alone, of the session the predictions: `created` is when the best
    trial ended, in UTC.
    """
    best = view.best_trial()
    if best is None:
        return None
    resolved = resolve_groups(recipe.groups, [Parameter(n, tuple(s)) for n, s in model.parameters])
    recipe = with_groups(recipe, [group.spec.name for group in resolved])
    config = trial_config(recipe, {**best.params, **best.fixed}, best.number)
    return {
        "schema": BEST_SCHEMA,
        "session": view.name,
        "model": {"name": recipe.model.name, "revision": recipe.model.revision},
        "metric": view.metric,
        "direction": view.direction,
        "trial": best.number,
        "value": best.value,
        "one_label": best.one_label,
        "params": {**best.params, **best.fixed},
        "groups": [_group(level) for level in rated_levels(resolved, config)],
        "training": _training(recipe, config),
        "validation": _validation(session, view, best),
        "majority": as_object(validation_majority(view)),
        "confirmation": None,
        "test": _test(view, best),
        "baseline": _baseline(view),
        "versions": package_versions() | view.versions,
        "created": datetime.fromtimestamp(best.ended or 0.0, UTC).isoformat(timespec="seconds"),
    }


def best_object(session: Session, view: SessionView) -> dict[str, Any] | None:
    """best.json as a session's log tells it now, None while no trial is complete."""
    model = cached_model(session)
    if model is None:
        raise TunerError(
            f"{session.cache_folder / MODEL_FILE} is missing, so the parameters of the groups are "
            f"not known: `{call('check', session)}` tells whether the model can still be read"
        )
    return best_document(session, parse(view.recipe, str(session.events_path)), view, model)


def cached_model(session: Session) -> ModelDescription | None:
    """The shape of the session's model as the worker found it, None where no worker has yet."""
    try:
        return msgspec.json.decode(
            (session.cache_folder / MODEL_FILE).read_bytes(), type=ModelDescription
        )
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def cache_model(session: Session, model: ModelDescription) -> None:
    """Keep the shape of the session's model for later."""
    session.cache_folder.mkdir(mode=0o700, exist_ok=True)
    write_private(session.cache_folder / MODEL_FILE, msgspec.json.encode(model).decode())


def package_versions() -> dict[str, str]:
    """The versions of what takes part, by name, read without importing any of it."""
    from importlib.metadata import PackageNotFoundError, version  # with a parser of e-mails

    versions = {"tuner": __version__, "python": platform.python_version()}
    for package in ("torch", "transformers", "optuna"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _group(level: RatedLevel) -> dict[str, Any]:
    return {
        "name": level.name,
        "lr": level.lr,
        "weight_decay": level.weight_decay,
        "parameters": [parameter.name for parameter in level.parameters],
    }


def _training(recipe: Recipe, config: TrialConfig) -> dict[str, Any]:
    chosen = msgspec.to_builtins(config)
    for by_group in ("learning_rates", "weight_decays", "layer_decays"):
        del chosen[by_group]
    return {
        **chosen,
        "max_length": recipe.model.max_length,
        "precision": recipe.training.precision,
        "data": {key: value for key, value in asdict(recipe.data).items() if value is not None},
    }


def _validation(session: Session, view: SessionView, best: TrialView) -> dict[str, Any] | None:
    kept = kept_evaluation(best)
    if kept is None:
        return None
    return {
        **_scores(view, kept.metrics, kept.confusion),
        "interval": as_object(interval_of(session, view, best)),
        "epoch": kept.epoch,
        "step": kept.step,
    }


def as_object(figures: Interval | Majority | None) -> dict[str, Any] | None:
    """`{low, high, method}` or `{label, value}`, None for what is not known."""
    return None if figures is None else asdict(figures)


def _test(view: SessionView, best: TrialView) -> dict[str, Any] | None:
    test = view.test
    if test is None or test.trial != best.number:
        return None
    return {
        **_scores(view, test.metrics, test.confusion),
        "interval": as_object(matrix_interval(view, test.confusion)),
        "majority": as_object(majority_of(view, test.confusion)),
        "opened": test.opened,
        "sessions": test.sessions,
    }


def _scores(
    view: SessionView, metrics: dict[str, float], confusion: list[list[int]]
) -> dict[str, Any]:
    return {
        **metrics,
        "confusion": {"labels": view.labels, "matrix": confusion},
        "n": sum(map(sum, confusion)),
    }


def _baseline(view: SessionView) -> dict[str, Any] | None:
    trial = baseline_trial(view)
    return None if trial is None else {"trial": trial.number, "value": trial.value}
