"""Curves and events of the live view: what they draw, what they say, and their keys."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.session.event_logs import plain_recipe
from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    NOW,
    SMALL,
    States,
    live_screen,
    play,
    press,
    trial_table,
    visible_screen_text,
)
from tuner.recipe.load import parse_recipe
from tuner.recipe.types import Recipe
from tuner.render.charts.learning_curves import (
    CurveUnit,
    DrawnTrials,
    build_learning_curves,
    curve_points,
    epochs_of_schedule,
    x_axis_end,
)
from tuner.render.charts.line_chart import draw_lines, legend_lines
from tuner.render.event_text import describe_event, event_line_runs
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.session import events as e
from tuner.session.fold import fold_events, load_session_view
from tuner.session.folder import Session
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.app import TunerApp
from tuner.tui.widgets.curves_pane import CurvesPane
from tuner.tui.widgets.events_pane import EventsPane

NAME = "rte-roberta-llrd"


@pytest.fixture
def session(root: Path, states: States) -> Session:
    states.running(NAME)
    return corpus.record_running_session(root)


@pytest.fixture
def view(root: Path) -> SessionView:
    return load_session_view(corpus.record_running_session(root))


def event_line_text(event: e.Event, view: SessionView, width: int) -> str:
    return "".join(text for text, _ in event_line_runs(event, view, width, TERMINAL_STYLES))  # type: ignore[arg-type]


# Curves


@pytest.mark.parametrize(
    ("along", "end", "first"), [("share", 1.0, 1 / 6), ("epoch", 6.0, 1.0), ("step", 936, 156)]
)
def test_points_lie_along_any_axis(
    view: SessionView, along: CurveUnit, end: float, first: float
) -> None:
    trial = view.trials[4]
    points = list(curve_points(view, trial, along=along))
    assert points[0][0] == pytest.approx(first)
    assert points[-1][0] == pytest.approx(end)
    losses = list(curve_points(view, trial, True, along))
    assert losses[-1][0] == pytest.approx(end)
    assert x_axis_end([trial], view, along) == pytest.approx(end)


def recipe_with_epochs(epochs: object) -> Recipe:
    return parse_recipe(plain_recipe(training={"epochs": epochs}), "")


def test_epochs_come_from_evaluations_settings_or_the_recipe() -> None:
    view = SessionView(recipe=recipe_with_epochs(7))
    assert epochs_of_schedule(TrialView(0), view) == 7
    assert epochs_of_schedule(TrialView(0, params={"epochs": 3}), view) == 3
    view.recipe = recipe_with_epochs({"low": 1, "high": 9})
    assert epochs_of_schedule(TrialView(0), view) == 0
    assert x_axis_end([TrialView(0)], view, "epoch") == 1


def test_each_trial_is_drawn_once_and_the_selected_one_on_top(view: SessionView) -> None:
    drawn_trials = DrawnTrials([14, 13, 12, 4], [4, 14, 13], 4)
    assert [trial.number for trial in drawn_trials.trials_in_order(view)] == [4, 13, 14, 12]
    curves = build_learning_curves(view, TERMINAL_STYLES, drawn_trials)
    assert [curve.name for curve in curves] == ["#4", "#13", "#14", ""]
    (legend,) = lines_to_strings(legend_lines(curves, 60, TERMINAL_STYLES))
    assert legend.split() == ["★", "#4", "✂", "#13", "●", "#14"]
    (short,) = lines_to_strings(legend_lines(curves, 10, TERMINAL_STYLES, 1))
    assert short.split() == ["★", "#4"]


def test_the_line_to_read_values_at_gives_way_to_curves(view: SessionView) -> None:
    curves = build_learning_curves(view, TERMINAL_STYLES, DrawnTrials([], [4], 4))
    bare = lines_to_strings(draw_lines(curves, 47, 8, TERMINAL_STYLES, max_legend=0))
    ruled = lines_to_strings(draw_lines(curves, 47, 8, TERMINAL_STYLES, max_legend=0, cursor=0.5))
    ruler_column = 7 + round(0.5 * 79) // 2
    assert sum(row[ruler_column] == "│" for row in ruled[:-2]) >= 4
    assert [row[:ruler_column] + row[ruler_column + 1 :] for row in bare] == [
        row[:ruler_column] + row[ruler_column + 1 :] for row in ruled
    ]


@pytest.mark.usefixtures("session")
def test_the_keys_of_the_curves(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = live_screen(app).query_one(CurvesPane)
        await press(pilot, "2", "b")
        assert "by epoch" in str(pane.border_title)
        assert "epoch 6" in visible_screen_text(app)
        await press(pilot, "t", "t")
        assert "ACC and loss" in str(pane.border_title)
        assert visible_screen_text(app).count("epoch 6│") >= 2
        await press(pilot, "t", "l", "left")
        assert "epoch 6  ●#14 0.6426  ★#4 0.8051" in str(pane.border_subtitle)
        for _ in range(27):
            await press(pilot, "left")
        assert "●#14 0.5704" in str(pane.border_subtitle)
        await press(pilot, "0")
        assert "over the schedule" in str(pane.border_title)
        assert "l log ·" in str(pane.border_subtitle)

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_only_what_passes_the_filter_is_drawn(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        def pane() -> str:
            return "\n".join(row[80:] for row in visible_screen_text(app).splitlines()[2:22])

        assert "⊘" in pane()
        await press(pilot, "slash", *"state:done", "enter")
        assert "⊘" not in pane()
        assert "✂" not in pane()
        assert "★" in pane()
        await press(pilot, "slash", *" 99", "enter")
        assert "No curve matches" in pane()

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_marked_trials_stand_in_front(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "j", "j", "space", "g")
        assert "✓ #10" in visible_screen_text(app)

    play(root, scene, session=NAME, size=LARGE)


# Events


def test_a_pruning_tells_value_cutoff_and_rank(view: SessionView) -> None:
    event = next(past_event for past_event in view.history if isinstance(past_event, e.TrialPruned))
    event_text = describe_event(event, view)
    rung = view.trials[event.trial].rungs[-1]
    assert (
        event_text.numbers == f"{rung.value:.4f}, cutoff {rung.cutoff:.4f}, rank {rung.rank} of 4"
    )
    assert event_text.numbers in event_line_text(event, view, 78)
    assert event_text.short in event_line_text(event, view, 42)


def test_a_new_best_tells_what_was_gained(view: SessionView) -> None:
    first, second, *_ = [
        past_event for past_event in view.history if isinstance(past_event, e.BestChanged)
    ]
    assert "the first one" in event_line_text(first, view, 78)
    right = [
        sum(
            row[label_index]
            for label_index, row in enumerate(view.trials[n].evaluations[-1].confusion)
        )
        for n in (first.trial, second.trial)
    ]
    gain = f"{right[1] - right[0]:+d} of 277"
    assert gain in event_line_text(second, view, 120)
    assert gain in event_line_text(second, view, 60)
    assert f"on #{first.trial}" in event_line_text(second, view, 120)


def test_the_best_before_is_the_one_at_that_time(view: SessionView) -> None:
    bests = [past_event for past_event in view.history if isinstance(past_event, e.BestChanged)]
    assert view.best_changes == bests
    for before, now in itertools.pairwise(bests):
        assert f"on #{before.trial}" in describe_event(now, view).reason


def test_spared_retried_and_new_generations_say_why() -> None:
    view = SessionView()
    rule = "halving; kept, it is the baseline"
    spared = e.Rung(
        trial=0,
        share=0.25,
        kept=True,
        value=0.541,
        cutoff=0.603,
        rank=7,
        among=9,
        rule=rule,
        spared=True,
    )
    assert describe_event(spared, view).title == "spared at 25 %"
    assert describe_event(spared, view).reason == f"0.5410, cutoff 0.6030, rank 7 of 9, by {rule}"
    retried = e.TrialRetried(trial=3, cause="died", error="signal 9", attempt=1)
    assert describe_event(retried, view).reason == "attempt 2 after died: signal 9"
    opened = e.GenerationOpened(generation=2, changes={"lr.head": [1, 2]}, carried=5)
    assert describe_event(opened, view).reason == "changed: lr.head; 5 trials carried over"
    assert "1 change, 5 carried" in event_line_text(opened, view, 48)


def test_a_best_without_matrices_tells_the_score_alone() -> None:
    view = SessionView()
    events = [
        e.BestChanged(seq=trial_number, trial=trial_number, value=0.5 + trial_number / 10)
        for trial_number in range(2)
    ]
    fold_events(view, events)
    assert describe_event(events[1], view).reason == "0.6000, +0.1000 on #0"


@pytest.mark.usefixtures("session")
def test_enter_on_an_event_goes_to_its_trial(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = live_screen(app).query_one(EventsPane)
        await press(pilot, "3")
        while pane.trial_at_cursor != 12:
            await press(pilot, "j")
        await press(pilot, "enter")
        assert trial_table(app).selected_key == 12
        assert app.focused is trial_table(app)
        assert not trial_table(app).following
        await press(pilot, "3", "t")
        assert "#12" in str(pane.border_title)
        events_text = visible_screen_text(app).split("Events")[1]
        assert "#13" not in events_text.split("Confusion")[0]
        await press(pilot, "G", "k", "t")
        assert "#12" not in str(pane.border_title)

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_an_event_is_clicked_and_the_cursor_stays_with_it(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = live_screen(app).query_one(EventsPane)
        await press(pilot, "3")
        await pilot.click(EventsPane, offset=(5, 5))
        trial_before = pane.trial_at_cursor
        line = pane.cursor
        assert line == 4
        live_screen(app).reader.view.history.append(
            e.Log(seq=9999, time=NOW, level="warning", text="careful")
        )
        pane.append_new_events()
        assert (pane.cursor, pane.trial_at_cursor) == (line + 1, trial_before)

    play(root, scene, session=NAME, size=SMALL)


def test_points_that_are_no_numbers_are_left_out() -> None:
    view = SessionView()
    trial = TrialView(0, state=TrialState.RUNNING)
    for epoch_number, value in enumerate((0.5, math.nan, 0.7), start=1):
        trial.evaluations.append(
            e.Evaluated(
                trial=0,
                epoch=epoch_number,
                share=epoch_number / 3,
                step=epoch_number,
                of=3,
                metrics={"accuracy": value},
                confusion=[],
                gradient_norms={},
                train_loss=0.1,
            )
        )
    assert [value for _, value in curve_points(view, trial)] == [0.5, 0.7]
