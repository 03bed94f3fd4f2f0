"""What the command line prints and the screens show: tables, matrices, events."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.tui import corpus
from tuner.errors import TunerError
from tuner.render.confusion_cells import compute_class_scores, shade_level
from tuner.render.confusion_matrix import confusion_lines, confusion_table
from tuner.render.event_text import describe_event, event_line_runs
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.render.text_fitting import fit_text, short_setting_names, wrap_at_spaces
from tuner.render.toml_highlight import wrap_toml
from tuner.render.trial_detail import trial_detail
from tuner.render.trials_table import trials_table
from tuner.session import events as e
from tuner.session.events import Unknown
from tuner.session.fold import fold_events, load_session_view
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionView, TrialState


def rendered_text(renderable: object, width: int = 80) -> str:
    """As a terminal without colours would show it."""
    file = io.StringIO()
    Console(file=file, width=width, color_system=None, force_terminal=False).print(renderable)
    return file.getvalue()


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def matrix(classes: int, seed: int = 0) -> list[list[int]]:
    rng = random.Random(seed)
    cells = [[rng.randrange(4) for _ in range(classes)] for _ in range(classes)]
    for index in range(classes):
        cells[index][index] += 30
    return cells


@pytest.mark.parametrize("classes", [2, 3, 6, 12, 23, 24, 77, 200])
@pytest.mark.parametrize("width", [34, 60, 80, 160])
@pytest.mark.parametrize("mode", ["counts", "row", "column"])
def test_a_matrix_of_any_size_is_readable(classes: int, width: int, mode: str) -> None:
    labels = [f"label {index} with a long name" for index in range(classes)]
    text = rendered_text(confusion_table(matrix(classes), labels, mode=mode, width=width), 200)  # type: ignore[arg-type]
    assert widest(text) <= width
    assert "correct" in text
    assert "macro F1" in text


def test_a_small_matrix_has_all_its_numbers() -> None:
    text = rendered_text(confusion_table([[121, 25], [35, 96]], ["entail", "not"]))
    for number in ("121", "25", "35", "96", "0.78", "0.79", "146", "131", "217 of 277"):
        assert number in text
    rows = rendered_text(confusion_table([[121, 25], [35, 96]], ["entail", "not"], mode="row"))
    assert "83 %" in rows


def test_a_large_matrix_names_the_most_confused_and_says_what_it_leaves_out() -> None:
    cells = matrix(200)
    cells[7][150] = 99
    text = rendered_text(confusion_table(cells, [f"l{index}" for index in range(200)]))
    first = text.split("most confused")[1].splitlines()[1]
    assert "99" in first
    assert "l7" in first
    assert "l150" in first
    assert "160 better ones not shown" in text


def test_scores_of_classes() -> None:
    first, second = compute_class_scores([[3, 1], [0, 0]], ["a"])
    assert (first.precision, first.recall, first.row_count) == (1.0, 0.75, 4)
    assert (second.label, second.recall, second.precision) == ("1", None, 0.0)


def test_nothing_is_as_light_as_nothing() -> None:
    assert [shade_level(share) for share in (0, 0.001, 0.3, 0.6, 0.9, 1)] == [0, 1, 2, 3, 4, 4]


def test_an_empty_matrix_says_so() -> None:
    assert "no row" in rendered_text(confusion_table([[0, 0], [0, 0]], ["a", "b"]))


@given(st.lists(st.text(max_size=12), min_size=2, max_size=5), st.integers(40, 120))
def test_labels_never_break_the_matrix(labels: list[str], width: int) -> None:
    lines = lines_to_strings(confusion_lines(matrix(len(labels)), labels, width, TERMINAL_STYLES))
    assert all(cell_len(line) <= width for line in lines)
    assert not any(ord(character) < 32 for line in lines for character in line)


@pytest.fixture
def view(root: Path) -> SessionView:
    return load_session_view(corpus.record_running_session(root))


def test_the_trials_are_readable_on_eighty_columns(view: SessionView) -> None:
    text = rendered_text(trials_table(view, now=lambda: corpus.START))
    lines = text.splitlines()
    assert widest(text) <= 80
    assert "● run" in lines[1]
    assert "★ done" in lines[2]
    assert sum("⊘ 33 %" in line for line in lines) == 1
    assert "not shown in 80 columns" in lines[-1]
    assert "weight_decay" in lines[-1]


def test_a_wide_table_has_every_parameter(view: SessionView) -> None:
    text = rendered_text(trials_table(view), 140)
    assert "not shown" not in text
    assert text.splitlines()[0].split()[-1] == "CURVE"


def test_no_trials_are_said_to_be_none() -> None:
    assert "no trials yet" in rendered_text(trials_table(SessionView()))


def test_the_detail_of_a_trial_tells_all(view: SessionView) -> None:
    text = rendered_text(trial_detail(view, view.best or 0))
    for part in ("Parameters", "lr.head", "├", "Evaluations", "Rungs", "Confusion", "★ kept"):
        assert part in text
    assert widest(text) <= 80
    pruned = next(n for n, t in view.trials.items() if t.state == "pruned")
    assert "the upper half begins at" in rendered_text(trial_detail(view, pruned)).replace(
        "\n", " "
    )
    failed = next(n for n, t in view.trials.items() if t.state == "failed")
    assert "torch.OutOfMemoryError" in rendered_text(trial_detail(view, failed))


def test_a_recipe_is_folded_and_its_comments_are_whole() -> None:
    text = (
        'trials = 24  # "#" in a comment is one of many words\n'
        'name = "a # b"\n'
        "# five words are too many"
    )
    assert wrap_toml(text, 24).splitlines() == [
        "trials = 24",
        '  # "#" in a comment is',
        "  # one of many words",
        'name = "a # b"',
        "# five words are too",
        "# many",
    ]
    assert wrap_toml(text, 80) == text


def test_a_trial_that_there_is_not(view: SessionView) -> None:
    with pytest.raises(TunerError, match="no trial 99, trials are 0 to 14"):
        trial_detail(view, 99)


def test_every_event_is_told_and_nothing_in_it_has_an_effect(root: Path) -> None:
    for session in corpus.record_whole_corpus(root):
        view = load_session_view(session)
        for event in view.history:
            for width in (43, 78, 118):
                text = "".join(
                    part for part, _ in event_line_runs(event, view, width, TERMINAL_STYLES)
                )
                assert cell_len(text) <= width
                assert "\x1b" not in text


def test_every_kind_of_event_has_words() -> None:
    view = SessionView()
    assert describe_event(
        e.Step(trial=1, step=2, of=4, loss=0.5, learning_rates={}, examples_per_second=1), view
    ).title
    assert describe_event(
        e.GenerationOpened(generation=2, changes={"a": 1}, carried=3), view
    ).reason
    slots_event = e.SlotsChosen(
        slots=2, threads=1, measured={}, reason="2 side by side", cores=2, device="cpu"
    )
    assert (describe_event(slots_event, view).short, describe_event(slots_event, view).reason) == (
        "2 × 1 thread",
        "2 side by side",
    )
    read = e.DataRead(rows={"train": 9}, labels=["a"], parameters=1, groups={}, batches="padded")
    assert describe_event(read, view).reason == "9 train, 1 labels, batches are padded"
    scored = e.TestScored(trial=1, n=9, metrics={"accuracy": 0.5}, confusion=[], opened=1)
    assert describe_event(scored, view).role == "best"
    assert (
        describe_event(e.TrialRetried(trial=1, cause="died", error="x", attempt=1), view).short
        == "died"
    )
    unknown_event_text = describe_event(Unknown(3, 1.0, "new\x1bkind", {"a": "[b]"}), view)
    assert (unknown_event_text.title, unknown_event_text.reason) == ("new␛kind", '{"a": "[b]"}')


def test_a_pruning_shows_its_reason_where_it_fits_else_the_numbers(view: SessionView) -> None:
    event = next(event for event in view.history if isinstance(event, e.TrialPruned))
    wide = "".join(part for part, _ in event_line_runs(event, view, 140, TERMINAL_STYLES))
    narrow = "".join(part for part, _ in event_line_runs(event, view, 43, TERMINAL_STYLES))
    assert "✂ pruned at 33 % compared at 33 %: 0.5776 < cutoff 0.6751, rank 4 of 4" in wide
    assert " < " in narrow
    assert "compared" not in narrow


def test_short_names_are_short_and_differ() -> None:
    names = ["lr.embeddings", "lr.layers 0-5", "lr.layer 11", "lr.a b", "lr.a  b", "weight_decay"]
    short = short_setting_names(names)
    assert short["lr.embeddings"] == "emb"
    assert short["lr.layers 0-5"] == "L0–5"
    assert short["weight_decay"] == "wd"
    assert len(set(short.values())) == len(names)


@given(st.text(max_size=40), st.integers(1, 20))
def test_fitting_text_fits(text: str, width: int) -> None:
    assert cell_len(fit_text(text, width)) == width


def test_wrapping_breaks_at_blanks() -> None:
    assert wrap_at_spaces("one two three", 7) == ["one two", "three"]


def test_what_pruning_saved_is_the_rest_of_the_schedule(view: SessionView) -> None:
    pruned = [t for t in view.trials.values() if t.state in ("pruned", "collapsed")]
    remaining_seconds = sum(
        trial.seconds * (trial.total_steps / trial.step - 1) for trial in pruned
    )
    tally = TrialCounter.of_whole_view(view)
    assert tally.seconds_saved == pytest.approx(remaining_seconds)


def test_a_tally_kept_up_to_date_is_one_made_anew(root: Path) -> None:
    view, tally = SessionView(), TrialCounter()
    for event in load_session_view(corpus.record_running_session(root)).history:
        tally.recount_trials(view, fold_events(view, [event]))
    fresh = TrialCounter.of_whole_view(view)
    assert tally.running == fresh.running
    assert tally.seconds_saved == pytest.approx(fresh.seconds_saved)
    assert [tally.count_in_states(state) for state in TrialState] == [
        view.count_trials(s) for s in TrialState
    ]
