"""`tuner export`: the best hyperparameters, or all trials, for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tuner.cli.output import as_json, can_encode, note, working
from tuner.cli.places import named_session
from tuner.errors import NotFinished, TunerError
from tuner.export.rows import trials_csv
from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import load, parse
from tuner.recipe.types import Recipe
from tuner.session.best import best_document, cached_model
from tuner.session.fold import load_view
from tuner.session.folder import Session
from tuner.session.view import SessionView

LATER = ("toml", "transformers", "simpletransformers")


def export(options: argparse.Namespace) -> int:
    """Write to stdout, or to the file that -o names."""
    if options.format in LATER:
        raise TunerError(f"--format {options.format} is not in this version; json and csv are")
    session = named_session(options)
    to_stdout = options.output in (None, "-")
    if options.format == "csv":
        text = trials_csv(load_view(session))
    else:
        text = as_json(best(session), ascii_only=to_stdout and not can_encode(sys.stdout))
    if to_stdout:
        sys.stdout.write(text)
    else:
        write(Path(options.output), text)
        note(f"written to {options.output}")
    return 0


def best(session: Session) -> dict[str, Any]:
    """best.json as the log tells it now; raises NotFinished before the first complete trial."""
    view = load_view(session)
    if view.best is None:
        raise NotFinished(f"{session.name} has no complete trial yet: nothing to export")
    recipe = (
        parse(view.recipe, str(session.events_path)) if view.recipe else load(session.recipe_path)
    )
    model = cached_model(session) or _described(recipe, view)
    document = best_document(recipe, view, model)
    assert document is not None, "the view has a best trial"
    return document


def _described(recipe: Recipe, view: SessionView) -> ModelDescription:
    """The model's shape, read anew where the worker's copy is not in the folder."""
    from tuner.worker.inspect import describe_model

    with working(f"reading the shape of {recipe.model.name}"):
        return describe_model(recipe, view.labels)


def write(path: Path, text: str) -> None:
    """Write a file; raises TunerError where its folder is missing or closed."""
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise TunerError(f"-o {path}: {(error.strerror or str(error)).lower()}") from error
