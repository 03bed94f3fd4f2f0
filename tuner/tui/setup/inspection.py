"""What is known about the model and the data: asked for in threads, answered as messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from textual.message import Message
from textual.message_pump import MessagePump

from tuner.errors import TunerError
from tuner.recipe.baselines import TINY_HIDDEN_SIZE, published_recipe
from tuner.recipe.findings import CheckReport, Finding, ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.types import GroupSpec, Parameter, Recipe, ResolvedGroup
from tuner.results.format import format_count
from tuner.session.folder import Session
from tuner.tui.setup.checks import CheckLine, finding_lines
from tuner.tui.setup.hints import HintContext


def describe_model(recipe: Recipe) -> ModelDescription:
    """Read the model's parameters in a child process (seconds). Raises TunerError."""
    from tuner.worker.trainer_queries import query_model_description as describe

    return describe(recipe)


def check_before_training(recipe: Recipe, rehearse: bool) -> CheckReport:
    """Check in a child process all that can be known before training.

    Seconds; with `rehearse`, which loads the weights and tries a step, perhaps minutes.
    """
    from tuner.worker.trainer_queries import query_session_check

    return query_session_check(recipe, rehearse=rehearse)


def start_session(session: Session) -> None:
    """Start the worker and wait until it reports so; TunerError where it does not."""
    from tuner.worker.launch import start_worker

    start_worker(session)


def pause_running_session(session: Session) -> None:
    """Ask the worker to pause and wait until it has ended; TunerError where it does not."""
    from tuner.worker.control import pause_session

    pause_session(session)


FAILURES = (TunerError, RuntimeError, OSError)
"""What the services raise: a wrong input, a child process that failed or could not be started.

None of them may take the screen and its unsaved edits with it.
"""


@dataclass(frozen=True, slots=True)
class Services:
    """The slow calls that leave this process; tests pass their own."""

    describe: Callable[[Recipe], ModelDescription] = describe_model
    check: Callable[[Recipe, bool], CheckReport] = check_before_training
    start: Callable[[Session], None] = start_session
    pause: Callable[[Session], None] = pause_running_session


CHECKING = {
    "quick": "checking data, model and disk…",
    "step": "checking data, model and disk, then testing a step…",
}
NOT_TRIED = "the weights and a first step are not tested yet · c tests them"


class ModelDescribed(Message):
    """The model was described, or `model` is None and `problem` says why not."""

    def __init__(self, key: str, model: ModelDescription | None, problem: str = "") -> None:
        super().__init__()
        self.key, self.model, self.problem = key, model, problem


class ChecksFinished(Message):
    """The checks of the recipe with this text are done."""

    def __init__(self, text: str, report: CheckReport, part: str) -> None:
        super().__init__()
        self.text, self.report, self.part = text, report, part


class StartEnded(Message):
    """The worker has started, or `problem` says why not."""

    def __init__(self, problem: str = "") -> None:
        super().__init__()
        self.problem = problem


class ThreadFailed(Message):
    """A thread hit a bug: raised again in the app, which shows its trace."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def run_in_background(target: MessagePump, work: Callable[[], Message]) -> None:
    """Run `work` in a thread and post the message that it returns.

    The thread is a daemon, because a child process that still reads a model must not keep the
    terminal from closing; Textual's own thread workers are waited for at the end.
    """

    def post_result() -> None:
        try:
            message = work()
        except Exception as error:  # noqa: BLE001
            message = ThreadFailed(error)
        target.post_message(message)

    threading.Thread(target=post_result, daemon=True).start()


def model_cache_key(recipe: Recipe) -> str:
    """Return what the model's description depends on: the model, and the data for its labels."""
    return repr((recipe.model.name, recipe.model.revision, recipe.data.train, recipe.data.label))


def describe_recipe_model(services: Services, recipe: Recipe) -> ModelDescribed:
    key = model_cache_key(recipe)
    try:
        return ModelDescribed(key, services.describe(recipe))
    except FAILURES as error:
        return ModelDescribed(key, None, _error_in_one_line(error))


def slow_check_inputs(recipe: Recipe) -> str:
    """Return what the slow checks look at: where it changes, they are run again."""
    search = recipe.search
    return repr((recipe.model, recipe.data, search.metric, search.sampler, search.grid_points))


def run_slow_checks(
    services: Services, recipe: Recipe, text: str, rehearse: bool
) -> ChecksFinished:
    """Check a recipe; an error that stops the checks is itself a finding."""
    try:
        report = services.check(recipe, rehearse)
    except FAILURES as error:
        report = CheckReport([Finding("error", "recipe", _error_in_one_line(error))])
    return ChecksFinished(text, report, slow_check_inputs(recipe))


def launch_worker(services: Services, session: Session, *, pause_first: bool) -> StartEnded:
    """Start the worker, where one runs after it has paused."""
    try:
        if pause_first:
            services.pause(session)
        services.start(session)
    except FAILURES as error:
        return StartEnded(_error_in_one_line(error))
    return StartEnded()


def _error_in_one_line(error: Exception) -> str:
    """Return the message, or of a child process's trace the last line, which names the error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if isinstance(error, TunerError) or not lines:
        return " ".join(lines)
    return f"{lines[0].rstrip(':')}: {lines[-1].strip()}" if len(lines) > 1 else lines[0]


@dataclass(frozen=True, slots=True)
class Partition:
    """How the groups divide the model; `problem` names parameters in no group or in two."""

    sizes: dict[str, int] = field(default_factory=dict)
    total: int = 0
    problem: str = ""
    resolved: tuple[ResolvedGroup, ...] = ()

    @property
    def summary_line(self) -> str:
        if self.problem:
            return self.problem
        return f"every parameter in exactly one group ({format_count(self.total)})"


def parameters_of(model: ModelDescription) -> tuple[Parameter, ...]:
    """Return the parameters in the model's order."""
    return tuple(Parameter(name, tuple(shape)) for name, shape in model.parameters)


def partition_model(groups: tuple[GroupSpec, ...], parameters: tuple[Parameter, ...]) -> Partition:
    """Count the parameters that each group holds."""
    total = sum(parameter.element_count for parameter in parameters)
    try:
        resolved = resolve_groups(groups, parameters)
    except TunerError as error:
        return Partition(total=total, problem=str(error))
    sizes = {group.name: 0 for group in groups}
    sizes |= {group.spec.name: group.element_count for group in resolved}
    return Partition(sizes, total, resolved=resolved)


@dataclass(slots=True)
class Inspection:
    """What has arrived so far; models are kept by what they depend on, for undo."""

    described_models: dict[str, ModelDescribed] = field(default_factory=dict)
    requested_models: set[str] = field(default_factory=set)
    finished_checks: ChecksFinished | None = None
    running_checks: Literal["", "quick", "step"] = ""
    rehearse_next: bool = False

    def model_answer(self, recipe: Recipe) -> ModelDescribed | None:
        """Return the description of this recipe's model, None until it has arrived."""
        return self.described_models.get(model_cache_key(recipe))

    def needs_new_checks(self, recipe: Recipe) -> bool:
        """Check whether model or data have changed since the slow checks."""
        return self.finished_checks is not None and self.finished_checks.part != slow_check_inputs(
            recipe
        )

    def error_count_text(self, text: str) -> str:
        """Say how many errors the checks found in exactly this recipe; "" for none or another."""
        if self.finished_checks is None or self.finished_checks.text != text:
            return ""
        error_count = sum(
            finding.level == "error" for finding in self.finished_checks.report.findings
        )
        return f"{error_count} error{'s' if error_count > 1 else ''}" if error_count else ""

    def checked_labels(self) -> list[str]:
        """Return the labels that the checks found, [] before."""
        return [] if self.finished_checks is None else list(self.finished_checks.report.labels)

    def model_parameters(self, recipe: Recipe) -> tuple[Parameter, ...] | None:
        """Return the model's parameters, None until they are known."""
        answer = self.model_answer(recipe)
        return parameters_of(answer.model) if answer and answer.model else None

    def hint_context(self, recipe: Recipe, rows: int | None = None) -> HintContext:
        """Return what hints depend on; `rows` are the trials', used until the checks ran."""
        answer = self.model_answer(recipe)
        checked_rows = (
            None if self.finished_checks is None else self.finished_checks.report.rows.get("train")
        )
        if answer is None or answer.model is None:
            return HintContext(rows=checked_rows or rows)
        size = sum(parameter.element_count for parameter in parameters_of(answer.model))
        published = published_recipe(answer.model.model_type, answer.model.hidden_size)
        is_yardstick = recipe.search.baseline and answer.model.hidden_size >= TINY_HIDDEN_SIZE
        baseline = published if is_yardstick else None
        return HintContext(size, checked_rows or rows, baseline, answer.model.layers)

    def status_lines(self, recipe: Recipe, partition: Partition) -> list[CheckLine]:
        """Return everything known about the recipe, one line each."""
        return [*self._model_status_lines(recipe, partition), *self._check_status_lines()]

    def _model_status_lines(self, recipe: Recipe, partition: Partition) -> list[CheckLine]:
        answer = self.model_answer(recipe)
        if answer is None:
            return [CheckLine("waiting", f"reading the model {recipe.model.name}…")]
        if answer.model is None:
            return [CheckLine("error", answer.problem)]
        return [CheckLine("error" if partition.problem else "ok", partition.summary_line)]

    def _check_status_lines(self) -> list[CheckLine]:
        if self.running_checks:
            return [CheckLine("waiting", CHECKING[self.running_checks])]
        if self.finished_checks is None:
            return []
        report = self.finished_checks.report
        lines = finding_lines(report.findings)
        return lines if report.rehearsed else [*lines, CheckLine("hint", NOT_TRIED)]
