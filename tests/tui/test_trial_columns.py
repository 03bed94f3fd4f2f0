"""The table of trials: chosen columns, marks, orders that keep up, and ten thousand trials."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

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
    wait_until,
)
from tuner.render.trial_columns import (
    Column,
    metric_names_of_trials,
    parameter_names,
    trial_columns,
)
from tuner.session import events as e
from tuner.session.codec import encode_event_line
from tuner.session.folder import Session
from tuner.session.view import SessionView, TrialView
from tuner.tui.app import TunerApp
from tuner.tui.screens.columns_screen import ColumnsScreen
from tuner.tui.state.table_layout import ColumnDifferences, TableLayout
from tuner.tui.widgets.trial_rows import Ordering, TrialRows

NAME = "rte-roberta-llrd"
SIZES = {"80x24": SMALL, "120x40": LARGE}


@pytest.fixture
def session(root: Path, states: States) -> Session:
    states.running(NAME)
    return corpus.record_running_session(root)


def header(app: TunerApp) -> str:
    return visible_screen_text(app).splitlines()[3]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("session")
def test_choosing_columns(root: Path, size: str) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "c")
        assert isinstance(app.screen, ColumnsScreen)
        await press(pilot, "escape")
        live_screen(app)

    play(root, scene, session=NAME, size=SIZES[size])


@pytest.mark.usefixtures("session")
def test_columns_are_shown_hidden_and_moved_at_once(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "F1" not in header(app)
        await press(pilot, "c", "j", "j", "j", "space", "escape")
        assert "F1" in header(app)
        await press(pilot, "c", "g", "J", "escape")
        assert header(app).index("STATE") < header(app).index("#")
        await press(pilot, "c", "j", "space", "escape")
        assert " # " not in header(app)
        await press(pilot, "c", "0", "escape")
        assert header(app).index("#") < header(app).index("STATE")
        assert "F1" not in header(app)

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_the_choice_outlives_the_screen(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "c", "j", "j", "j", "space", "escape", "escape")
        await wait_until(pilot, lambda: app.screen.query("#sessions"))
        app.open_session_view(app.catalog.reader_for(Session(root / NAME)))
        await wait_until(pilot, lambda: "F1" in visible_screen_text(app))

    play(root, scene, session=NAME, size=LARGE)


def test_columns_that_never_differ_hide_by_themselves(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        started = e.TrialStarted(
            trial=15, generation=0, params={"epochs": 3}, seed=4, device="cuda:0"
        )
        assert "same" not in str(trial_table(app).border_subtitle)
        await press(pilot, "c", "G", "k", "k", "k", "space", "escape")
        assert "SEED" in header(app), "what was chosen shows, differing or not"
        append(session, started)
        await wait_until(pilot, lambda: 15 in trial_table(app).keys_in_order())
        assert trial_table(app).is_constant_column(column(app, "seed"))
        append(session, msgspec.structs.replace(started, trial=16, seed=5))
        await wait_until(
            pilot, lambda: not trial_table(app).is_constant_column(column(app, "seed"))
        )

    play(root, scene, session=NAME, size=LARGE)


def test_a_parameter_that_never_differs_is_counted_in_the_border(root: Path) -> None:
    rates = {"embeddings": (1e-6, 1e-6), "head": (1e-4, 5e-3)}
    session = corpus.folder(root, "same", corpus.recipe_text(corpus.RATES, trials=4))
    story = corpus.Story(corpus.Recorder(session), ("a", "b"), rates, 4)
    story.begin()
    for number in range(3):
        story.trial(number)
    story.recorder.write()

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "emb" not in header(app)
        assert "1 same hidden" in str(trial_table(app).border_subtitle)
        await press(pilot, "C")
        assert "emb" in header(app)
        assert "same" not in str(trial_table(app).border_subtitle)

    play(root, scene, session="same", size=LARGE)


def append(session: Session, *events: e.Event) -> None:
    with session.events_path.open("ab") as file:
        for event in events:
            file.write(encode_event_line(msgspec.structs.replace(event, seq=999, time=NOW)))


def column(app: TunerApp, key: str) -> Column:
    return next(
        shown_column
        for shown_column in trial_table(app).arranged_columns
        if shown_column.key == key
    )


@pytest.mark.usefixtures("session")
def test_five_marks_and_no_more(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "space", "j", "space")
        assert "2 marked" in str(trial_table(app).border_title)
        assert visible_screen_text(app).count("◆") == 2
        for _ in range(4):
            await press(pilot, "j", "space")
        assert "5 marked" in str(trial_table(app).border_title)
        await wait_until(pilot, lambda: "5 trials are marked" in visible_screen_text(app))
        live_screen(app).workspace.apply_filter_text("is:marked")
        trial_table(app).filter_trials(live_screen(app).workspace.trial_filter)
        assert len(trial_table(app).keys_in_order()) == 5
        await press(pilot, "g", "space")
        assert len(trial_table(app).keys_in_order()) == 4

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_the_filter_says_how_many_pass_and_names_what_is_near(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "slash", *"is:best")
        await wait_until(
            pilot, lambda: "1 of 15 match" in visible_screen_text(app).splitlines()[-2]
        )
        await press(pilot, "escape", "slash", *"lr.haed<1")
        assert 'did you mean "lr.head"?' in visible_screen_text(app).splitlines()[-2]
        await press(pilot, "escape")
        assert len(trial_table(app).keys_in_order()) == 15

    play(root, scene, session=NAME, size=LARGE)


def test_the_clock_of_a_trial_stops_with_its_worker(root: Path) -> None:
    corpus.record_crashed_session(root)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        assert "◐ pause 0.5523    1" in visible_screen_text(app)
        assert "72:" not in visible_screen_text(app).splitlines()[4]
        assert "01:48" in visible_screen_text(app).splitlines()[4]

    play(root, scene, session="rte-bert-baseline")


orders = st.lists(
    st.tuples(st.integers(0, 30), st.tuples(st.integers(0, 3), st.floats(allow_nan=False))),
    max_size=60,
)


@given(orders, st.booleans(), st.sets(st.integers(0, 30)))
def test_an_order_that_keeps_up_is_one_made_anew(
    changes: list[tuple[int, tuple[int, float]]], backwards: bool, dropped: set[int]
) -> None:
    ordering, latest = Ordering(is_reversed=backwards), dict[int, tuple[int, float]]()
    for number, order in changes:
        assert ordering.update_position(number, order) == (latest.get(number) != order)
        latest[number] = order
    for number in dropped:
        assert ordering.remove_number(number) == (latest.pop(number, None) is not None)
    anew = Ordering(latest.items(), is_reversed=backwards)
    assert ordering.ordered_numbers == anew.ordered_numbers
    assert [ordering.index_of_number(number) for number in ordering.ordered_numbers] == list(
        range(len(latest))
    )
    assert ordering.restricted_to({1, 2, 3}).ordered_numbers == [
        n for n in ordering.ordered_numbers if n in (1, 2, 3)
    ]
    assert (
        ordering.with_direction(is_reversed=not backwards).ordered_numbers
        == ordering.ordered_numbers[::-1]
    )


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=40))
def test_rows_keep_up_with_what_passes(changes: list[tuple[int, int]]) -> None:
    view = SessionView()
    rows = TrialRows(view)
    rows.sort_by_key(lambda trial: (trial.seed,), is_reversed=False)
    rows.apply_filter(lambda trial: trial.seed > 2)
    for number, seed in changes:
        view.trials.setdefault(number, TrialView(number)).seed = seed
        rows.update_position(number)
    passing = [trial for trial in view.trials.values() if trial.seed > 2]
    expected = sorted(passing, key=lambda trial: (trial.seed, trial.number))
    assert rows.matching.ordered_numbers == [trial.number for trial in expected]
    newest = sorted((trial.number for trial in passing), reverse=True)
    assert rows.newest_trials(3) == newest[:3]


def test_a_layout_puts_new_columns_behind_their_neighbours() -> None:
    view = SessionView()
    view.trials[0] = TrialView(0, params={"lr.a": 1e-3})
    before = trial_columns(view, ["lr.a"], lambda: 0.0)
    layout = TableLayout()
    layout.move_column(before, "curve", -20)
    after = trial_columns(view, ["lr.a", "lr.b"], lambda: 0.0)
    keys = [shown_column.key for shown_column in layout.arrange_columns(after)]
    assert keys[0] == "curve"
    assert keys.index("param:lr.b") == keys.index("param:lr.a") + 1
    assert sorted(keys) == sorted(shown_column.key for shown_column in after)


def test_differences_are_learned_bit_by_bit() -> None:
    view = SessionView()
    view.trials = {
        trial_number: TrialView(trial_number, seed=4, origin="sampled") for trial_number in range(3)
    }
    columns = trial_columns(view, [], lambda: 0.0)
    differences = ColumnDifferences()
    differences.learn_from_trials(columns, view.trials.values())
    constant = {
        shown_column.key
        for shown_column in columns
        if differences.is_constant_column(shown_column, 3)
    }
    assert constant == {"seed", "origin", "generation", "memory"}
    view.trials[2].seed = 5
    assert differences.learn_from_trials(columns, [view.trials[2]])
    assert "seed" in differences.differing_keys


def test_a_long_log_is_written_the_same_again_and_read_whole(tmp_path: Path) -> None:
    first = corpus.long_story(tmp_path / "a", trials=50)
    second = corpus.long_story(tmp_path / "b", trials=50)
    assert first.events_path.read_bytes() == second.events_path.read_bytes()

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        view = live_screen(app).reader.view
        assert len(view.trials) == 50
        assert parameter_names(view.trials.values())[-1] == "weight_decay"
        assert metric_names_of_trials(view.trials.values()) == ["accuracy", "f1_macro", "loss"]
        assert len(view.trials[0].evaluations) == 10 or view.trials[0].state == "pruned"

    play(tmp_path / "a", scene, session="long")


def test_rows_of_ten_thousand_trials_keep_up_in_no_time() -> None:
    view = SessionView()
    view.trials = {
        trial_number: TrialView(trial_number, seed=trial_number % 977)
        for trial_number in range(10_000)
    }
    rows = TrialRows(view)
    rows.sort_by_key(lambda trial: (trial.seed,), is_reversed=False)
    rows.apply_filter(lambda trial: trial.seed % 2 == 0)
    began = time.process_time()
    for number in range(0, 10_000, 50):
        view.trials[number].seed += 2
        rows.update_position(number)
    assert time.process_time() - began < 0.2, "200 changes, each far below a millisecond"
