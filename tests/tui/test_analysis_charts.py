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
from tuner.session.fold import load_view
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.charts.brushes import Brush, Brushes
from tuner.tui.charts.heatmap import SHADES, draw_heatmap, heat_cells
from tuner.tui.charts.parallel import MOST_LINES, draw_parallel, drawn_trials, spread
from tuner.tui.charts.sample import METRIC, Sample, sample_of
from tuner.tui.charts.scatter import ORDERS, draw_history, draw_slice, rescaled
from tuner.tui.charts.timeline import bars, draw_timeline, layout
from tuner.tui.exploration import Exploration
from tuner.tui.feed import Feed
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import TERMINAL, plain_lines
from tuner.tui.workspace import Workspace

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
    rng, found = random.Random(seed), []
    for number in range(count):
        params = {
            "lr.body": 1e-6 * 100 ** rng.random(),
            "lr.head": 1e-2 * rng.random(),
            "batch_size": rng.choice((8, 16, 32)),
        }
        state = STATES[1] if number % 7 == 3 else STATES[2] if number % 11 == 5 else STATES[0]
        value = 0.5 if state is TrialState.COLLAPSED else rng.uniform(0.5, 0.9)
        start = 1000.0 + 60 * number
        found.append(
            TrialView(number, state, params=params, value=value, started=start, ended=start + 50)
        )
    return found


def sample(count: int = 40, direction: str = "maximize") -> Sample:
    return sample_of(SessionView(direction=direction), trials(count), SPACE)


def all_charts(chosen: Sample, lit: list[bool], width: int, height: int) -> list[Lines]:
    """Every chart in every of its ways."""
    count = len(chosen.trials)
    numbers = {t.number for t, on in zip(chosen.trials, lit, strict=True) if on}
    brushes = Brushes()
    brushes.kept[METRIC] = Brush(0.5, 1.0)
    across, down, choice = chosen.settings
    histories = [
        draw_history(chosen, lit, width, height, TERMINAL, order=order) for order in ORDERS
    ]
    slices = [
        draw_slice(chosen, axis, lit, width, height, TERMINAL, log=log)
        for axis in chosen.settings
        for log in (None, True, False)
    ]
    maps = [
        draw_heatmap(chosen, across, down, lit, width, height, TERMINAL),
        draw_heatmap(chosen, choice, across, lit, width, height, TERMINAL),
        draw_heatmap(chosen, across, choice, lit, width, height, TERMINAL),
    ]
    others = [
        draw_parallel(chosen, chosen.axes, lit, brushes, 1, width, height, TERMINAL),
        draw_timeline(chosen.every, numbers, chosen.best, 9e3, width, height, TERMINAL),
    ]
    assert count == len(lit)
    return [*histories, *slices, *maps, *others]


@settings(max_examples=25, deadline=None)
@given(width=WIDTHS, height=HEIGHTS, count=st.integers(1, 60), seed=st.integers(0, 9))
def test_every_chart_fits_into_its_pane(width: int, height: int, count: int, seed: int) -> None:
    chosen = sample(count)
    rng = random.Random(seed)
    lit = [rng.random() < 0.5 for _ in chosen.trials]
    for lines in all_charts(chosen, lit, width, height):
        assert len(lines) <= height
        for line in plain_lines(lines):
            assert cell_len(line) <= width


def test_the_history_has_a_sign_for_every_end() -> None:
    chosen = sample()
    text = "".join(plain_lines(draw_history(chosen, [True] * 40, 200, 30, TERMINAL)))
    counts = {sign: text.count(sign) for sign in "•×⊘★"}
    assert counts["★"] == 1
    assert counts["×"] == chosen.count(TrialState.PRUNED)
    assert counts["⊘"] == chosen.count(TrialState.COLLAPSED)
    assert counts["•"] == chosen.count(TrialState.COMPLETE) - 1
    without = plain_lines(draw_history(chosen, [True] * 40, 200, 30, TERMINAL, pruned=False))
    assert not set("×⊘") & set("".join(without))


def test_dimmed_trials_are_dots_without_colours_too() -> None:
    chosen = sample()
    text = "".join(plain_lines(draw_history(chosen, [False] * 40, 200, 30, TERMINAL)))
    assert text.count("·") == 39
    assert text.count("★") == 1


def test_the_best_line_only_rises_and_ends_at_the_best() -> None:
    chosen = sample()
    lines = plain_lines(draw_history(chosen, [True] * 40, 100, 30, TERMINAL, order="number"))
    bare = plain_lines(
        draw_history(chosen, [True] * 40, 100, 30, TERMINAL, order="number", best_line=False)
    )
    braille = [any(0x2800 < ord(sign) < 0x2900 for sign in line) for line in lines]
    assert braille.index(True) == next(i for i, line in enumerate(lines) if "★" in line)
    assert not any(0x2800 < ord(sign) < 0x2900 for line in bare for sign in line)


def test_the_best_of_a_loss_is_the_lowest() -> None:
    chosen = sample(direction="minimize")
    complete = [t for t in chosen.trials if t.state is TrialState.COMPLETE]
    assert chosen.best is min(complete, key=lambda trial: trial.value or 0.0)
    assert chosen.fifths[chosen.trials.index(chosen.best)] == 4


def test_a_value_outside_of_its_range_has_no_place() -> None:
    found = trials(3)
    found[0].params["lr.body"] = 0.5
    found[1].params["batch_size"] = 64
    found[2].params["lr.head"] = "frozen"
    places = sample_of(SessionView(), found, SPACE).places
    assert places["lr.body"][0] is None
    assert places["batch_size"][1] is None
    assert places["lr.head"][2] is None
    assert all(place is not None for place in places[METRIC])


def test_an_axis_from_zero_has_no_logarithm() -> None:
    body, head, _choice = sample().settings
    assert rescaled(body, log=True).scale.log
    assert not rescaled(body, log=False).scale.log
    assert not rescaled(head, log=True).scale.log


def test_parallel_axes_have_their_ends_and_choices() -> None:
    chosen = sample()
    lines = plain_lines(
        draw_parallel(chosen, chosen.axes, [True] * 40, Brushes(), 0, 80, 20, TERMINAL)
    )
    assert lines[0].split() == ["‹body›", "head", "batch", "ACC"]
    assert lines[1].split()[:2] == ["1e-4", "0.01"]
    assert lines[-1].split()[:2] == ["1e-6", "0"]
    text = "\n".join(lines)
    assert all(f"│{size}" in text for size in ("8", "16", "32"))


@given(focus=st.integers(0, 20), width=st.integers(20, 130), count=st.integers(1, 20))
def test_the_axis_in_focus_shows_and_the_metric_is_last(focus: int, width: int, count: int) -> None:
    space: dict[str, Range | Choices] = {f"lr.group {n}": Range(0, 1) for n in range(count)}
    axes = sample_of(SessionView(), trials(2), space).axes
    shown = spread(axes, min(focus, count), width)
    assert axes[min(focus, count)] in shown.axes
    assert shown.axes[-1].name == METRIC
    assert list(shown.columns) == sorted(set(shown.columns))
    assert shown.columns[-1] < width


def test_the_brush_is_seen_on_its_axis() -> None:
    chosen, brushes = sample(), Brushes()
    brushes.put(METRIC, Brush(0.5, 1.0))
    drawn = draw_parallel(chosen, chosen.axes, [True] * 40, brushes, 3, 80, 23, TERMINAL)
    assert sum(line.count("┇") for line in plain_lines(drawn)) == 10
    brushes.keep()
    brushes.invert(METRIC)
    drawn = draw_parallel(chosen, chosen.axes, [True] * 40, brushes, 3, 80, 23, TERMINAL)
    held = ["┃" in line for line in plain_lines(drawn)]
    assert held.index(True) > len(held) // 2 - 1


def test_ten_thousand_trials_draw_few_lines_with_the_best_last() -> None:
    chosen = sample(10_000)
    lit = [number % 5 == 0 for number in range(10_000)]
    drawn = drawn_trials(chosen, lit)
    assert len(drawn) == len(set(drawn)) <= MOST_LINES + 1
    assert chosen.trials[drawn[-1]] is chosen.best
    assert len(drawn_trials(chosen, [True] * 10_000)) <= MOST_LINES + 1


def test_heat_cells_count_every_trial_once() -> None:
    chosen = sample()
    across, down, _choice = chosen.settings
    cells = heat_cells(chosen, across, down, [True] * 40, 6, 4)
    assert sum(cell.count for cell in cells.values()) == 40
    assert all(0 <= column < 6 and 0 <= row < 4 for column, row in cells)
    half = [number % 2 == 0 for number in range(40)]
    assert sum(c.count for c in heat_cells(chosen, across, down, half, 6, 4).values()) == 20


def test_the_best_cell_is_dark_whatever_the_direction() -> None:
    for direction, best in (("maximize", 0.9), ("minimize", 0.1)):
        found = [
            TrialView(n, TrialState.COMPLETE, params={"a": n / 3, "b": n / 3}, value=value)
            for n, value in enumerate((0.1, 0.5, 0.6, 0.9))
        ]
        space = {"a": Range(0, 1), "b": Range(0, 1)}
        chosen = sample_of(SessionView(direction=direction), found, space)
        across, down = chosen.settings
        lines = plain_lines(draw_heatmap(chosen, across, down, [True] * 4, 40, 12, TERMINAL))
        dark = [line for line in lines if SHADES[-1] in line]
        high = chosen.trials[-1].value == best
        assert (dark[0] == lines[0]) == high


def test_bars_that_overlap_are_in_different_lanes() -> None:
    found = [
        TrialView(n, TrialState.COMPLETE, started=s, ended=end)
        for n, (s, end) in enumerate(((1.0, 9.0), (2.0, 4.0), (4.0, 6.0), (5.0, 7.0), (9.0, 10.0)))
    ]
    placed = bars(found, 20.0)
    assert [bar.lane for bar in placed] == [0, 1, 1, 2, 0]
    assert layout(placed, 40, 30).lanes == 3


@given(spans=st.lists(st.tuples(st.floats(1, 100), st.floats(0.1, 50)), min_size=1, max_size=30))
def test_no_two_bars_of_a_lane_overlap(spans: list[tuple[float, float]]) -> None:
    found = [
        TrialView(n, TrialState.COMPLETE, started=start, ended=start + length)
        for n, (start, length) in enumerate(spans)
    ]
    last: dict[int, float] = {}
    for bar in bars(found, 200.0):
        assert bar.start >= last.get(bar.lane, 0.0)
        last[bar.lane] = bar.end


def exploration(tmp_path: Path, count: int) -> Exploration:
    feed = Feed(corpus.long(tmp_path, count))
    while not feed.complete:
        feed.read(float("inf"))
    found = Exploration(Workspace(feed))
    assert found.take()
    return found


def test_what_did_not_change_is_not_worked_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, a step of a running trial, another brush: none looks at all trials' settings again."""
    here = exploration(tmp_path, 30)
    before, places, bright = here.sample, here.sample.places, here.bright
    assert here.bright is bright
    monkeypatch.setattr("tuner.tui.exploration.sample_of", None)
    here.workspace.feed.view.next_seq += 1
    assert not here.take()
    assert here.sample is before
    here.brush_best()
    assert here.bright is not bright
    assert here.sample.places is places


def test_places_are_remembered_over_filters(tmp_path: Path) -> None:
    here = exploration(tmp_path, 30)
    assert len(here.sample.places["lr.head"]) == 30
    here.workspace.filter_by("0-9")
    assert here.take()
    axis = next(axis for axis in here.sample.axes if axis.name == "lr.head")
    here.sample.memo[axis][3] = 0.125
    assert here.sample.places["lr.head"][3] == 0.125
    assert len(here.sample.trials) == 10
    assert here.count_text() == "10 trials pass"


def test_families_of_axes(tmp_path: Path) -> None:
    here = exploration(tmp_path, 3)
    assert here.families() == ["all", "rates", *corpus.RATES, "others"]
    shown = []
    for _ in here.families():
        here.next_family()
        shown.append([axis.label for axis in here.axes])
    assert shown[0] == ["emb", "L0–3", "L4–7", "L8–11", "head", "ACC"]
    assert shown[1] == ["emb", "ACC"]
    assert shown[-2] == ["warmup", "wd", "ACC"]
    assert len(shown[-1]) == 8


def test_odd_names_are_shown_as_text(tmp_path: Path) -> None:
    view = load_view(corpus.odd(tmp_path))
    found = [view.trials[number] for number in sorted(view.trials)]
    space: dict[str, Range | Choices] = {
        "lr.[red]embeddings[/]": Range(1e-7, 1e-5, "log"),
        "lr.層の学習率": Range(1e-6, 3e-5, "log"),
        "\x1b[31m": Choices(("[b]", "\x1b[0m")),
    }
    chosen = sample_of(view, found, space)
    lines = draw_parallel(
        chosen, chosen.axes, [True] * len(chosen.trials), Brushes(), 0, 70, 12, TERMINAL
    )
    text = "".join(plain_lines(lines))
    assert "\x1b" not in text
    assert "[red]" in text
