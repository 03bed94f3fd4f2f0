"""Events folded into a view: the one place that says what a log means."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.load import load, recipe_to_dict
from tuner.recipe.origins import repeated
from tuner.results.collapse import only_label
from tuner.results.metrics import direction
from tuner.results.standing import Standing
from tuner.session import events as e
from tuner.session.budget import planned_trials
from tuner.session.ending import cut_short_text, has_result, no_result_reason
from tuner.session.events import AnyEvent, Evaluated, Step, Unknown
from tuner.session.folder import Session
from tuner.session.kept import kept_evaluation
from tuner.session.tail import EventTail
from tuner.session.view import SessionView, TrialState, TrialView

MOST_LOSSES = 400
TERMINAL = frozenset({"session_paused", "session_finished", "session_stopped", "session_failed"})
ENDED = frozenset({TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED, TrialState.FAILED})


def fold(view: SessionView, events: Iterable[AnyEvent | Unknown]) -> set[int]:
    """Change the view by these events and return the numbers of the trials that changed.

    Folding a log in any number of pieces gives the same view as folding it at once.
    """
    changed: set[int] = set()
    for event in events:
        kind = type(event)
        _clock(view, event)
        if kind is not Step:
            view.history.append(event)
        if (of_trial := _OF_A_TRIAL.get(kind)) is not None:
            trial = _trial(view, event)
            of_trial(view, trial, event)
            changed.add(trial.number)
        elif (of_session := _OF_THE_SESSION.get(kind)) is not None:
            changed.update(of_session(view, event))
    return changed


def load_view(session: Session) -> SessionView:
    """The view of everything that is in the log by now.

    A session that never started shows what its recipe asks for, as far as that can be read.
    """
    view = SessionView(name=session.name)
    with _no_garbage_collection():
        fold(view, EventTail(session.events_path).read_all())
    if not view.recipe:
        preview_recipe(view, session)
    return view


def preview_recipe(view: SessionView, session: Session) -> None:
    """Show in the view of a draft what its recipe asks for; one that is not valid shows nothing."""
    try:
        recipe = load(session.recipe_path)
    except (TunerError, FileNotFoundError):
        return
    view.metric, view.direction = recipe.search.metric, direction(recipe.search.metric)
    view.planned = planned_trials(recipe)
    view.recipe = recipe_to_dict(recipe)


def keeps_last(view: SessionView) -> bool:
    """Whether the recipe keeps a trial's last evaluation, not its best one."""
    training = view.recipe.get("training")
    return isinstance(training, dict) and training.get("keep") == "last"


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A long log makes a million objects and no garbage: looking for some doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _clock(view: SessionView, event: AnyEvent | Unknown) -> None:
    seq, now, before = event.seq, event.time, view.last_time
    if seq >= 0:
        view.next_seq = seq + 1
    if now <= 0:
        return
    if before is None:
        view.first_time = now
    elif view.training and now > before and type(event) is not e.WorkerStarted:
        view.search_seconds += now - before
    view.last_time = now


def _trial(view: SessionView, event: Any) -> TrialView:
    trial = view.trials.get(event.trial)
    if trial is None:
        trial = view.trials[event.trial] = TrialView(event.trial)
    return trial


def interrupt(view: SessionView) -> list[int]:
    """Trials that ran without an end are waiting for the next worker; their numbers."""
    running = [t for t in view.trials.values() if t.state is TrialState.RUNNING]
    for trial in running:
        trial.state = TrialState.PAUSED
    return [trial.number for trial in running]


def _end_training(view: SessionView) -> list[int]:
    # Not in `interrupt`: that a worker was lost can be taken back, where its log goes on after all.
    view.training.clear()
    return interrupt(view)


def _session_created(view: SessionView, event: e.SessionCreated) -> list[int]:
    view.name, view.schema, view.lifecycle = event.name, event.schema, "session_created"
    return []


def _worker_started(view: SessionView, event: e.WorkerStarted) -> list[int]:
    view.lifecycle, view.reason, view.over = "worker_started", "", ""
    view.worker_pid, view.worker_host = event.pid, event.host
    view.devices, view.slots = list(event.devices), event.slots
    view.versions = {**view.versions, **event.versions}
    return _end_training(view)


def _session_started(view: SessionView, event: e.SessionStarted) -> list[int]:
    view.lifecycle, view.reason = "session_started", ""
    view.planned, view.generation = event.trials, event.generation
    view.metric, view.direction = event.metric, event.direction
    view.recipe = event.recipe
    return []


def _session_ended(view: SessionView, event: Any) -> list[int]:
    view.lifecycle, view.reason = event.__struct_config__.tag, event.reason
    return _end_training(view)


def _session_finished(view: SessionView, event: e.SessionFinished) -> list[int]:
    """The search is over. Older versions called that finished without a complete trial, too."""
    interrupted = _session_ended(view, event)
    view.over = event.reason or "the search is over"
    if not has_result(view):
        view.lifecycle, view.reason = "session_failed", no_result_reason(view, event.reason)
    return interrupted


def _session_failed(view: SessionView, event: e.SessionFailed) -> list[int]:
    view.over, view.refused = event.over, event.refused
    return _session_ended(view, event)


def _trial_started(view: SessionView, trial: TrialView, event: e.TrialStarted) -> None:
    view.training.add(trial.number)
    if not trial.started:
        trial.started = event.time
    trial.state, trial.generation = TrialState.RUNNING, event.generation
    trial.params, trial.fixed, trial.origin = event.params, event.fixed, event.origin
    trial.seed, trial.device = event.seed, event.device
    trial.resumed, trial.seconds_before = event.time, trial.seconds
    trial.step = event.resumed_at
    trial.losses = [point for point in trial.losses if point[0] <= event.resumed_at]


def _step(_view: SessionView, trial: TrialView, event: Step) -> None:
    trial.step, trial.of, trial.loss = event.step, event.of, event.loss
    trial.learning_rates = event.learning_rates
    trial.examples_per_second = event.examples_per_second
    if event.memory > trial.memory:
        trial.memory = event.memory
    _run_until(trial, event.time)
    if trial.loss_count % trial.loss_stride == 0:
        trial.losses.append((event.step, event.loss))
        if len(trial.losses) > MOST_LOSSES:
            trial.losses = trial.losses[::2]
            trial.loss_stride *= 2
    trial.loss_count += 1


def _run_until(trial: TrialView, now: float) -> None:
    if trial.resumed:
        ran = now - trial.resumed
        trial.seconds = trial.seconds_before + (ran if ran > 0 else 0.0)


def _evaluated(view: SessionView, trial: TrialView, event: Evaluated) -> None:
    trial.evaluations.append(event)
    trial.step, trial.of, trial.epoch = event.step, event.of, event.epoch
    _run_until(trial, event.time)
    value = event.metrics.get(view.metric)
    if value is None:
        return
    only = only_label(event.confusion)
    newest, kept = Standing(value, only is not None), trial.standing()
    # Versions that did not count updates kept what had the better value.
    above = _is_above(view, newest, kept, by_value=not event.updates)
    if above or keeps_last(view):
        trial.value, trial.kept_step, trial.only_label = value, event.step, only


def _is_above(view: SessionView, one: Standing, other: Standing | None, *, by_value: bool) -> bool:
    if by_value:
        one, other = one.by_value(), None if other is None else other.by_value()
    return one.is_above(other, view.direction)


def _rung(_view: SessionView, trial: TrialView, event: e.Rung) -> None:
    trial.rungs.append(event)


def _end(view: SessionView, trial: TrialView, event: Any, state: TrialState, reason: str) -> None:
    view.training.discard(trial.number)
    if state is not TrialState.FAILED and repeated(trial.origin) is None and view.best is not None:
        view.since_improvement += 1
    trial.state, trial.ended, trial.reason = state, event.time, reason
    _run_until(trial, event.time)
    if event.seconds > 0:
        trial.seconds = event.seconds


def _trial_pruned(view: SessionView, trial: TrialView, event: e.TrialPruned) -> None:
    _end(view, trial, event, TrialState.PRUNED, event.reason)
    trial.value = trial.value if event.value is None else event.value


def _trial_collapsed(view: SessionView, trial: TrialView, event: e.TrialCollapsed) -> None:
    _end(view, trial, event, TrialState.COLLAPSED, event.reason)


def _trial_failed(view: SessionView, trial: TrialView, event: e.TrialFailed) -> None:
    _end(view, trial, event, TrialState.FAILED, f"{event.cause}: {event.error}")
    trial.lines = event.lines


def _trial_completed(view: SessionView, trial: TrialView, event: e.TrialCompleted) -> None:
    trial.share = event.share
    _end(view, trial, event, TrialState.COMPLETE, cut_short_text(event.share))
    trial.value, trial.kept_step = event.value, event.step
    trial.memory = max(trial.memory, event.memory)
    kept, best = kept_evaluation(trial), view.best_trial()
    trial.only_label = None if kept is None else only_label(kept.confusion)
    now = Standing(event.value, trial.one_label)
    before = None if best is None else best.standing()
    # By the rule of the version that wrote the log: it kept the model of what it took for the best.
    if _is_above(view, now, before, by_value=event.one_label is None):
        view.best = event.trial
    if view.best == event.trial:
        view.since_improvement = 0


def _trial_retried(view: SessionView, trial: TrialView, event: e.TrialRetried) -> None:
    view.training.discard(trial.number)
    trial.state, trial.attempts = TrialState.RUNNING, event.attempt + 1
    trial.short_of_memory += event.cause == "out of memory"


def _best_changed(view: SessionView, event: e.BestChanged) -> list[int]:
    view.bests.append(event)
    return []


def _importance(view: SessionView, event: e.Importance) -> list[int]:
    view.importance, view.importance_method = event.values, event.method
    view.importance_trials = event.trials
    return []


def _generation_opened(view: SessionView, event: e.GenerationOpened) -> list[int]:
    view.generation, view.since_improvement = event.generation, 0
    return []


def _data_read(view: SessionView, event: e.DataRead) -> list[int]:
    view.rows, view.labels = event.rows, event.labels
    view.label_counts = event.label_counts
    view.parameters, view.group_sizes = event.parameters, event.groups
    view.batches, view.threads = event.batches, event.threads
    if event.device:
        view.devices = [event.device]
    return []


def _slots_chosen(view: SessionView, event: e.SlotsChosen) -> list[int]:
    view.slots, view.threads, view.chosen = event.slots, event.threads, event
    return []


def _test_sealed(view: SessionView, event: e.TestSealed) -> list[int]:
    view.sealed = event
    data = view.recipe.get("data")
    if event.source and isinstance(
        data, dict
    ):  # A new dict: the event in the history keeps its own
        view.recipe = {**view.recipe, "data": {**data, "test": event.source}}
    return []


def _test_replaced(view: SessionView, _event: e.TestReplaced) -> list[int]:
    view.sealed = None
    return []


def _test_scored(view: SessionView, event: e.TestScored) -> list[int]:
    view.test = event
    return []


def _command_done(view: SessionView, event: e.CommandDone) -> list[int]:
    view.commands_done.add(event.id)
    return []


_OF_A_TRIAL: dict[type, Callable[[SessionView, TrialView, Any], None]] = {
    e.TrialStarted: _trial_started,
    Step: _step,
    Evaluated: _evaluated,
    e.Rung: _rung,
    e.TrialPruned: _trial_pruned,
    e.TrialCollapsed: _trial_collapsed,
    e.TrialCompleted: _trial_completed,
    e.TrialFailed: _trial_failed,
    e.TrialRetried: _trial_retried,
}
_OF_THE_SESSION: dict[type, Callable[[SessionView, Any], list[int]]] = {
    e.SessionCreated: _session_created,
    e.SessionStarted: _session_started,
    e.SessionPaused: _session_ended,
    e.SessionFinished: _session_finished,
    e.SessionStopped: _session_ended,
    e.SessionFailed: _session_failed,
    e.WorkerStarted: _worker_started,
    e.BestChanged: _best_changed,
    e.Importance: _importance,
    e.GenerationOpened: _generation_opened,
    e.DataRead: _data_read,
    e.SlotsChosen: _slots_chosen,
    e.TestSealed: _test_sealed,
    e.TestReplaced: _test_replaced,
    e.TestScored: _test_scored,
    e.CommandDone: _command_done,
}
