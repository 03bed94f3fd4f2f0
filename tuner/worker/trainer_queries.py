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
from tuner.recipe.load import load_recipe, recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.worker.session_kernels import kernels_for_trainer

Answer = TypeVar("Answer")
ReportStage = Callable[[str], None]
_REFUSED = 2
_STAGE = b'{"stage":'


def query_model_description(
    recipe_or_name: Recipe | str, labels: Sequence[str] = ()
) -> ModelDescription:
    """Return the shape of a recipe's model, or of one by hub id or folder, with this many labels.

    Raises TunerError where it cannot be read.
    """
    request: dict[str, Any] = (
        {"model": recipe_or_name}
        if isinstance(recipe_or_name, str)
        else {"recipe": recipe_to_dict(recipe_or_name)}
    )
    return _query_trainer("describe", request | {"labels": list(labels)}, ModelDescription)


def query_session_check(
    session_or_recipe: Session | Recipe,
    *,
    rehearse: bool = True,
    report_stage: ReportStage = lambda _stage: None,
) -> CheckReport:
    """Check all that can be known before training, of a session or of a recipe alone.

    With `rehearse`, weights are loaded and a step is tried (else seconds); `report_stage` hears the
    stage.
    """
    request: dict[str, Any] = {"rehearse": rehearse, "session": None}
    if isinstance(session_or_recipe, Session):
        request |= {"recipe": recipe_to_dict(load_recipe(session_or_recipe.recipe_path))}
        request |= {"session": str(session_or_recipe.path.resolve())}
        kernels, rule = kernels_for_trainer(load_session_view(session_or_recipe))
        request |= {"kernels": kernels, "kernels_rule": rule}
    else:
        request |= {"recipe": recipe_to_dict(session_or_recipe)}
    return _query_trainer("check", request, CheckReport, report_stage)


def _query_trainer(
    question: str,
    request: dict[str, Any],
    answer: type[Answer],
    report_stage: ReportStage = lambda _stage: None,
) -> Answer:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*trainer_command(), question],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            last = _send_request_and_read(process, msgspec.json.encode(request), report_stage)
            code = process.wait()
        finally:
            process.terminate()
            process.wait()
        errors.seek(0)
        printed = errors.read().decode("utf-8", "replace")
    if code == 0:
        return msgspec.json.decode(last, type=answer)
    raise _query_error(question, code, [line for line in printed.splitlines() if line.strip()])


def _send_request_and_read(
    process: subprocess.Popen[bytes], request: bytes, report_stage: ReportStage
) -> bytes:
    """Send the request and wait for the answer; the lines before it name stages."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(request)
    last_line = b""
    for last_line in process.stdout:
        if last_line.startswith(_STAGE):
            report_stage(msgspec.json.decode(last_line)["stage"])
    return last_line


def _query_error(question: str, code: int, lines: Sequence[str]) -> Exception:
    if code == _REFUSED and lines:
        return TunerError(lines[-1])
    if code < 0:
        return TunerError(
            f"reading model and data was killed by signal {-code}: one of their files "
            "may be damaged, or memory too small"
        )
    return RuntimeError(f"{question} exited with code {code}:\n" + "\n".join(lines))
