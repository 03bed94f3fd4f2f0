"""Questions that need torch, asked of a child process. Light to import: no optuna, no torch."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
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
Tell = Callable[[str], None]
_REFUSED = 2
_STAGE = b'{"stage":'


def describe_model(model: Recipe | str, labels: Sequence[str] = ()) -> ModelDescription:
    """The shape of a recipe's model, or of one by hub id or folder, with this many labels.

    Raises TunerError where it cannot be read.
    """
    request: dict[str, Any] = (
        {"model": model} if isinstance(model, str) else {"recipe": recipe_to_dict(model)}
    )
    return _ask("describe", request | {"labels": list(labels)}, ModelDescription)


def check_session(
    what: Session | Recipe, *, rehearse: bool = True, tell: Tell = lambda _stage: None
) -> CheckReport:
    """All that can be known before training, of a session or of a recipe alone.

    With `rehearse`, weights are loaded and a step is tried (else seconds); `tell` hears the stage.
    """
    request: dict[str, Any] = {"rehearse": rehearse, "session": None}
    if isinstance(what, Session):
        request |= {"recipe": recipe_to_dict(load(what.recipe_path))}
        request |= {"session": str(what.path.resolve())}
    else:
        request |= {"recipe": recipe_to_dict(what)}
    return _ask("check", request, CheckReport, tell)


def _ask(
    question: str,
    request: dict[str, Any],
    answer: type[Answer],
    tell: Tell = lambda _stage: None,
) -> Answer:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*trainer_command(), question],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            last = _last_line(process, msgspec.json.encode(request), tell)
            code = process.wait()
        finally:
            process.terminate()
            process.wait()
        errors.seek(0)
        printed = errors.read().decode("utf-8", "replace")
    if code == 0:
        return msgspec.json.decode(last, type=answer)
    raise _failure(question, code, [line for line in printed.splitlines() if line.strip()])


def _last_line(process: subprocess.Popen[bytes], request: bytes, tell: Tell) -> bytes:
    """Hand the request over and wait; the lines before the last one name stages."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(request)
    last = b""
    for last in process.stdout:
        if last.startswith(_STAGE):
            tell(msgspec.json.decode(last)["stage"])
    return last


def _failure(question: str, code: int, lines: Sequence[str]) -> Exception:
    if code == _REFUSED and lines:
        return TunerError(lines[-1])
    if code < 0:
        return TunerError(
            f"reading model and data was ended by signal {-code}: one of their files "
            "may be damaged, or memory short"
        )
    return RuntimeError(f"{question} ended with exit code {code}:\n" + "\n".join(lines))
