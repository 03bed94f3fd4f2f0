"""The charts of the analysis: pure functions from trials to lines."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui import corpus
from tuner.recipe.types import Choices, Range
from tuner.render.charts.brushes import Brush, Brushes
from tuner.render.charts.heatmap import SHADES, collect_heat_cells, draw_heatmap
from tuner.render.charts.parallel_coordinates import (
    MAX_LINES,
    draw_parallel_axes,
    lay_out_axes,
    trials_in_draw_order,
)
from tuner.render.charts.scatter import (
    HISTORY_ORDERS,
    axis_on_scale,
    draw_setting_slice,
    draw_trial_history,
)
from tuner.render.charts.timeline import draw_timeline, fold_timeline, lay_out_bars
from tuner.render.charts.trial_sample import METRIC_AXIS, TrialSample, sample_from_trials
from tuner.render.renderable_lines import Lines
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.session.fold import load_session_view
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.state.exploration import Exploration
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.workspace import Workspace

SPACE: dict[str, Range | Choices] = {
    "lr.body": Range(1e-6, 1e-4, "log"),
    "lr.head": Range(0.0, 1e-2),
    "batch_size": Choices((8, 16, 32)),
}
STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED)
WIDTHS = st.integers(20, 130)
HEIGHTS = st.integers(5, 40)


def trials(count: int, seed: int = 0) -> list[TrialView]:
    """Trials one after the other; every seventh was pruned, every eleventh collapsed."""
    rng, random_trials = random.Random(seed), []
    for number in range(count):
        params = {
            "lr.body": 1e-6 * 100 ** rng.random(),
            "lr.head": 1e-2 * rng.random(),
            "batch_size": rng.choice((8, 16, 32)),
        }
        state = STATES[1] if number % 7 == 3 else STATES[2] if number % 11 == 5 else STATES[0]
        value = 0.5 if state is TrialState.COLLAPSED else rng.uniform(0.5, 0.9)
        start = 1000.0 + 60 * number
        random_trials.append(
            TrialView(number, state, params=params, value=value, started=start, ended=start + 50)
        )
    return random_trials


def sample(count: int = 40, direction: str = "maximize") -> TrialSample:
    return sample_from_trials(SessionView(direction=direction), trials(count), SPACE)


def all_charts(trial_sample: TrialSample, lit: list[bool], width: int, height: int) -> list[Lines]:
    """Every chart in every of its ways."""
    count = len(trial_sample.trials)
    numbers = {t.number for t, on in zip(trial_sample.trials, lit, strict=True) if on}
    brushes = Brushes()
    brushes.kept_brushes[METRIC_AXIS] = Brush(0.5, 1.0)
    across, down, choice = trial_sample.setting_axes
    histories = [
        draw_trial_history(trial_sample, lit, width, height, TERMINAL_STYLES, order=order)
        for order in HISTORY_ORDERS
    ]
    slices = [
        draw_setting_slice(trial_sample, axis, lit, width, height, TERMINAL_STYLES, log=log)
        for axis in trial_sample.setting_axes
        for log in (None, True, False)
    ]
    maps = [
        draw_heatmap(trial_sample, across, down, lit, width, height, TERMINAL_STYLES),
        draw_heatmap(trial_sample, choice, across, lit, width, height, TERMINAL_STYLES),
        draw_heatmap(trial_sample, across, choice, lit, width, height, TERMINAL_STYLES),
    ]
    others = [
        draw_parallel_axes(
            trial_sample, trial_sample.axes, lit, brushes, 1, width, height, TERMINAL_STYLES
        ),
        draw_timeline(
            trial_sample.matching_trials,
            numbers,
            trial_sample.best_trial,
            9e3,
            width,
            height,
            TERMINAL_STYLES,
        ),
    ]
    assert count == len(lit)
    return [*histories, *slices, *maps, *others]


@settings(max_examples=25, deadline=None)
@given(width=WIDTHS, height=HEIGHTS, count=st.integers(1, 60), seed=st.integers(0, 9))
def test_every_chart_fits_into_its_pane(width: int, height: int, count: int, seed: int) -> None:
    trial_sample = sample(count)
    rng = random.Random(seed)
    lit = [rng.random() < 0.5 for _ in trial_sample.trials]
    for lines in all_charts(trial_sample, lit, width, height):
        assert len(lines) <= height
        for line in lines_to_strings(lines):
            assert cell_len(line) <= width


def test_the_history_has_a_sign_for_every_end() -> None:
    trial_sample = sample()
    text = "".join(
        lines_to_strings(draw_trial_history(trial_sample, [True] * 40, 200, 30, TERMINAL_STYLES))
    )
    counts = {sign: text.count(sign) for sign in "•×⊘★"}
    assert counts["★"] == 1
    assert counts["×"] == trial_sample.count_in_state(TrialState.PRUNED)
    assert counts["⊘"] == trial_sample.count_in_state(TrialState.COLLAPSED)
    assert counts["•"] == trial_sample.count_in_state(TrialState.COMPLETE) - 1
    without = lines_to_strings(
        draw_trial_history(trial_sample, [True] * 40, 200, 30, TERMINAL_STYLES, pruned=False)
    )
    assert not set("×⊘") & set("".join(without))


def test_dimmed_trials_are_dots_without_colours_too() -> None:
    trial_sample = sample()
    text = "".join(
        lines_to_strings(draw_trial_history(trial_sample, [False] * 40, 200, 30, TERMINAL_STYLES))
    )
    assert text.count("·") == 39
    assert text.count("★") == 1


def test_the_best_line_only_rises_and_ends_at_the_best() -> None:
    trial_sample = sample()
    lines = lines_to_strings(
        draw_trial_history(trial_sample, [True] * 40, 100, 30, TERMINAL_STYLES, order="number")
    )
    bare = lines_to_strings(
        draw_trial_history(
            trial_sample, [True] * 40, 100, 30, TERMINAL_STYLES, order="number", best_line=False
        )
    )
    braille = [any(0x2800 < ord(sign) < 0x2900 for sign in line) for line in lines]
    assert braille.index(True) == next(i for i, line in enumerate(lines) if "★" in line)
    assert not any(0x2800 < ord(sign) < 0x2900 for line in bare for sign in line)


def test_the_best_of_a_loss_is_the_lowest() -> None:
    trial_sample = sample(direction="minimize")
    complete = [t for t in trial_sample.trials if t.state is TrialState.COMPLETE]
    assert trial_sample.best_trial is min(complete, key=lambda trial: trial.value or 0.0)
    assert trial_sample.quintiles[trial_sample.trials.index(trial_sample.best_trial)] == 4


def test_a_value_outside_of_its_range_has_no_place() -> None:
    odd_trials = trials(3)
    odd_trials[0].params["lr.body"] = 0.5
    odd_trials[1].params["batch_size"] = 64
    odd_trials[2].params["lr.head"] = "frozen"
    places = sample_from_trials(SessionView(), odd_trials, SPACE).positions
    assert places["lr.body"][0] is None
    assert places["batch_size"][1] is None
    assert places["lr.head"][2] is None
    assert all(place is not None for place in places[METRIC_AXIS])


def test_an_axis_from_zero_has_no_logarithm() -> None:
    body, head, _choice = sample().setting_axes
    assert axis_on_scale(body, log=True).scale.log
    assert not axis_on_scale(body, log=False).scale.log
    assert not axis_on_scale(head, log=True).scale.log


def test_parallel_axes_have_their_ends_and_choices() -> None:
    trial_sample = sample()
    lines = lines_to_strings(
        draw_parallel_axes(
            trial_sample, trial_sample.axes, [True] * 40, Brushes(), 0, 80, 20, TERMINAL_STYLES
        )
    )
    assert lines[0].split() == ["‹body›", "head", "batch", "ACC"]
    assert lines[1].split()[:2] == ["1e-4", "0.01"]
    assert lines[-1].split()[:2] == ["1e-6", "0"]
    text = "\n".join(lines)
    assert all(f"│{size}" in text for size in ("8", "16", "32"))


@given(focus=st.integers(0, 20), width=st.integers(20, 130), count=st.integers(1, 20))
def test_the_axis_in_focus_shows_and_the_metric_is_last(focus: int, width: int, count: int) -> None:
    space: dict[str, Range | Choices] = {f"lr.group {n}": Range(0, 1) for n in range(count)}
    axes = sample_from_trials(SessionView(), trials(2), space).axes
    axis_layout = lay_out_axes(axes, min(focus, count), width)
    assert axes[min(focus, count)] in axis_layout.axes
    assert axis_layout.axes[-1].name == METRIC_AXIS
    assert list(axis_layout.columns) == sorted(set(axis_layout.columns))
    assert axis_layout.columns[-1] < width


def test_the_brush_is_seen_on_its_axis() -> None:
    trial_sample, brushes = sample(), Brushes()
    brushes.set_draft(METRIC_AXIS, Brush(0.5, 1.0))
    chart_lines = draw_parallel_axes(
        trial_sample, trial_sample.axes, [True] * 40, brushes, 3, 80, 23, TERMINAL_STYLES
    )
    assert sum(line.count("┇") for line in lines_to_strings(chart_lines)) == 10
    brushes.keep_draft()
    brushes.invert_axis(METRIC_AXIS)
    chart_lines = draw_parallel_axes(
        trial_sample, trial_sample.axes, [True] * 40, brushes, 3, 80, 23, TERMINAL_STYLES
    )
    has_brush_end = ["┃" in line for line in lines_to_strings(chart_lines)]
    assert has_brush_end.index(True) > len(has_brush_end) // 2 - 1


def test_ten_thousand_trials_draw_few_lines_with_the_best_last() -> None:
    trial_sample = sample(10_000)
    lit = [number % 5 == 0 for number in range(10_000)]
    draw_order = trials_in_draw_order(trial_sample, lit)
    assert len(draw_order) == len(set(draw_order)) <= MAX_LINES + 1
    assert trial_sample.trials[draw_order[-1]] is trial_sample.best_trial
    assert len(trials_in_draw_order(trial_sample, [True] * 10_000)) <= MAX_LINES + 1


def test_heat_cells_count_every_trial_once() -> None:
    trial_sample = sample()
    across, down, _choice = trial_sample.setting_axes
    cells = collect_heat_cells(trial_sample, across, down, [True] * 40, 6, 4)
    assert sum(cell.count for cell in cells.values()) == 40
    assert all(0 <= column < 6 and 0 <= row < 4 for column, row in cells)
    half = [number % 2 == 0 for number in range(40)]
    assert (
        sum(c.count for c in collect_heat_cells(trial_sample, across, down, half, 6, 4).values())
        == 20
    )


def test_the_best_cell_is_dark_whatever_the_direction() -> None:
    for direction, best in (("maximize", 0.9), ("minimize", 0.1)):
        corner_trials = [
            TrialView(n, TrialState.COMPLETE, params={"a": n / 3, "b": n / 3}, value=value)
            for n, value in enumerate((0.1, 0.5, 0.6, 0.9))
        ]
        space = {"a": Range(0, 1), "b": Range(0, 1)}
        trial_sample = sample_from_trials(SessionView(direction=direction), corner_trials, space)
        across, down = trial_sample.setting_axes
        lines = lines_to_strings(
            draw_heatmap(trial_sample, across, down, [True] * 4, 40, 12, TERMINAL_STYLES)
        )
        dark = [line for line in lines if SHADES[-1] in line]
        high = trial_sample.trials[-1].value == best
        assert (dark[0] == lines[0]) == high


def test_bars_that_overlap_are_in_different_lanes() -> None:
    timed_trials = [
        TrialView(n, TrialState.COMPLETE, started=s, ended=end)
        for n, (s, end) in enumerate(((1.0, 9.0), (2.0, 4.0), (4.0, 6.0), (5.0, 7.0), (9.0, 10.0)))
    ]
    placed = lay_out_bars(timed_trials, 20.0)
    assert [bar.lane for bar in placed] == [0, 1, 1, 2, 0]
    assert fold_timeline(placed, 40, 30).lanes == 3


@given(spans=st.lists(st.tuples(st.floats(1, 100), st.floats(0.1, 50)), min_size=1, max_size=30))
def test_no_two_bars_of_a_lane_overlap(spans: list[tuple[float, float]]) -> None:
    timed_trials = [
        TrialView(n, TrialState.COMPLETE, started=start, ended=start + length)
        for n, (start, length) in enumerate(spans)
    ]
    last: dict[int, float] = {}
    for bar in lay_out_bars(timed_trials, 200.0):
        assert bar.start >= last.get(bar.lane, 0.0)
        last[bar.lane] = bar.end


def exploration(tmp_path: Path, count: int) -> Exploration:
    feed = SessionReader(corpus.record_long_session(tmp_path, count))
    while not feed.complete:
        feed.read_new_events(float("inf"))
    new_exploration = Exploration(Workspace(feed))
    assert new_exploration.update_sample()
    return new_exploration


def test_what_did_not_change_is_not_worked_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, a step of a running trial, another brush: none looks at all trials' settings again."""
    current_exploration = exploration(tmp_path, 30)
    before, places, bright = (
        current_exploration.sample,
        current_exploration.sample.positions,
        current_exploration.brushed_mask,
    )
    assert current_exploration.brushed_mask is bright
    monkeypatch.setattr("tuner.tui.state.exploration.sample_from_trials", None)
    current_exploration.workspace.reader.view.next_seq += 1
    assert not current_exploration.update_sample()
    assert current_exploration.sample is before
    current_exploration.toggle_best_brush()
    assert current_exploration.brushed_mask is not bright
    assert current_exploration.sample.positions is places


def test_places_are_remembered_over_filters(tmp_path: Path) -> None:
    current_exploration = exploration(tmp_path, 30)
    assert len(current_exploration.sample.positions["lr.head"]) == 30
    current_exploration.workspace.apply_filter_text("0-9")
    assert current_exploration.update_sample()
    axis = next(axis for axis in current_exploration.sample.axes if axis.name == "lr.head")
    current_exploration.sample.memo[axis][3] = 0.125
    assert current_exploration.sample.positions["lr.head"][3] == 0.125
    assert len(current_exploration.sample.trials) == 10
    assert current_exploration.brushed_count_text() == "10 trials match"


def test_families_of_axes(tmp_path: Path) -> None:
    current_exploration = exploration(tmp_path, 3)
    assert current_exploration.axis_families() == ["all", "rates", *corpus.RATES, "others"]
    family_labels = []
    for _ in current_exploration.axis_families():
        current_exploration.show_next_family()
        family_labels.append([axis.label for axis in current_exploration.family_axes])
    assert family_labels[0] == ["emb", "L0–3", "L4–7", "L8–11", "head", "ACC"]
    assert family_labels[1] == ["emb", "ACC"]
    assert family_labels[-2] == ["warmup", "wd", "ACC"]
    assert len(family_labels[-1]) == 8


def test_odd_names_are_shown_as_text(tmp_path: Path) -> None:
    view = load_session_view(corpus.record_odd_session(tmp_path))
    odd_trials = [view.trials[number] for number in sorted(view.trials)]
    space: dict[str, Range | Choices] = {
        "lr.[red]embeddings[/]": Range(1e-7, 1e-5, "log"),
        "lr.層の学習率": Range(1e-6, 3e-5, "log"),
        "\x1b[31m": Choices(("[b]", "\x1b[0m")),
    }
    trial_sample = sample_from_trials(view, odd_trials, space)
    lines = draw_parallel_axes(
        trial_sample,
        trial_sample.axes,
        [True] * len(trial_sample.trials),
        Brushes(),
        0,
        70,
        12,
        TERMINAL_STYLES,
    )
    text = "".join(lines_to_strings(lines))
    assert "\x1b" not in text
    assert "[red]" in text
