"""`tuner export`: the best hyperparameters, or all trials, for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tuner.cli.output import format_as_json, print_note, progress_spinner, stream_can_encode
from tuner.cli.session_lookup import named_session
from tuner.errors import TunerError
from tuner.export.trial_export import document_as_toml, trials_as_csv, trials_document
from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Recipe
from tuner.recipe.user_paths import describe_os_error, resolve_user_path
from tuner.session.best_document import best_document, load_cached_model
from tuner.session.folder import Session
from tuner.session.search_end import no_best_error
from tuner.session.status import load_current_session
from tuner.session.view import SessionView

PLANNED_FORMATS = ("transformers", "simpletransformers")
BEST, ALL = "best", "all"


def export_session(options: argparse.Namespace) -> int:
    """Write to stdout, or to the file given by -o."""
    if options.format in PLANNED_FORMATS:
        raise TunerError(f"--format {options.format} is not supported yet; use json, toml or csv")
    session = named_session(options)
    to_stdout = options.output in (None, "-")
    text = _export_text(
        session, options, ascii_only=to_stdout and not stream_can_encode(sys.stdout)
    )
    if to_stdout:
        sys.stdout.write(text)
    else:
        write_text_file(resolve_user_path(options.output, "-o"), text)
        print_note(f"written to {options.output}")
    return 0


def _export_text(session: Session, options: argparse.Namespace, *, ascii_only: bool) -> str:
    selection = options.trials or (ALL if options.format == "csv" else BEST)
    view, _ = load_current_session(session)
    if options.format == "csv":
        return trials_as_csv(view, _selected_numbers(view, selection))
    document = (
        current_best_document(session)
        if selection == BEST
        else trials_document(view, _selected_numbers(view, selection))
    )
    if options.format == "toml":
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


def current_best_document(session: Session) -> dict[str, Any]:
    """Return best.json as the log has it now; raises TunerError before the first complete trial."""
    view, _ = load_current_session(session)
    _best_trial_number(view)
    recipe = view.require_recipe() if view.has_recipe else load_recipe(session.recipe_path)
    model = load_cached_model(session) or _read_model_shape(recipe, view)
    document = best_document(session, recipe, view, model)
    assert document is not None, "the view has a best trial"
    return document


def _read_model_shape(recipe: Recipe, view: SessionView) -> ModelDescription:
    """Read the model's shape, for a session folder that lacks the worker's copy of it."""
    from tuner.worker.trainer_queries import query_model_description

    with progress_spinner(f"reading the shape of {recipe.model.name}"):
        return query_model_description(recipe, view.labels)


def write_text_file(path: Path, text: str) -> None:
    """Write a file; raises TunerError if its folder is missing or not writable."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        # Not waiting, since what has this name could be a pipe that nobody reads.
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise TunerError(f"-o {path}: {describe_os_error(error)}") from error
