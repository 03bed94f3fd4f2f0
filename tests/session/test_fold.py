"""The fold: what a log means, in whatever pieces it comes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.session.event_logs import (
    evaluation,
    one_label,
    plain_recipe,
    session_start,
    slots_chosen,
    step,
    story,
    trial_started,
)
from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session.budget import training_seconds_spent
from tuner.session.codec import decode_event_line, encode_event_line
from tuner.session.fold import MOST_LOSSES, fold_events
from tuner.session.view import SessionView, TrialState


def fold_log(events: list[e.AnyEvent]) -> SessionView:
    view = SessionView()
    fold_events(view, events)
    return view


@given(st.lists(st.integers(0, len(story())), max_size=8))
def test_folding_in_pieces_gives_the_same_view(cuts: list[int]) -> None:
    events = story()
    view, start = SessionView(), 0
    changed: set[int] = set()
    for cut in [*sorted(cuts), len(events)]:
        changed |= fold_events(view, events[start:cut])
        start = cut
    assert view == fold_log(events)
    assert changed == set(view.trials)


def test_every_end_of_a_trial_has_its_state() -> None:
    view = fold_log(story())
    states = {number: trial.state for number, trial in view.trials.items()}
    assert states == {
        0: TrialState.COMPLETE,
        1: TrialState.PRUNED,
        2: TrialState.COLLAPSED,
        3: TrialState.FAILED,
        4: TrialState.COMPLETE,
    }
    assert view.trials[3].lines == ["a", "b"]
    assert view.trials[2].attempts == 2


def test_what_runs_side_by_side_is_as_the_worker_began_until_a_probe_found_better() -> None:
    start, choice = session_start(), slots_chosen()
    assert (fold_log(start).slots, fold_log(start).threads, fold_log(start).batches) == (
        1,
        4,
        "packed",
    )
    view = fold_log([*start, choice])
    assert (view.slots, view.threads, view.slots_choice) == (2, 2, choice)
    assert fold_log([*start, choice, *start]).slots_choice == choice
    line = encode_event_line(choice)
    assert b'"measured":{"1":9.0,"2":12.1}' in line
    assert decode_event_line(line) == choice


def test_the_best_is_the_best_complete_trial_and_the_earlier_of_two_equals() -> None:
    assert fold_log(story()).best == 0


def ended_trial_events(evaluated: e.Evaluated, one_label: bool | None) -> list[e.AnyEvent]:
    value, number = evaluated.metrics["accuracy"], evaluated.trial
    end = e.TrialCompleted(
        trial=number, value=value, epoch=1, step=evaluated.step, seconds=1, one_label=one_label
    )
    return [trial_started(number), evaluated, end]


@pytest.mark.parametrize("first", [0, 1])
def test_one_label_for_all_rows_is_never_best_where_another_trial_is_complete(first: int) -> None:
    lopsided, learning = one_label(0, 30, 0.95), evaluation(1, 30, 0.93)
    ends = [
        ended_trial_events(lopsided, one_label=True),
        ended_trial_events(learning, one_label=False),
    ]
    view = fold_log([*session_start(), *ends[first], *ends[1 - first]])
    assert view.best == 1
    assert (view.trials[0].only_label, view.trials[1].only_label) == (0, None)
    alone = fold_log(
        [*session_start(), *ends[0], *ended_trial_events(one_label(2, 30, 0.96), one_label=True)]
    )
    assert alone.best == 2


def test_a_log_that_compared_by_value_alone_keeps_the_best_that_it_saved() -> None:
    lopsided, learning = one_label(0, 30, 0.95), evaluation(1, 30, 0.93)
    old = [
        *session_start(),
        *ended_trial_events(lopsided, None),
        *ended_trial_events(learning, None),
    ]
    assert fold_log(old).best == 0
    assert fold_log(old).trials[0].one_label
    assert fold_log([*old, *ended_trial_events(evaluation(2, 30, 0.9), one_label=False)]).best == 2


def test_within_a_trial_several_labels_stand_above_one() -> None:
    several = msgspec.structs.replace(evaluation(0, 20, 0.93), updates=10)
    curve = [one_label(0, 10, 0.95), several, one_label(0, 30, 0.96)]
    view = fold_log([*session_start(), trial_started(0), *curve])
    assert (view.trials[0].value, view.trials[0].kept_step) == (0.93, 20)
    old = [msgspec.structs.replace(curve_point, updates=0) for curve_point in curve]
    assert fold_log([*session_start(), trial_started(0), *old]).trials[0].kept_step == 30


def test_a_metric_to_minimize_has_the_lowest_value_as_its_best() -> None:
    start = e.SessionStarted(trials=2, metric="loss", direction="minimize")
    ends: list[e.AnyEvent] = [
        e.TrialCompleted(trial=n, value=value, epoch=1, step=1, seconds=1)
        for n, value in enumerate([0.5, 0.4, 0.6])
    ]
    assert fold_log([start, *ends]).best == 1


def test_the_value_of_a_running_trial_is_its_best_so_far_or_its_last() -> None:
    trial: list[e.AnyEvent] = [trial_started(0), evaluation(0, 10, 0.8), evaluation(0, 20, 0.6)]
    best = fold_log([*session_start(), *trial])
    assert (best.trials[0].value, best.trials[0].kept_step) == (0.8, 10)
    keep_last = e.SessionStarted(
        trials=1, metric="accuracy", direction="maximize", recipe={"training": {"keep": "last"}}
    )
    last = fold_log([keep_last, *trial])
    assert (last.trials[0].value, last.trials[0].kept_step) == (0.6, 20)


def test_a_pause_and_a_new_worker_leave_running_trials_waiting() -> None:
    running: list[e.AnyEvent] = [*session_start(), trial_started(0)]
    assert fold_log(running).trials[0].state is TrialState.RUNNING
    assert fold_log([*running, e.SessionPaused()]).trials[0].state is TrialState.PAUSED
    assert fold_log([*running, session_start()[0]]).trials[0].state is TrialState.PAUSED
    resumed = [*running, e.SessionPaused(), *session_start(), trial_started(0, 5)]
    assert fold_log(resumed).trials[0].state is TrialState.RUNNING


def test_losses_after_the_checkpoint_are_dropped_and_long_curves_thinned() -> None:
    assert fold_log(story()).trials[2].losses == [(8, 1 / 9)]
    long = fold_log(
        [trial_started(0), *(step(0, step_number) for step_number in range(5000))]
    ).trials[0]
    assert MOST_LOSSES / 2 <= len(long.losses) <= MOST_LOSSES
    gaps = {b[0] - a[0] for a, b in zip(long.losses, long.losses[1:], strict=False)}
    assert gaps == {16}


def test_the_time_of_the_search_is_that_in_which_trials_train() -> None:
    def step_number(time: float, event: e.AnyEvent) -> e.AnyEvent:
        return type(event)(
            **{**{f: getattr(event, f) for f in event.__struct_fields__}, "time": time}
        )

    worker = session_start()[0]
    view = fold_log(
        [
            step_number(100, worker),  # loading
            step_number(110, trial_started(0)),
            step_number(117, step(0, 1)),
            step_number(120, trial_started(1)),  # side by side
            step_number(500, worker),  # the worker was lost in between
            step_number(600, trial_started(0, resumed_at=1)),
            step_number(605, e.SessionPaused()),
            step_number(900, e.CommandDone(id="x", result="")),
            step_number(1000, worker),
            step_number(1100, trial_started(0, resumed_at=2)),
            step_number(1101, e.TrialRetried(trial=0, cause="died", error="x", attempt=1)),
            step_number(
                1150, trial_started(0, resumed_at=2)
            ),  # another trainer has loaded the model
            step_number(1152, step(0, 3)),
        ]
    )
    assert view.search_seconds == 18.0
    assert (training_seconds_spent(view), training_seconds_spent(view, 1160)) == (18.0, 26.0)


def test_trials_without_improvement_are_counted_by_the_log_alone() -> None:
    completed = e.TrialCompleted(trial=0, value=0.8, epoch=1, step=1, seconds=1)
    pruned, collapsed = (
        e.TrialPruned(trial=1, reason=""),
        e.TrialCollapsed(trial=2, reason="", label="a"),
    )
    failed = e.TrialFailed(trial=3, cause="died", error="")
    assert fold_log([collapsed, pruned]).since_improvement == 0
    assert fold_log([completed, pruned, collapsed, failed]).since_improvement == 2
    better = e.TrialCompleted(trial=4, value=0.9, epoch=1, step=1, seconds=1)
    assert fold_log([completed, pruned, better]).since_improvement == 0
    opened = e.GenerationOpened(generation=1, changes={}, carried=2)
    assert fold_log([completed, pruned, opened]).since_improvement == 0


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "no trial is complete: none was started; done"),
        (
            [e.TrialCollapsed(trial=n, reason="one label", label="a") for n in range(2)],
            "no trial is complete: 2 collapsed (one label); done",
        ),
        (
            [
                e.TrialFailed(trial=0, cause="out of memory", error="2 GiB"),
                e.TrialFailed(trial=1, cause="out of memory", error="3 GiB"),
                e.TrialFailed(trial=2, cause="died", error="signal 9"),
                e.TrialPruned(trial=3, reason="pruned by hand"),
            ],
            "no trial is complete: 3 failed (2 out of memory, 1 died), 1 pruned (pruned by hand); "
            "done",
        ),
    ],
)
def test_an_end_without_a_complete_trial_is_a_failure_in_older_logs_too(
    events: list[e.AnyEvent], reason: str
) -> None:
    view = fold_log([*session_start(), *events, e.SessionFinished(reason="done")])
    assert (view.lifecycle, view.reason, view.over_reason) == ("session_failed", reason, "done")


def test_events_of_a_newer_version_are_kept_and_counted() -> None:
    unknown = e.Unknown(5, 3.0, "weather", {"kind": "weather"})
    view = SessionView()
    assert fold_events(view, [unknown]) == set()
    assert view.history == [unknown]
    assert view.next_seq == 6


def test_a_recorded_recipe_that_no_longer_parses_is_a_problem_and_not_an_error() -> None:
    recipe = plain_recipe(training={"keep": "last", "an_old_key": 1})
    started = e.SessionStarted(trials=1, metric="accuracy", direction="maximize", recipe=recipe)
    view = SessionView(name="old")
    fold_events(view, [started])
    assert (view.recipe, view.has_recipe, view.keeps_last) == (None, True, True)
    with pytest.raises(TunerError, match="an_old_key"):
        view.require_recipe()
    fold_events(view, [msgspec.structs.replace(started, recipe=plain_recipe())])
    assert view.require_recipe().model.name == "m"
    assert (view.recipe_problem, view.keeps_last) == ("", False)
