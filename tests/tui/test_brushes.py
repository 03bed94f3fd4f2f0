"""Brushes: which trials stay bright, and the ranges that come of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuner.recipe.types import Choices, Range
from tuner.render.charts.brushes import Brush, Brushes, brushed_ranges
from tuner.render.charts.trial_sample import (
    BRUSH_STEPS,
    METRIC_AXIS,
    TrialSample,
    sample_from_trials,
)
from tuner.session.view import SessionView, TrialState, TrialView

SPACE: dict[str, Range | Choices] = {
    "lr.head": Range(1e-6, 1e-2, "log"),
    "warmup": Range(0.0, 0.2),
    "epochs": Range(1, 40, integer=True),
    "schedule": Choices(("linear", "cosine", "constant")),
}
SHARES = st.floats(0, 1)
MOVES = st.lists(st.tuples(st.integers(-30, 30), st.booleans()), max_size=12)
PLACES = st.lists(st.none() | SHARES, max_size=20)


def sample(count: int = 21) -> TrialSample:
    """Trials evenly over all ranges; the value grows with the rate."""
    sampled_trials = []
    for number in range(count):
        share = number / (count - 1)
        params = {
            "lr.head": 10 ** (-6 + 4 * share),
            "warmup": 0.2 * share,
            "epochs": round(1 + 39 * share),
            "schedule": ("linear", "cosine", "constant")[number % 3],
        }
        state = TrialState.COMPLETE
        sampled_trials.append(TrialView(number, state=state, params=params, value=share, ended=1.0))
    return sample_from_trials(SessionView(), sampled_trials, SPACE)


def axis_of(name: str) -> tuple[TrialSample, int]:
    trial_sample = sample()
    return trial_sample, [axis.name for axis in trial_sample.axes].index(name)


@given(name=st.sampled_from([*SPACE, METRIC_AXIS]), moves=MOVES)
def test_however_it_is_moved_a_brush_is_a_stretch_of_the_axis(
    name: str, moves: list[tuple[int, bool]]
) -> None:
    trial_sample, axis_index = axis_of(name)
    axis, brushes = trial_sample.axes[axis_index], Brushes()
    for steps, high in moves:
        brushes.move_end(axis, steps, high=high)
    brush = brushes.brush_on_axis(name) or Brush()
    assert -1e-9 <= brush.low < brush.high <= 1 + 1e-9
    assert brush.high - brush.low >= axis.brush_step - 1e-9


@given(low=SHARES, high=SHARES, places=PLACES)
def test_inverted_is_all_the_others_that_have_a_place(
    low: float, high: float, places: list[float | None]
) -> None:
    brushes = Brushes()
    brushes.kept_brushes["a"] = Brush(min(low, high), max(low, high))
    before = brushes.mask_trials({"a": places}, len(places))
    brushes.invert_axis("a")
    after = brushes.mask_trials({"a": places}, len(places))
    for place, lit_before, lit_after in zip(places, before, after, strict=True):
        assert (lit_before or lit_after) == (place is not None)
        assert not (lit_before and lit_after)
    brushes.invert_axis("a")
    assert brushes.mask_trials({"a": places}, len(places)) == before


@given(first=st.tuples(SHARES, SHARES), second=st.tuples(SHARES, SHARES), places=PLACES)
def test_a_second_axis_only_takes_away(
    first: tuple[float, float], second: tuple[float, float], places: list[float | None]
) -> None:
    columns = {"a": places, "b": places[::-1]}
    brushes = Brushes()
    brushes.kept_brushes["a"] = Brush(min(first), max(first))
    first_mask = brushes.mask_trials(columns, len(places))
    brushes.kept_brushes["b"] = Brush(min(second), max(second))
    both = brushes.mask_trials(columns, len(places))
    assert all(alone or not together for alone, together in zip(first_mask, both, strict=True))
    assert brushes.clear_axis("b")
    assert brushes.mask_trials(columns, len(places)) == first_mask


def test_without_a_brush_all_are_bright() -> None:
    assert Brushes().mask_trials({"a": [None, 0.5]}, 2) == [True, True]


def test_a_draft_counts_until_it_is_dropped_or_kept() -> None:
    trial_sample, axis_index = axis_of("lr.head")
    axis, brushes = trial_sample.axes[axis_index], Brushes()
    brushes.move_end(axis, BRUSH_STEPS // 2)
    assert sum(brushes.mask_trials(trial_sample.positions, len(trial_sample.trials))) == 11
    assert brushes.discard_draft()
    assert not brushes.active_brushes
    brushes.move_end(axis, 4)
    assert brushes.keep_draft()
    assert not brushes.keep_draft()
    brushes.move_end(axis, 4)
    assert brushes.active_brushes[axis.name] == Brush(0.4, 1.0)
    assert brushes.discard_draft()
    assert brushes.active_brushes[axis.name] == Brush(0.2, 1.0)
    brushes.move_end(axis, -4)
    assert brushes.keep_draft()
    assert not brushes.active_brushes  # the whole axis is no brush


def test_a_choice_is_brushed_as_a_whole() -> None:
    trial_sample, axis_index = axis_of("schedule")
    brushes = Brushes()
    brushes.move_end(trial_sample.axes[axis_index], 1)
    brushes.move_end(trial_sample.axes[axis_index], -1, high=True)
    mask = brushes.mask_trials(trial_sample.positions, len(trial_sample.trials))
    lit_schedules = {
        t.params["schedule"] for t, lit in zip(trial_sample.trials, mask, strict=True) if lit
    }
    assert lit_schedules == {"cosine"}


def test_brushed_settings_are_ranges() -> None:
    trial_sample, brushes = sample(), Brushes()
    brushes.kept_brushes["lr.head"] = Brush(0.25, 0.75)
    brushes.kept_brushes["epochs"] = Brush(0.1, 0.5)
    brushes.kept_brushes["schedule"] = Brush(0, 1 / 3)
    assert brushed_ranges(trial_sample, brushes) == {"lr.head": (1e-5, 1e-3), "epochs": (4.0, 21.0)}
    brushes.invert_axis("epochs")
    assert brushed_ranges(trial_sample, brushes) == {"lr.head": (1e-5, 1e-3)}


def test_a_brush_on_the_metric_narrows_all_the_others() -> None:
    trial_sample, brushes = sample(), Brushes()
    brushes.kept_brushes[METRIC_AXIS] = Brush(0.5, 1.0)
    ranges = brushed_ranges(trial_sample, brushes)
    assert ranges == {"lr.head": (1e-4, 1e-2), "warmup": (0.1, 0.2), "epochs": (20.0, 40.0)}
    brushes.kept_brushes["warmup"] = Brush(0.0, 0.75)
    assert brushed_ranges(trial_sample, brushes)["warmup"] == (0.0, 0.15)


@given(low=st.integers(0, BRUSH_STEPS - 1), high=st.integers(1, BRUSH_STEPS))
def test_a_range_is_inside_of_the_one_searched_and_holds_the_brush(low: int, high: int) -> None:
    trial_sample, brushes = sample(), Brushes()
    brush = Brush(min(low, high - 1) / BRUSH_STEPS, max(high, low + 1) / BRUSH_STEPS)
    brushes.kept_brushes["lr.head"] = brush
    ranges = brushed_ranges(trial_sample, brushes)
    if brush == Brush():
        assert ranges == {}
        return
    scale = trial_sample.axes[0].scale
    down, up = ranges["lr.head"]
    assert scale.low <= down <= scale.value_at_share(brush.low) * (1 + 1e-6)
    assert scale.value_at_share(brush.high) * (1 - 1e-6) <= up <= scale.high
