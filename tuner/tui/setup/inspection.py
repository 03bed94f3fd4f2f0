"""What is known about the model and the data: asked for in threads, answered as messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from textual.message import Message
from textual.message_pump import MessagePump

from tuner.errors import TunerError
from tuner.recipe.baselines import TINY, published_recipe
from tuner.recipe.findings import CheckReport, Finding, ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.types import GroupSpec, Parameter, Recipe, ResolvedGroup
from tuner.results.format import count
from tuner.session.folder import Session
from tuner.tui.setup.checks import Line, finding_lines
from tuner.tui.setup.hints import Known


def describe_model(recipe: Recipe) -> ModelDescription:
    """The model's parameters, read in a child process (seconds); TunerError where it cannot be."""
    from tuner.worker.inspect import describe_model as describe

    return describe(recipe)


def check_recipe(recipe: Recipe, rehearse: bool) -> CheckReport:
    """All that can be known before training, found in a child process.

    Seconds; with `rehearse`, which loads the weights and tries a step, perhaps minutes.
    """
    from tuner.worker.inspect import check_session

    return check_session(recipe, rehearse=rehearse)


def start_session(session: Session) -> None:
    """Starts the worker and waits until it has said so; TunerError where it did not."""
    from tuner.worker.launch import start

    start(session)


def pause_session(session: Session) -> None:
    """Asks the worker to pause and waits until it has ended; TunerError where it does not."""
    from tuner.worker.control import pause

    pause(session)


FAILURES = (TunerError, RuntimeError, OSError)
"""What the services raise: a wrong input, a child process that broke or could not be started.

None of them may take the screen and its unsaved edits with it.
"""


@dataclass(frozen=True, slots=True)
class Services:
    """The slow things outside of this process; tests put their own in."""

    describe: Callable[[Recipe], ModelDescription] = describe_model
    check: Callable[[Recipe, bool], CheckReport] = check_recipe
    start: Callable[[Session], None] = start_session
    pause: Callable[[Session], None] = pause_session


CHECKING = {
    "quick": "checking data, model and disk…",
    "step": "checking data, model and disk, then trying a step…",
}
NOT_TRIED = "the weights and a first step are not tried yet · c tries them"


class ModelRead(Message):
    """The model was read, or could not be: then `model` is None and `problem` says why."""

    def __init__(self, key: str, model: ModelDescription | None, problem: str = "") -> None:
        super().__init__()
        self.key, self.model, self.problem = key, model, problem


class Checked(Message):
    """The checks are done for the recipe with this text."""

    def __init__(self, text: str, report: CheckReport, part: str) -> None:
        super().__init__()
        self.text, self.report, self.part = text, report, part


class StartEnded(Message):
    """The worker has started, or `problem` says why not."""

    def __init__(self, problem: str = "") -> None:
        super().__init__()
        self.problem = problem


class Broke(Message):
    """A thread met a bug: raised again where the app can show its trace."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def in_background(target: MessagePump, work: Callable[[], Message]) -> None:
    """Runs `work` in a thread and posts what it returns.

    The thread is a daemon, because a child process that still reads a model must not keep the
    terminal from closing; Textual's own thread workers are waited for at the end.
    """

    def run() -> None:
        try:
            message = work()
        except Exception as error:  # noqa: BLE001
            message = Broke(error)
        target.post_message(message)

    threading.Thread(target=run, daemon=True).start()


def model_key(recipe: Recipe) -> str:
    """What the model's description depends on: the model, and the data for its labels."""
    return repr((recipe.model.name, recipe.model.revision, recipe.data.train, recipe.data.label))


def read_model(services: Services, recipe: Recipe) -> ModelRead:
    """The message about one model."""
    key = model_key(recipe)
    try:
        return ModelRead(key, services.describe(recipe))
    except FAILURES as error:
        return ModelRead(key, None, _one_line(error))


def checked_part(recipe: Recipe) -> str:
    """What the slow checks look at: where it changes, they are run again."""
    search = recipe.search
    return repr((recipe.model, recipe.data, search.metric, search.sampler, search.grid_points))


def run_checks(services: Services, recipe: Recipe, text: str, rehearse: bool) -> Checked:
    """The message about one recipe; an error that stops the checks is itself a finding."""
    try:
        report = services.check(recipe, rehearse)
    except FAILURES as error:
        report = CheckReport([Finding("error", "recipe", _one_line(error))])
    return Checked(text, report, checked_part(recipe))


def start_worker(services: Services, session: Session, *, pause_first: bool) -> StartEnded:
    """The message about a start, of a worker that runs after it has paused."""
    try:
        if pause_first:
            services.pause(session)
        services.start(session)
    except FAILURES as error:
        return StartEnded(_one_line(error))
    return StartEnded()


def _one_line(error: Exception) -> str:
    """The message, or of a child process' trace its last line, where the error is named."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if isinstance(error, TunerError) or not lines:
        return " ".join(lines)
    return f"{lines[0].rstrip(':')}: {lines[-1].strip()}" if len(lines) > 1 else lines[0]


@dataclass(frozen=True, slots=True)
class Partition:
    """How the groups divide the model. `problem` names parameters that are in none or in two."""

    sizes: dict[str, int] = field(default_factory=dict)
    total: int = 0
    problem: str = ""
    resolved: tuple[ResolvedGroup, ...] = ()

    @property
    def line(self) -> str:
        """One line that says it."""
        if self.problem:
            return self.problem
        return f"every parameter in exactly one group ({count(self.total)})"


def parameters_of(model: ModelDescription) -> tuple[Parameter, ...]:
    """The model's parameters in its order."""
    return tuple(Parameter(name, tuple(shape)) for name, shape in model.parameters)


def divide(groups: tuple[GroupSpec, ...], parameters: tuple[Parameter, ...]) -> Partition:
    """Which group holds how much of the model."""
    total = sum(parameter.size for parameter in parameters)
    try:
        resolved = resolve_groups(groups, parameters)
    except TunerError as error:
        return Partition(total=total, problem=str(error))
    sizes = {group.name: 0 for group in groups}
    sizes |= {group.spec.name: group.size for group in resolved}
    return Partition(sizes, total, resolved=resolved)


@dataclass(slots=True)
class Knowledge:
    """What has arrived so far; models are kept by what they depend on, for undo."""

    models: dict[str, ModelRead] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    checked: Checked | None = None
    checking: Literal["", "quick", "step"] = ""
    rehearse_next: bool = False

    def about(self, recipe: Recipe) -> ModelRead | None:
        """The answer about this recipe's model, if there is one yet."""
        return self.models.get(model_key(recipe))

    def outdated(self, recipe: Recipe) -> bool:
        """Whether model or data are no longer those that the slow checks looked at."""
        return self.checked is not None and self.checked.part != checked_part(recipe)

    def errors(self, text: str) -> str:
        """How many errors the checks found in this very recipe, "" for none or other recipes."""
        if self.checked is None or self.checked.text != text:
            return ""
        found = sum(finding.level == "error" for finding in self.checked.report.findings)
        return f"{found} error{'s' if found > 1 else ''}" if found else ""

    def labels(self) -> list[str]:
        """The labels that the checks found, [] before."""
        return [] if self.checked is None else list(self.checked.report.labels)

    def parameters(self, recipe: Recipe) -> tuple[Parameter, ...] | None:
        """The model's parameters, once they are known."""
        answer = self.about(recipe)
        return parameters_of(answer.model) if answer and answer.model else None

    def for_hints(self, recipe: Recipe, rows: int | None = None) -> Known:
        """What hints about this recipe's ranges go by; `rows` are those of a session's trials."""
        answer = self.about(recipe)
        checked = None if self.checked is None else self.checked.report.rows.get("train")
        if answer is None or answer.model is None:
            return Known(rows=checked or rows)
        size = sum(parameter.size for parameter in parameters_of(answer.model))
        published = published_recipe(answer.model.model_type, answer.model.hidden_size)
        is_yardstick = recipe.search.baseline and answer.model.hidden_size >= TINY
        baseline = published if is_yardstick else None
        return Known(size, checked or rows, baseline, answer.model.layers)

    def lines(self, recipe: Recipe, partition: Partition) -> list[Line]:
        """All of it, a line each."""
        return [*self._model_lines(recipe, partition), *self._check_lines()]

    def _model_lines(self, recipe: Recipe, partition: Partition) -> list[Line]:
        answer = self.about(recipe)
        if answer is None:
            return [Line("waiting", f"reading the model {recipe.model.name}…")]
        if answer.model is None:
            return [Line("error", answer.problem)]
        return [Line("error" if partition.problem else "ok", partition.line)]

    def _check_lines(self) -> list[Line]:
        if self.checking:
            return [Line("waiting", CHECKING[self.checking])]
        if self.checked is None:
            return []
        report = self.checked.report
        lines = finding_lines(report.findings)
        return lines if report.rehearsed else [*lines, Line("hint", NOT_TRIED)]
