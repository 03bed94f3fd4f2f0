"""`tuner export`: the best hyperparameters, or all trials, for other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tuner.cli.output import print_note, progress_spinner, stream_can_encode
from tuner.cli.session_lookup import named_session
from tuner.export.session_export import ALL, BEST, export_as_text, write_export
from tuner.recipe.findings import ModelDescription
from tuner.recipe.types import Recipe


def export_session(options: argparse.Namespace) -> int:
    """Write to stdout, or to the file given by -o."""
    session = named_session(options)
    to_stdout = options.output in (None, "-")
    text = export_as_text(
        session,
        options.format,
        options.trials or (ALL if options.format == "csv" else BEST),
        _describe_model,
        ascii_only=to_stdout and not stream_can_encode(sys.stdout),
    )
    if to_stdout:
        sys.stdout.write(text)
    else:
        write_export(text, options.output, "-o")
        print_note(f"written to {options.output}")
    return 0


def _describe_model(recipe: Recipe, labels: Sequence[str]) -> ModelDescription:
    from tuner.worker.trainer_queries import query_model_description

    with progress_spinner(f"reading the shape of {recipe.model.name}"):
        return query_model_description(recipe, labels)
