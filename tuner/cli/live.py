"""Progress in place: the study's bar, what runs, and the last events."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.cli.event_lines import format_event_line
from tuner.cli.output import stderr_console
from tuner.results import format as fmt
from tuner.session.budget import time_budget_seconds, training_seconds_spent
from tuner.session.scores import majority_of_validation
from tuner.session.status import estimate_seconds_left
from tuner.session.trial_plan import planned_trials_of_view
from tuner.session.view import ENDED_STATES, SessionView, TrialState, TrialView

SHOWN_EVENTS = 6
SHOWN_RUNNING = 4
BAR_WIDTH = 30


class LiveReporter:
    """Redraws a few lines at the bottom of the terminal, on stderr."""

    def __init__(self, view: SessionView) -> None:
        self._events: deque[str] = deque(maxlen=SHOWN_EVENTS)
        self._live = Live(
            progress_display(view, self._events),
            console=stderr_console(),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def report_events(self, view: SessionView, events: list[Any]) -> None:
        lines = (format_event_line(event, view) for event in events)
        self._events.extend(line for line in lines if line is not None)
        self._live.update(progress_display(view, self._events), refresh=True)

    def report_line(self, text: str) -> None:
        """Add a line to the events, visible from the next redraw on."""
        self._events.append(text)


def progress_display(view: SessionView, events: deque[str]) -> RenderableType:
    running = [trial for trial in view.trials.values() if trial.state is TrialState.RUNNING]
    bars = Table.grid(padding=(0, 1))
    bars.add_row(
        Text(view.name, style="bold"),
        _progress_bar(view.count_trials(*ENDED_STATES), planned_trials_of_view(view)),
        Text(study_progress_line(view), overflow="ellipsis", no_wrap=True),
    )
    for trial in running[:SHOWN_RUNNING]:
        bars.add_row(
            Text(f"trial {trial.number}"),
            _progress_bar(trial.step, trial.total_steps),
            Text(trial_progress_line(trial, view.metric), overflow="ellipsis", no_wrap=True),
        )
    lines = (Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in events)
    return Group(*lines, bars)


def _progress_bar(done: int, total: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH)


def study_progress_line(view: SessionView) -> str:
    """Return `3/12 trials · best accuracy 0.8123 (trial 2) · 4 m left`."""
    parts = [f"{view.count_trials(*ENDED_STATES)}/{planned_trials_of_view(view)} trials"]
    best = view.find_best_trial()
    if best is not None and best.value is not None:
        floor = majority_of_validation(view)
        beside = "" if floor is None else f", majority {fmt.format_score(floor.value)}"
        parts.append(
            f"best {view.metric} {fmt.format_score(best.value)} (trial {best.number}{beside})"
        )
    budget = time_budget_seconds(view)
    if budget is not None:
        parts.append(
            f"{fmt.format_clock(training_seconds_spent(view))} of {fmt.format_clock(budget)}"
        )
    remaining_seconds = estimate_seconds_left(view)
    if remaining_seconds is not None:
        parts.append(f"{fmt.format_duration_in_words(remaining_seconds)} left")
    return " · ".join(parts)


def trial_progress_line(trial: TrialView, metric: str) -> str:
    """Return `step 120/600 · loss 0.5312 · accuracy 0.7321 · 41 s`."""
    parts = [f"step {trial.step}/{trial.total_steps}"]
    if trial.loss is not None:
        parts.append(f"loss {fmt.format_score(trial.loss)}")
    if trial.value is not None:
        parts.append(f"{metric} {fmt.format_score(trial.value)}")
    if trial.seconds:
        parts.append(fmt.format_clock(trial.seconds))
    return " · ".join(parts)
