"""A session as JSON, TOML or CSV: what `tuner export` writes and the screens preview."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from tuner.errors import TunerError
from tuner.export.trial_export import document_as_toml, trials_as_csv, trials_document
from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Recipe
from tuner.recipe.user_paths import describe_os_error, resolve_user_path
from tuner.results.json_text import format_as_json
from tuner.session.best_document import best_document, load_cached_model
from tuner.session.folder import Session
from tuner.session.search_end import no_best_error
from tuner.session.status import load_current_session
from tuner.session.view import SessionView

BEST, ALL = "best", "all"
DescribeModel = Callable[[Recipe, Sequence[str]], ModelDescription]
"""Reads a model's shape, for a session folder that lacks the worker's copy of it."""


def export_as_text(
    session: Session,
    format_name: str,
    trials: str,
    describe_model: DescribeModel,
    *,
    ascii_only: bool = False,
) -> str:
    """Return the trials that "best", "all" or "9,12" names, as the log has them now.

    Raises TunerError where there is no such trial, or none is complete yet.
    """
    view, _ = load_current_session(session)
    if format_name == "csv":
        return trials_as_csv(view, _selected_numbers(view, trials))
    document = (
        _current_best_document(session, view, describe_model)
        if trials == BEST
        else trials_document(view, _selected_numbers(view, trials))
    )
    if format_name == "toml":
        return document_as_toml(document)
    return format_as_json(document, ascii_only=ascii_only)


def _selected_numbers(view: SessionView, selection: str) -> list[int] | None:
    """Return the trial numbers that "best", "all" or "9,12" names; None means all."""
    if selection == ALL:
        return None
    if selection == BEST:
        return [_best_trial_number(view)]
    parts = selection.split(",")
    unknown = next((p for p in parts if not p.isdecimal() or int(p) not in view.trials), None)
    if unknown is not None:
        existing = f"0 to {max(view.trials)}" if view.trials else "none yet"
        raise TunerError(
            f"--trials: {view.name} has no trial {unknown!r}; its trials are {existing}, "
            f"or write {BEST} or {ALL}"
        )
    return sorted({int(part) for part in parts})


def _best_trial_number(view: SessionView) -> int:
    if view.best is None:
        raise no_best_error(view, view.name, "nothing to export")
    return view.best


def _current_best_document(
    session: Session, view: SessionView, describe_model: DescribeModel
) -> dict[str, Any]:
    _best_trial_number(view)
    recipe = view.require_recipe() if view.has_recipe else load_recipe(session.recipe_path)
    model = load_cached_model(session) or describe_model(recipe, view.labels)
    document = best_document(session, recipe, view, model)
    assert document is not None, "the view has a best trial"
    return document


def write_export(text: str, target: str, option: str) -> None:
    """Write a file; raise TunerError, naming the option, if that cannot be done."""
    path = resolve_user_path(target, option)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        # Not waiting, since what has this name could be a pipe that nobody reads.
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise TunerError(f"{option} {path}: {describe_os_error(error)}") from error
