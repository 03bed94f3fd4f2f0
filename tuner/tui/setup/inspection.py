"""What is known about the model and the data: asked for in threads, answered as messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

from textual.message import Message
from textual.message_pump import MessagePump

from tuner.errors import TunerError
from tuner.recipe.baselines import TINY_HIDDEN_SIZE, published_recipe
from tuner.recipe.findings import CheckReport, Finding, ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.types import GroupSpec, Parameter, Recipe, ResolvedGroup
from tuner.results.format import count_in_words, format_count
from tuner.session.folder import Session
from tuner.tui.setup.checks_pane import CheckLine, finding_lines
from tuner.tui.setup.hints import HintContext
from tuner.worker.control import pause_session
from tuner.worker.launch import start_worker
from tuner.worker.trainer_queries import query_model_description, query_session_check

FAILURES = (TunerError, RuntimeError, OSError)
"""What the services raise: a wrong input, a child process that failed or could not be started.

None of them may take the screen and its unsaved edits with it.
"""


class CheckRecipe(Protocol):
    """Check all that can be known before training.

    Seconds; with `rehearse`, which loads the weights and tries a step, perhaps minutes.
    """

    def __call__(self, recipe: Recipe, /, *, rehearse: bool) -> CheckReport: ...


@dataclass(frozen=True, slots=True)
class Services:
    """The slow calls that leave this process; tests pass their own."""

    describe: Callable[[Recipe], ModelDescription] = query_model_description
    check: CheckRecipe = query_session_check
    start: Callable[[Session], None] = start_worker
    pause: Callable[[Session], None] = pause_session


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

    def __init__(self, text: str, report: CheckReport, inputs: str) -> None:
        super().__init__()
        self.text, self.report, self.inputs = text, report, inputs


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
        report = services.check(recipe, rehearse=rehearse)
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


@lru_cache(maxsize=2)
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


class Inspection:
    """What background threads have found out about the model and the data.

    Their messages go to `target`, which hands them to `receive_model` and `receive_checks`; models
    are kept by what they depend on, for undo.
    """

    def __init__(self, services: Services, target: MessagePump) -> None:
        self._services, self._target = services, target
        self.described_models: dict[str, ModelDescribed] = {}
        self._requested_models: set[str] = set()
        self.finished_checks: ChecksFinished | None = None
        self.running_checks: Literal["", "quick", "step"] = ""
        self.rehearse_next = False

    def request_model(self, recipe: Recipe) -> None:
        """Describe the recipe's model in the background, unless that was requested before."""
        key = model_cache_key(recipe)
        if key not in self._requested_models:
            self._requested_models.add(key)
            run_in_background(self._target, lambda: describe_recipe_model(self._services, recipe))

    def receive_model(self, message: ModelDescribed) -> None:
        self.described_models[message.key] = message

    def request_checks(self, recipe: Recipe, text: str, *, rehearse: bool = False) -> None:
        """Run the slow checks in the background; a rehearsal waits for those that are running."""
        if self.running_checks:
            self.rehearse_next |= rehearse and self.running_checks == "quick"
            return
        self.running_checks, self.rehearse_next = "step" if rehearse else "quick", False
        run_in_background(
            self._target, lambda: run_slow_checks(self._services, recipe, text, rehearse)
        )

    def receive_checks(self, message: ChecksFinished) -> None:
        self.finished_checks, self.running_checks = message, ""

    def request_start(self, session: Session, *, pause_first: bool) -> None:
        """Start the worker in the background; `StartEnded` says how that went."""
        run_in_background(
            self._target, lambda: launch_worker(self._services, session, pause_first=pause_first)
        )

    def model_answer(self, recipe: Recipe) -> ModelDescribed | None:
        """Return the description of this recipe's model, None until it has arrived."""
        return self.described_models.get(model_cache_key(recipe))

    def needs_new_checks(self, recipe: Recipe) -> bool:
        """Check whether model or data have changed since the slow checks."""
        checks = self.finished_checks
        return checks is not None and checks.inputs != slow_check_inputs(recipe)

    def is_outdated(self, text: str) -> bool:
        """Check whether the recipe has changed at all since the slow checks."""
        return self.finished_checks is not None and self.finished_checks.text != text

    def error_count_text(self, text: str) -> str:
        """Say how many errors the checks found in exactly this recipe; "" for none or another."""
        if self.finished_checks is None or self.finished_checks.text != text:
            return ""
        levels = [finding.level for finding in self.finished_checks.report.findings]
        error_count = levels.count("error")
        return count_in_words(error_count, "error") if error_count else ""

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
        checks = self.finished_checks
        checked_rows = None if checks is None else checks.report.rows.get("train")
        if answer is None or answer.model is None:
            return HintContext(rows=checked_rows or rows)
        size = sum(parameter.element_count for parameter in parameters_of(answer.model))
        published = published_recipe(answer.model.model_type, answer.model.hidden_size)
        is_yardstick = recipe.search.baseline and answer.model.hidden_size >= TINY_HIDDEN_SIZE
        baseline = published if is_yardstick else None
        return HintContext(size, checked_rows or rows, baseline, answer.model.layers)

    def partition(self, groups: tuple[GroupSpec, ...], recipe: Recipe) -> Partition:
        """Divide the recipe's model by these groups; empty until its parameters are known."""
        parameters = self.model_parameters(recipe)
        return Partition() if parameters is None else partition_model(groups, parameters)

    def status_lines(self, recipe: Recipe) -> list[CheckLine]:
        """Return everything known about the recipe, one line each."""
        return [self._model_status_line(recipe), *self._check_status_lines()]

    def _model_status_line(self, recipe: Recipe) -> CheckLine:
        answer = self.model_answer(recipe)
        if answer is None:
            return CheckLine("waiting", f"reading the model {recipe.model.name}…")
        if answer.model is None:
            return CheckLine("error", answer.problem)
        partition = self.partition(recipe.groups, recipe)
        return CheckLine("error" if partition.problem else "ok", partition.summary_line)

    def _check_status_lines(self) -> list[CheckLine]:
        if self.running_checks:
            return [CheckLine("waiting", CHECKING[self.running_checks])]
        if self.finished_checks is None:
            return []
        report = self.finished_checks.report
        lines = finding_lines(report.findings)
        return lines if report.rehearsed else [*lines, CheckLine("hint", NOT_TRIED)]
