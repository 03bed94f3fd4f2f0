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

from tuner.cli.event_lines import event_line
from tuner.cli.output import notes
from tuner.results import format as fmt
from tuner.session.budget import seconds_spent, time_budget
from tuner.session.plan import trials_planned
from tuner.session.scores import validation_majority
from tuner.session.status import eta_seconds
from tuner.session.view import SessionView, TrialState, TrialView

SHOWN_EVENTS = 6
SHOWN_RUNNING = 4
BAR_WIDTH = 30
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED, TrialState.FAILED)


class LiveReporter:
    """Redraws a few lines at the bottom of the terminal, on stderr."""

    def __init__(self, view: SessionView) -> None:
        self._events: deque[str] = deque(maxlen=SHOWN_EVENTS)
        self._live = Live(
            picture(view, self._events),
            console=notes(),
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

    def update(self, view: SessionView, events: list[Any]) -> None:
        """Redraw, with the last of the events."""
        lines = (event_line(event, view) for event in events)
        self._events.extend(line for line in lines if line is not None)
        self._live.update(picture(view, self._events), refresh=True)

    def say(self, text: str) -> None:
        """Shown among the events from the next drawing on."""
        self._events.append(text)


def picture(view: SessionView, events: deque[str]) -> RenderableType:
    """All that is shown at one moment."""
    running = [trial for trial in view.trials.values() if trial.state is TrialState.RUNNING]
    bars = Table.grid(padding=(0, 1))
    bars.add_row(
        Text(view.name, style="bold"),
        _bar(view.count(*ENDED), trials_planned(view)),
        Text(study_line(view), overflow="ellipsis", no_wrap=True),
    )
    for trial in running[:SHOWN_RUNNING]:
        bars.add_row(
            Text(f"trial {trial.number}"),
            _bar(trial.step, trial.of),
            Text(trial_line(trial, view.metric), overflow="ellipsis", no_wrap=True),
        )
    lines = (Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in events)
    return Group(*lines, bars)


def _bar(done: int, of: int) -> ProgressBar:
    return ProgressBar(total=max(of, 1), completed=done, width=BAR_WIDTH)


def study_line(view: SessionView) -> str:
    """`3/12 trials · best accuracy 0.8123 (trial 2) · 4 m left`."""
    parts = [f"{view.count(*ENDED)}/{trials_planned(view)} trials"]
    best = view.best_trial()
    if best is not None and best.value is not None:
        floor = validation_majority(view)
        beside = "" if floor is None else f", majority {fmt.score(floor.value)}"
        parts.append(f"best {view.metric} {fmt.score(best.value)} (trial {best.number}{beside})")
    budget = time_budget(view)
    if budget is not None:
        parts.append(f"{fmt.clock(seconds_spent(view))} of {fmt.clock(budget)}")
    left = eta_seconds(view)
    if left is not None:
        parts.append(f"{fmt.duration_words(left)} left")
    return " · ".join(parts)


def trial_line(trial: TrialView, metric: str) -> str:
    """`step 120/600 · loss 0.5312 · accuracy 0.7321 · 41 s`."""
    parts = [f"step {trial.step}/{trial.of}"]
    if trial.loss is not None:
        parts.append(f"loss {fmt.score(trial.loss)}")
    if trial.value is not None:
        parts.append(f"{metric} {fmt.score(trial.value)}")
    if trial.seconds:
        parts.append(fmt.clock(trial.seconds))
    return " · ".join(parts)
