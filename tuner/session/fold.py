"""Events folded into a view: the one place that says what a log means."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec

from tuner.errors import TunerError
from tuner.pool.causes import NO_KERNELS, OUT_OF_MEMORY
from tuner.recipe.kernels import KernelsChoice
from tuner.recipe.load import load_recipe, parse_recipe
from tuner.recipe.origins import repeated_trial_number
from tuner.results.collapse import only_predicted_label
from tuner.results.metrics import direction_of_metric
from tuner.results.standing import Standing
from tuner.session import events as e
from tuner.session.budget import planned_trial_count
from tuner.session.events import AnyEvent, Evaluated, Step, Unknown
from tuner.session.folder import Session
from tuner.session.kept_evaluation import kept_evaluation
from tuner.session.search_end import cut_short_text, has_complete_trial, reason_without_result
from tuner.session.tail import EventTail
from tuner.session.view import SessionView, TrialState, TrialView

MOST_LOSSES = 400
TERMINAL_KINDS = frozenset(
    {"session_paused", "session_finished", "session_stopped", "session_failed"}
)


def fold_events(view: SessionView, events: Iterable[AnyEvent | Unknown]) -> set[int]:
    """Apply the events to the view and return the numbers of the trials that changed.

    Folding a log in any number of pieces gives the same view as folding it at once.
    """
    changed: set[int] = set()
    for event in events:
        kind = type(event)
        _advance_clock(view, event)
        if kind is not Step:
            view.history.append(event)
        if (of_trial := _OF_A_TRIAL.get(kind)) is not None:
            trial = _trial_of_event(view, event)
            of_trial(view, trial, event)
            changed.add(trial.number)
        elif (of_session := _OF_THE_SESSION.get(kind)) is not None:
            changed.update(of_session(view, event))
    return changed


def load_session_view(session: Session) -> SessionView:
    """Build the view of everything that is in the log now.

    A session that never started shows what its recipe asks for, as far as that can be read.
    """
    view = SessionView(name=session.name)
    with paused_garbage_collection():
        fold_events(view, EventTail(session.events_path).read_all_events())
    if not view.has_recipe:
        preview_recipe(view, session)
    return view


def preview_recipe(view: SessionView, session: Session) -> None:
    """Fill the view of a draft from its recipe, unless that is not valid."""
    try:
        recipe = load_recipe(session.recipe_path)
    except (TunerError, FileNotFoundError):
        return
    view.metric, view.direction = recipe.search.metric, direction_of_metric(recipe.search.metric)
    view.planned = planned_trial_count(recipe)
    view.recipe, view.keeps_last = recipe, recipe.training.keep == "last"


@contextmanager
def paused_garbage_collection() -> Iterator[None]:
    """Pause the collector: a long log makes a million objects, none of them garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _advance_clock(view: SessionView, event: AnyEvent | Unknown) -> None:
    seq, now, before = event.seq, event.time, view.last_time
    if seq >= 0:
        view.next_seq = seq + 1
    if now <= 0:
        return
    if before is None:
        view.first_time = now
    elif view.numbers_in_training and now > before and type(event) is not e.WorkerStarted:
        view.search_seconds += now - before
    view.last_time = now


def _trial_of_event(view: SessionView, event: Any) -> TrialView:
    trial = view.trials.get(event.trial)
    if trial is None:
        trial = view.trials[event.trial] = TrialView(event.trial)
    return trial


def pause_running_trials(view: SessionView) -> list[int]:
    """Mark trials left running by a lost worker as paused; return their numbers."""
    running = [t for t in view.trials.values() if t.state is TrialState.RUNNING]
    for trial in running:
        trial.state = TrialState.PAUSED
    return [trial.number for trial in running]


def _end_all_training(view: SessionView) -> list[int]:
    # Not in `interrupt`: that a worker was lost can be taken back, where its log goes on after all.
    view.numbers_in_training.clear()
    return pause_running_trials(view)


def _apply_session_created(view: SessionView, event: e.SessionCreated) -> list[int]:
    view.name, view.schema, view.lifecycle = event.name, event.schema, "session_created"
    return []


def _apply_worker_started(view: SessionView, event: e.WorkerStarted) -> list[int]:
    view.lifecycle, view.reason, view.over_reason = "worker_started", "", ""
    view.lacks_kernels = False
    view.worker_pid, view.worker_host = event.pid, event.host
    view.devices, view.slots = list(event.devices), event.slots
    view.versions = {**view.versions, **event.versions}
    return _end_all_training(view)


def _apply_session_started(view: SessionView, event: e.SessionStarted) -> list[int]:
    view.lifecycle, view.reason = "session_started", ""
    view.planned, view.generation = event.trials, event.generation
    view.metric, view.direction = event.metric, event.direction
    _apply_recorded_recipe(view, event)
    return []


def _apply_recorded_recipe(view: SessionView, event: e.SessionStarted) -> None:
    view.recipe, view.recipe_problem = None, ""
    if not event.recipe:
        return
    training = event.recipe.get("training")
    view.keeps_last = isinstance(training, dict) and training.get("keep") == "last"
    try:
        view.recipe = parse_recipe(event.recipe, "events.jsonl")
    except TunerError as error:
        view.recipe_problem = str(error)
    else:
        view.earlier_recipes.setdefault(event.generation, view.recipe)


def _apply_session_ended(view: SessionView, event: Any) -> list[int]:
    view.lifecycle, view.reason = event.__struct_config__.tag, event.reason
    return _end_all_training(view)


def _apply_session_finished(view: SessionView, event: e.SessionFinished) -> list[int]:
    """End the search. Older versions wrote this event without a complete trial, too."""
    interrupted = _apply_session_ended(view, event)
    view.over_reason = event.reason or "the search is over"
    if not has_complete_trial(view):
        view.lifecycle, view.reason = "session_failed", reason_without_result(view, event.reason)
    return interrupted


def _apply_session_failed(view: SessionView, event: e.SessionFailed) -> list[int]:
    view.over_reason, view.refused = event.over, event.refused
    view.lacks_kernels = event.cause == NO_KERNELS
    return _apply_session_ended(view, event)


def _apply_trial_started(view: SessionView, trial: TrialView, event: e.TrialStarted) -> None:
    view.numbers_in_training.add(trial.number)
    if not trial.started:
        trial.started = event.time
    trial.state, trial.generation = TrialState.RUNNING, event.generation
    trial.params, trial.fixed, trial.origin = event.params, event.fixed, event.origin
    trial.seed, trial.device = event.seed, event.device
    trial.resumed_time, trial.seconds_before = event.time, trial.seconds
    trial.step = event.resumed_at
    trial.losses = [point for point in trial.losses if point[0] <= event.resumed_at]


def _apply_step(_view: SessionView, trial: TrialView, event: Step) -> None:
    trial.step, trial.total_steps, trial.loss = event.step, event.of, event.loss
    trial.learning_rates = event.learning_rates
    trial.examples_per_second = event.examples_per_second
    if event.memory > trial.memory:
        trial.memory = event.memory
    _update_trial_seconds(trial, event.time)
    if trial.loss_count % trial.loss_stride == 0:
        trial.losses.append((event.step, event.loss))
        if len(trial.losses) > MOST_LOSSES:
            trial.losses = trial.losses[::2]
            trial.loss_stride *= 2
    trial.loss_count += 1


def _update_trial_seconds(trial: TrialView, now: float) -> None:
    if trial.resumed_time:
        ran = now - trial.resumed_time
        trial.seconds = trial.seconds_before + (ran if ran > 0 else 0.0)


def _apply_evaluated(view: SessionView, trial: TrialView, event: Evaluated) -> None:
    trial.evaluations.append(event)
    trial.step, trial.total_steps, trial.epoch = event.step, event.of, event.epoch
    _update_trial_seconds(trial, event.time)
    value = event.metrics.get(view.metric)
    if value is None:
        return
    only_answer = only_predicted_label(event.confusion)
    newest, kept_standing = Standing(value, only_answer is not None), trial.current_standing()
    # Versions that did not count updates kept what had the better value.
    replaces_kept = _ranks_above(view, newest, kept_standing, by_value=not event.updates)
    if replaces_kept or view.keeps_last:
        trial.value, trial.kept_step, trial.only_label = value, event.step, only_answer


def _ranks_above(
    view: SessionView, standing: Standing, compared_standing: Standing | None, *, by_value: bool
) -> bool:
    if by_value:
        standing, compared_standing = (
            standing.without_one_label(),
            None if compared_standing is None else compared_standing.without_one_label(),
        )
    return standing.ranks_above(compared_standing, view.direction)


def _apply_rung(_view: SessionView, trial: TrialView, event: e.Rung) -> None:
    trial.rungs.append(event)


def _end_trial(
    view: SessionView, trial: TrialView, event: Any, state: TrialState, reason: str
) -> None:
    view.numbers_in_training.discard(trial.number)
    if (
        state is not TrialState.FAILED
        and repeated_trial_number(trial.origin) is None
        and view.best is not None
    ):
        view.since_improvement += 1
    trial.state, trial.ended, trial.reason = state, event.time, reason
    _update_trial_seconds(trial, event.time)
    if event.seconds > 0:
        trial.seconds = event.seconds


def _apply_trial_pruned(view: SessionView, trial: TrialView, event: e.TrialPruned) -> None:
    _end_trial(view, trial, event, TrialState.PRUNED, event.reason)
    trial.value = trial.value if event.value is None else event.value


def _apply_trial_collapsed(view: SessionView, trial: TrialView, event: e.TrialCollapsed) -> None:
    _end_trial(view, trial, event, TrialState.COLLAPSED, event.reason)


def _apply_trial_failed(view: SessionView, trial: TrialView, event: e.TrialFailed) -> None:
    _end_trial(view, trial, event, TrialState.FAILED, f"{event.cause}: {event.error}")
    trial.lines = event.lines


def _apply_trial_completed(view: SessionView, trial: TrialView, event: e.TrialCompleted) -> None:
    trial.share = event.share
    _end_trial(view, trial, event, TrialState.COMPLETE, cut_short_text(event.share))
    trial.value, trial.kept_step = event.value, event.step
    trial.memory = max(trial.memory, event.memory)
    evaluation, best = kept_evaluation(trial), view.find_best_trial()
    trial.only_label = None if evaluation is None else only_predicted_label(evaluation.confusion)
    standing = Standing(event.value, trial.one_label)
    best_standing = None if best is None else best.current_standing()
    # By the rule of the version that wrote the log: it kept the model of what it took for the best.
    if _ranks_above(view, standing, best_standing, by_value=event.one_label is None):
        view.best = event.trial
    if view.best == event.trial:
        view.since_improvement = 0


def _apply_trial_retried(view: SessionView, trial: TrialView, event: e.TrialRetried) -> None:
    view.numbers_in_training.discard(trial.number)
    trial.state, trial.attempts = TrialState.RUNNING, event.attempt + 1
    trial.oom_retries += event.cause == OUT_OF_MEMORY


def _apply_best_changed(view: SessionView, event: e.BestChanged) -> list[int]:
    view.best_changes.append(event)
    return []


def _apply_importance(view: SessionView, event: e.Importance) -> list[int]:
    view.importance, view.importance_method = event.values, event.method
    view.importance_trials = event.trials
    return []


def _apply_generation_opened(view: SessionView, event: e.GenerationOpened) -> list[int]:
    view.generation, view.since_improvement = event.generation, 0
    return []


def _apply_data_read(view: SessionView, event: e.DataRead) -> list[int]:
    view.rows, view.labels = event.rows, event.labels
    view.label_counts = event.label_counts
    view.parameters, view.group_sizes = event.parameters, event.groups
    view.batches, view.threads = event.batches, event.threads
    if event.device:
        view.devices = [event.device]
    return []


def _apply_slots_chosen(view: SessionView, event: e.SlotsChosen) -> list[int]:
    view.slots, view.threads, view.slots_choice = event.slots, event.threads, event
    return []


def _apply_kernels_chosen(view: SessionView, event: e.KernelsChosen) -> list[int]:
    view.kernels = msgspec.convert(event, KernelsChoice, from_attributes=True)
    return []


def _apply_test_sealed(view: SessionView, event: e.TestSealed) -> list[int]:
    view.sealed_test = event
    if event.source and view.recipe is not None:
        data = replace(view.recipe.data, test=event.source, holdout=0.0)
        view.recipe = replace(view.recipe, data=data)
    return []


def _apply_test_replaced(view: SessionView, _event: e.TestReplaced) -> list[int]:
    view.sealed_test = None
    return []


def _apply_test_scored(view: SessionView, event: e.TestScored) -> list[int]:
    view.scored_test = event
    return []


def _apply_command_done(view: SessionView, event: e.CommandDone) -> list[int]:
    view.commands_done.add(event.id)
    return []


_OF_A_TRIAL: dict[type, Callable[[SessionView, TrialView, Any], None]] = {
    e.TrialStarted: _apply_trial_started,
    Step: _apply_step,
    Evaluated: _apply_evaluated,
    e.Rung: _apply_rung,
    e.TrialPruned: _apply_trial_pruned,
    e.TrialCollapsed: _apply_trial_collapsed,
    e.TrialCompleted: _apply_trial_completed,
    e.TrialFailed: _apply_trial_failed,
    e.TrialRetried: _apply_trial_retried,
}
_OF_THE_SESSION: dict[type, Callable[[SessionView, Any], list[int]]] = {
    e.SessionCreated: _apply_session_created,
    e.SessionStarted: _apply_session_started,
    e.SessionPaused: _apply_session_ended,
    e.SessionFinished: _apply_session_finished,
    e.SessionStopped: _apply_session_ended,
    e.SessionFailed: _apply_session_failed,
    e.WorkerStarted: _apply_worker_started,
    e.BestChanged: _apply_best_changed,
    e.Importance: _apply_importance,
    e.GenerationOpened: _apply_generation_opened,
    e.DataRead: _apply_data_read,
    e.SlotsChosen: _apply_slots_chosen,
    e.KernelsChosen: _apply_kernels_chosen,
    e.TestSealed: _apply_test_sealed,
    e.TestReplaced: _apply_test_replaced,
    e.TestScored: _apply_test_scored,
    e.CommandDone: _apply_command_done,
}
