"""Questions that need torch, asked of a child process. Light to import: no optuna, no torch."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from tuner.errors import TunerError
from tuner.pool.local import trainer_command
from tuner.recipe.findings import CheckReport, ModelDescription
from tuner.recipe.load import load, recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session.folder import Session
from tuner.worker.score import score_test

__all__ = ["check_session", "describe_model", "score_test"]

Answer = TypeVar("Answer")
_REFUSED = 2


def describe_model(model: Recipe | str, labels: Sequence[str] = ()) -> ModelDescription:
    """The shape of a recipe's model, or of one by hub id or folder, with this many labels.

    Raises TunerError where it cannot be read.
    """
    request: dict[str, Any] = (
        {"model": model} if isinstance(model, str) else {"recipe": recipe_to_dict(model)}
    )
    return _ask("describe", request | {"labels": list(labels)}, ModelDescription)


def check_session(what: Session | Recipe) -> CheckReport:
    """All that can be known before training, of a session or of a recipe alone."""
    if isinstance(what, Session):
        recipe, folder = load(what.recipe_path), str(what.path.resolve())
        return _ask("check", {"recipe": recipe_to_dict(recipe), "session": folder}, CheckReport)
    return _ask("check", {"recipe": recipe_to_dict(what), "session": None}, CheckReport)


def _ask(question: str, request: dict[str, Any], answer: type[Answer]) -> Answer:
    done = subprocess.run(
        [*trainer_command(), question],
        input=msgspec.json.encode(request),
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=answer)
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    if done.returncode == _REFUSED and lines:
        raise TunerError(lines[-1])
    if done.returncode < 0:
        raise TunerError(
            f"reading model and data was ended by signal {-done.returncode}: one of their files "
            "may be damaged, or memory short"
        )
    raise RuntimeError(f"{question} ended with exit code {done.returncode}:\n" + "\n".join(lines))
