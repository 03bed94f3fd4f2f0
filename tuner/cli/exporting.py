"""`tuner export`: the best hyperparameters, or all trials, for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tuner.cli.output import as_json, can_encode, note, working
from tuner.cli.places import named_session
from tuner.errors import TunerError
from tuner.export.rows import as_toml, trials_csv, trials_document
from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import load, parse
from tuner.recipe.types import Recipe
from tuner.recipe.user_paths import reason_of, written_path
from tuner.session.best import best_document, cached_model
from tuner.session.ending import no_best_error
from tuner.session.folder import Session
from tuner.session.status import current
from tuner.session.view import SessionView

LATER = ("transformers", "simpletransformers")
BEST, ALL = "best", "all"


def export(options: argparse.Namespace) -> int:
    """Write to stdout, or to the file that -o names."""
    if options.format in LATER:
        raise TunerError(f"--format {options.format} is not in this version; json, toml, csv are")
    session = named_session(options)
    to_stdout = options.output in (None, "-")
    text = _text(session, options, ascii_only=to_stdout and not can_encode(sys.stdout))
    if to_stdout:
        sys.stdout.write(text)
    else:
        write(written_path(options.output, "-o"), text)
        note(f"written to {options.output}")
    return 0


def _text(session: Session, options: argparse.Namespace, *, ascii_only: bool) -> str:
    wanted = options.trials or (ALL if options.format == "csv" else BEST)
    view, _ = current(session)
    if options.format == "csv":
        return trials_csv(view, _numbers(view, wanted))
    document = best(session) if wanted == BEST else trials_document(view, _numbers(view, wanted))
    if options.format == "toml":
        return as_toml(document)
    return as_json(document, ascii_only=ascii_only)


def _numbers(view: SessionView, wanted: str) -> list[int] | None:
    """Trial numbers of "best", "all" or "9,12"; None are all."""
    if wanted == ALL:
        return None
    if wanted == BEST:
        return [_best_of(view)]
    parts = wanted.split(",")
    unknown = next((p for p in parts if not p.isdecimal() or int(p) not in view.trials), None)
    if unknown is not None:
        known = f"0 to {max(view.trials)}" if view.trials else "none yet"
        raise TunerError(
            f"--trials: {view.name} has no trial {unknown!r}; its trials are {known}, "
            f"or write {BEST} or {ALL}"
        )
    return sorted({int(part) for part in parts})


def _best_of(view: SessionView) -> int:
    if view.best is None:
        raise no_best_error(view, view.name, "nothing to export")
    return view.best


def best(session: Session) -> dict[str, Any]:
    """best.json as the log tells it now; raises TunerError before the first complete trial."""
    view, _ = current(session)
    _best_of(view)
    recipe = (
        parse(view.recipe, str(session.events_path)) if view.recipe else load(session.recipe_path)
    )
    model = cached_model(session) or _described(recipe, view)
    document = best_document(session, recipe, view, model)
    assert document is not None, "the view has a best trial"
    return document


def _described(recipe: Recipe, view: SessionView) -> ModelDescription:
    """The model's shape, read anew where the worker's copy is not in the folder."""
    from tuner.worker.inspect import describe_model

    with working(f"reading the shape of {recipe.model.name}"):
        return describe_model(recipe, view.labels)


def write(path: Path, text: str) -> None:
    """Write a file; raises TunerError where its folder is missing or closed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        # Not waiting, since what has this name could be a pipe that nobody reads.
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise TunerError(f"-o {path}: {reason_of(error)}") from error
