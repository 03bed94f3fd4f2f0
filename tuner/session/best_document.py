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
from tuner.recipe.rates import RatedParamGroup, rated_param_groups
from tuner.recipe.space import build_trial_config, keep_present_groups
from tuner.recipe.types import Parameter, Recipe
from tuner.results.intervals import Interval
from tuner.results.majority import Majority
from tuner.session.folder import Session, write_private_file
from tuner.session.kept_evaluation import kept_evaluation
from tuner.session.scores import (
    complete_baseline_trial,
    interval_of_matrix,
    interval_of_trial,
    majority_of_matrix,
    majority_of_validation,
)
from tuner.session.suggested_command import command_line
from tuner.session.view import SessionView, TrialView

BEST_SCHEMA = "tuner/best/1"
MODEL_FILE = "model.json"


def best_document(
    session: Session, recipe: Recipe, view: SessionView, model: ModelDescription
) -> dict[str, Any] | None:
    """Build the content of best.json; None while no trial is complete.

    It follows from its arguments alone, of the session the predictions: `created` is when the best
    trial ended, in UTC.
    """
    best = view.find_best_trial()
    if best is None:
        return None
    resolved = resolve_groups(recipe.groups, [Parameter(n, tuple(s)) for n, s in model.parameters])
    recipe = keep_present_groups(recipe, [group.spec.name for group in resolved])
    config = build_trial_config(recipe, {**best.params, **best.fixed}, best.number)
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
        "groups": [_group_document(level) for level in rated_param_groups(resolved, config)],
        "training": _training_document(recipe, config),
        "validation": _validation_document(session, view, best),
        "majority": figures_as_object(majority_of_validation(view)),
        "confirmation": None,
        "test": _test_document(view, best),
        "baseline": _baseline_document(view),
        "kernels": None if view.kernels is None else msgspec.to_builtins(view.kernels),
        "versions": package_versions() | view.versions,
        "created": datetime.fromtimestamp(best.ended or 0.0, UTC).isoformat(timespec="seconds"),
    }


def current_best_document(session: Session, view: SessionView) -> dict[str, Any] | None:
    """Build best.json from a session's log as it is now; None while no trial is complete."""
    model = load_cached_model(session)
    if model is None:
        check = command_line("check", session)
        raise TunerError(
            f"{session.cache_folder / MODEL_FILE} is missing, so the parameters of the groups are "
            f"not known: `{check}` tells whether the model can still be read"
        )
    return best_document(session, view.require_recipe(), view, model)


def load_cached_model(session: Session) -> ModelDescription | None:
    """Load the shape of the model that the worker saved; None where no worker has yet."""
    try:
        return msgspec.json.decode(
            (session.cache_folder / MODEL_FILE).read_bytes(), type=ModelDescription
        )
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def save_model_description(session: Session, model: ModelDescription) -> None:
    session.cache_folder.mkdir(mode=0o700, exist_ok=True)
    write_private_file(session.cache_folder / MODEL_FILE, msgspec.json.encode(model).decode())


def package_versions() -> dict[str, str]:
    """Look up the versions of tuner, Python and the packages used, without importing any."""
    from importlib.metadata import PackageNotFoundError, version  # with a parser of e-mails

    versions = {"tuner": __version__, "python": platform.python_version()}
    for package in ("torch", "transformers", "optuna"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _group_document(level: RatedParamGroup) -> dict[str, Any]:
    return {
        "name": level.name,
        "lr": level.lr,
        "weight_decay": level.weight_decay,
        "parameters": [parameter.name for parameter in level.parameters],
    }


def _training_document(recipe: Recipe, config: TrialConfig) -> dict[str, Any]:
    settings_of_trial = msgspec.to_builtins(config)
    for by_group in ("learning_rates", "weight_decays", "layer_decays"):
        del settings_of_trial[by_group]
    return {
        **settings_of_trial,
        "max_length": recipe.model.max_length,
        "precision": recipe.training.precision,
        "data": {key: value for key, value in asdict(recipe.data).items() if value is not None},
    }


def _validation_document(
    session: Session, view: SessionView, best: TrialView
) -> dict[str, Any] | None:
    evaluation = kept_evaluation(best)
    if evaluation is None:
        return None
    return {
        **_scores_document(view, evaluation.metrics, evaluation.confusion),
        "interval": figures_as_object(interval_of_trial(session, view, best)),
        "epoch": evaluation.epoch,
        "step": evaluation.step,
    }


def figures_as_object(figures: Interval | Majority | None) -> dict[str, Any] | None:
    """Return `{low, high, method}` or `{label, value}`; None for what is not known."""
    return None if figures is None else asdict(figures)


def _test_document(view: SessionView, best: TrialView) -> dict[str, Any] | None:
    test = view.scored_test
    if test is None or test.trial != best.number:
        return None
    return {
        **_scores_document(view, test.metrics, test.confusion),
        "interval": figures_as_object(interval_of_matrix(view, test.confusion)),
        "majority": figures_as_object(majority_of_matrix(view, test.confusion)),
        "opened": test.opened,
        "sessions": test.sessions,
    }


def _scores_document(
    view: SessionView, metrics: dict[str, float], confusion: list[list[int]]
) -> dict[str, Any]:
    return {
        **metrics,
        "confusion": {"labels": view.labels, "matrix": confusion},
        "n": sum(map(sum, confusion)),
    }


def _baseline_document(view: SessionView) -> dict[str, Any] | None:
    trial = complete_baseline_trial(view)
    return None if trial is None else {"trial": trial.number, "value": trial.value}
