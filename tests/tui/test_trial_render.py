"""What is drawn of one trial, from values alone."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui import corpus
from tuner.recipe.space import build_trial_config
from tuner.recipe.types import Choices, Range
from tuner.render.charts.line_chart import legend_lines
from tuner.render.class_report import CLASS_ORDERS, ClassOrder, class_report_lines
from tuner.render.epoch_strip import epoch_strip_lines
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.render.text_fitting import fold_at_words
from tuner.render.trial_curves import (
    distinct_looks,
    group_lines,
    last_value_until,
    learning_rate_lines,
)
from tuner.render.trial_fact_lines import trial_fact_lines, trial_facts_sentence
from tuner.render.trial_parameters import ValueRanks, parameter_lines, value_ranks_of_trial
from tuner.render.trial_rungs import trial_rung_lines
from tuner.session.events import Rung
from tuner.session.fold import load_session_view
from tuner.session.view import SessionView, TrialState, TrialView

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=30)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    return load_session_view(corpus.record_running_session(tmp_path_factory.mktemp("sessions")))


# Parameters


def trial(number: int, value: float, state: TrialState = TrialState.COMPLETE) -> TrialView:
    return TrialView(number, state, params={"lr.head": value, "kind": "a", "on": True})


def test_ranks_count_ended_trials_once_and_the_trial_itself() -> None:
    view = SessionView()
    for number, value in enumerate((1e-5, 1e-3, 1e-4)):
        view.trials[number] = trial(number, value)
    view.trials[3] = trial(3, 1e-6, TrialState.RUNNING)
    view.trials[4] = trial(4, 1e-5)
    view.trials[4].origin = "rerun of 0"
    assert value_ranks_of_trial(view, view.trials[2]) == ValueRanks({"lr.head": 2}, 3)
    assert value_ranks_of_trial(view, view.trials[3]) == ValueRanks({"lr.head": 1}, 4)
    assert value_ranks_of_trial(view, view.trials[1]).rank_by_name["lr.head"] == 3


@given(st.lists(WORDS.filter(bool), min_size=1, max_size=6, unique=True), st.integers(30, 140))
def test_parameters_keep_to_the_width(names: list[str], width: int) -> None:
    trial_view = TrialView(0, params=dict.fromkeys(names, 2e-5), fixed={"seed": 3})
    space = {name: Range(1e-6, 1e-3, "log") for name in names}
    lines = parameter_lines(
        trial_view, space, value_ranks_of_trial(SessionView(), trial_view), width, TERMINAL_STYLES
    )
    assert all(cell_len(line) <= width for line in lines_to_strings(lines))


def test_choices_have_no_rank() -> None:
    trial_view = TrialView(0, params={"batch_size": 16})
    ranks = value_ranks_of_trial(SessionView(), trial_view)
    (_, row, *_) = lines_to_strings(
        parameter_lines(trial_view, {"batch_size": Choices((16, 32))}, ranks, 100, TERMINAL_STYLES)
    )
    assert row.split() == ["batch_size", "16", "—", "{16", "●,", "32", "○}"]


def test_nothing_searched_is_said() -> None:
    lines = parameter_lines(TrialView(0), {}, ValueRanks({}, 0), 60, TERMINAL_STYLES)
    assert "nothing is searched" in lines_to_strings(lines)[0]


# Facts and rungs


def test_facts_say_nothing_that_is_not_known() -> None:
    view = SessionView()
    view.trials[7] = TrialView(7)
    text = " ".join(
        lines_to_strings(trial_fact_lines(view, view.trials[7], 60, TERMINAL_STYLES, 0.0))
    )
    assert text.split() == ["seed", "0", "files", "trials/0007/"]
    assert trial_facts_sentence(view, view.trials[7], 0.0) == "seed 0 · trials/0007/"


def test_a_spared_trial_is_called_so() -> None:
    rung = Rung(
        trial=0, share=1 / 3, kept=True, value=0.5, cutoff=0.6, rank=4, among=4,
        rule="halving; kept, it is the baseline", spared=True,
    )  # fmt: skip
    trial_view = TrialView(0, rungs=[rung, msgspec.structs.replace(rung, kept=False, spared=False)])
    lines = lines_to_strings(trial_rung_lines(SessionView(), trial_view, 100, TERMINAL_STYLES))
    assert "spared · halving; kept, it is the baseline" in lines[1]
    assert "✂ cut" in lines[2]
    assert all(
        "·" not in line
        for line in lines_to_strings(
            trial_rung_lines(SessionView(), trial_view, 48, TERMINAL_STYLES)
        )
    )


# Curves


def test_the_drawn_schedule_is_the_trainers(view: SessionView) -> None:
    trial_view = view.trials[4]
    config = build_trial_config(view.require_recipe(), {**trial_view.params, **trial_view.fixed}, 4)
    lines = learning_rate_lines(trial_view, config, TERMINAL_STYLES, log=False)
    assert len(lines) == len(corpus.RATES)
    for line, rate in zip(lines, config.learning_rates.values(), strict=True):
        assert rate is not None
        rates = [value for _, value in line.points]
        assert rates[0] == 0.0
        assert max(rates) == pytest.approx(rate, rel=0.02)
        assert rates[-1] < rate / 100


def test_what_the_trainer_told_stands_beside_a_running_trials_rates(view: SessionView) -> None:
    trial_view = TrialView(99, params=dict(view.trials[4].params), total_steps=936)
    trial_view.learning_rates = {"head": 1.5e-4}
    config = build_trial_config(view.require_recipe(), trial_view.params, 99)
    notes = [
        line.note for line in learning_rate_lines(trial_view, config, TERMINAL_STYLES, log=True)
    ]
    assert notes == ["", "", "", "", ", now 1.5e-4"]
    trial_view.state = TrialState.COMPLETE
    assert not any(
        line.note for line in learning_rate_lines(trial_view, config, TERMINAL_STYLES, log=True)
    )


def test_lines_are_told_apart_without_colours() -> None:
    glyphs = [glyph for glyph, _ in distinct_looks(8, TERMINAL_STYLES)]
    assert len(set(glyphs)) == 8
    assert len(set(distinct_looks(30, TERMINAL_STYLES))) == 30


@given(st.lists(WORDS.filter(bool), min_size=1, max_size=40, unique=True), st.integers(20, 100))
def test_legends_keep_to_the_width(names: list[str], width: int) -> None:
    groups = group_lines({name: [(0.0, 1.0)] for name in names}, TERMINAL_STYLES, "middle")
    lines = legend_lines(groups, width, TERMINAL_STYLES)
    assert len(lines) <= 3
    assert all(cell_len(line.rstrip()) <= width for line in lines_to_strings(lines))


def test_values_between_points() -> None:
    points = [(0.25, 1.0), (0.5, 2.0)]
    assert [last_value_until(points, share) for share in (0.1, 0.25, 0.4, 1.0)] == [
        None,
        1.0,
        1.0,
        2.0,
    ]


# Matrices


@pytest.mark.parametrize("sorting", CLASS_ORDERS)
@pytest.mark.parametrize("classes", [2, 6, 200])
@pytest.mark.parametrize("width", [36, 58, 110])
def test_a_report_of_any_number_of_classes(sorting: ClassOrder, classes: int, width: int) -> None:
    labels = [f"a class with a name that is long {n}" for n in range(classes)]
    confusion = corpus.confusion_of(0.7, classes, 3000, False)
    lines = lines_to_strings(class_report_lines(confusion, labels, width, TERMINAL_STYLES, sorting))
    assert len(lines) == classes + 4
    assert all(cell_len(line) <= width for line in lines)
    assert len({line.split("  ")[0] for line in lines[1 : classes + 1]}) == classes


def test_the_order_of_a_report() -> None:
    confusion = [[8, 2, 0], [0, 20, 0], [3, 0, 2]]
    orders: dict[ClassOrder, str] = {
        "worst": "cab",
        "best": "bac",
        "label": "abc",
        "support": "bac",
    }
    for sorting, order in orders.items():
        lines = lines_to_strings(class_report_lines(confusion, "abc", 80, TERMINAL_STYLES, sorting))
        assert "".join(line[0] for line in lines[1:4]) == order


def test_the_strip_keeps_the_shown_evaluation_in_sight(view: SessionView) -> None:
    evaluations = view.trials[4].evaluations
    for evaluation_index in range(len(evaluations)):
        head, *_ = lines_to_strings(
            epoch_strip_lines(
                evaluations, evaluation_index, 5, "accuracy", "row", 40, TERMINAL_STYLES
            )
        )
        assert f"▸epoch {evaluation_index + 1}" in head
        assert cell_len(head.rstrip()) <= 40


# Rows


@given(st.lists(WORDS), st.integers(2, 60))
def test_folding_loses_nothing(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = fold_at_words(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_show_says_the_same_as_the_screen(view: SessionView) -> None:
    from tuner.render.trial_detail import trial_detail_lines

    text = "\n".join(lines_to_strings(trial_detail_lines(view, 4, 100, TERMINAL_STYLES, 0.0)))
    ranks = value_ranks_of_trial(view, view.trials[4])
    assert f"{ranks.rank_by_name['warmup']}/{ranks.trial_count}" in text
    assert "kept · halving" in text
