"""The view of marked trials side by side, and the screen of sessions side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    SMALL,
    assert_golden,
    live_screen,
    play,
    press,
    visible_screen_text,
    wait_until,
)
from tuner.tui.app import TunerApp
from tuner.tui.screens.compare_sessions_screen import CompareSessionsScreen
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.screens.row_screen import RowScreen
from tuner.tui.views.trial_comparison_view import TrialComparisonView
from tuner.tui.widgets.flipped_rows_table import FlippedRowsTable
from tuner.tui.widgets.session_table import SessionTable

NAME = "rte-roberta-llrd"
SIZES = {"80x24": SMALL, "120x40": LARGE}


async def compare(pilot: Pilot[None], app: TunerApp, *marks: int) -> TrialComparisonView:
    """Open the view with these trials marked."""
    live_screen(app).workspace.marks[:] = marks
    await live_screen(app).show_view_named("Compare")
    await pilot.pause()
    return live_screen(app).query_one(TrialComparisonView)


def names(view: TrialComparisonView) -> list[str]:
    """Who is compared, the baseline first."""
    return [candidate.name for candidate in view.board.candidates]


def shows(app: TunerApp, kind: type[Screen[None]]) -> bool:
    """Whether such a screen is on top."""
    return isinstance(app.screen, kind)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("marks", [(), (3, 4), (12, 3, 4)])
def test_the_view(whole_corpus: Path, size: str, marks: tuple[int, ...]) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, *marks)
        await assert_golden(app, f"compare-{len(marks)}-{size}")

    play(whole_corpus, scene, session=NAME, size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_odd_names_labels_and_texts(whole_corpus: Path, size: str) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 0, 2)
        await assert_golden(app, f"compare-odd-{size}")
        await press(pilot, "4", "enter")
        assert isinstance(app.screen, RowScreen)
        await assert_golden(app, f"compare-odd-row-{size}")

    play(whole_corpus, scene, session="odd.names-1", size=SIZES[size])


def test_every_tab_of_the_narrow_layout(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 3, 4, 0)
        for number in "234":
            await press(pilot, number)
            await assert_golden(app, f"compare-tab-{number}-80x24")

    play(whole_corpus, scene, session="trec-bert")


def test_nothing_marked_proposes_the_best_and_the_first(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app)
        assert "space in the table of trials marks one" in visible_screen_text(app)
        assert view.check_action("baseline", ()) is False
        await press(pilot, "enter")
        assert names(view) == ["#4", "#0"]
        assert live_screen(app).workspace.marks == [4, 0]

    play(whole_corpus, scene, session=NAME)


def test_one_marked_is_proposed_with_the_best(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app, 12)
        assert "One trial is marked" in visible_screen_text(app)
        await press(pilot, "enter")
        assert names(view) == ["#4", "#12"]

    play(whole_corpus, scene, session=NAME)


def test_without_any_trial_nothing_is_proposed(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app)
        assert view.check_action("rows", ()) is False
        await press(pilot, "enter", "c", "space", "equals_sign", "t", "n", "right")
        assert names(view) == []

    play(whole_corpus, scene, session="agnews-tiny")


def test_columns_baseline_and_unmarking(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app, 3, 4, 12)
        assert names(view) == ["#4", "#3", "#12"]
        assert view.board.other_candidate is view.board.candidates[1]
        await press(pilot, "right", "right", "right")
        assert view.board.other_candidate is view.board.candidates[2]
        await press(pilot, "c")
        assert names(view) == ["#12", "#4", "#3"]
        assert "A #12 baseline" in visible_screen_text(app)
        await press(pilot, "right", "space")
        assert names(view) == ["#12", "#3"]
        assert live_screen(app).workspace.marks == [3, 12]
        await press(pilot, "space")
        assert live_screen(app).workspace.marks == [3]
        assert "One trial is marked" in visible_screen_text(app)

    play(whole_corpus, scene, session=NAME)


def test_marks_of_other_views_are_compared_when_the_view_shows_again(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app, 3, 4)
        await live_screen(app).show_view_named("Live")
        live_screen(app).workspace.toggle_trial_mark(12)
        await live_screen(app).show_view_named("Compare")
        await pilot.pause()
        assert names(view) == ["#4", "#3", "#12"]
        assert "#12" in visible_screen_text(app)

    play(whole_corpus, scene, session=NAME)


def test_only_what_differs(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 4, 0)
        assert "loss" in visible_screen_text(app)
        await press(pilot, "equals_sign")
        assert "loss" not in visible_screen_text(app)
        assert "= only differing ✓" in visible_screen_text(app)

    play(whole_corpus, scene, session=NAME)


def test_other_curves_and_another_scale(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 4, 3)
        assert "2 ACC over the schedule" in visible_screen_text(app)
        assert "+32" in visible_screen_text(app)
        await press(pilot, "t", "n")
        assert "2 Train loss" in visible_screen_text(app)
        assert "+23" in visible_screen_text(app)

    play(whole_corpus, scene, session=NAME, size=LARGE)


def test_the_text_of_a_row_and_its_neighbours(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app, 4, 3, 12)
        await press(pilot, "enter")
        assert isinstance(app.focused, FlippedRowsTable)
        first = view.board.flipped_rows()[0]
        await press(pilot, "enter")
        assert isinstance(app.screen, RowScreen)
        text = visible_screen_text(app)
        assert f"Row {first + 1}" in text
        assert "premise" in text
        assert text.count("✓") + text.count("✗") == 3
        await press(pilot, "right")
        assert f"Row {view.board.flipped_rows()[1] + 1}" in visible_screen_text(app)
        await press(pilot, "left", "left", "escape")
        assert live_screen(app).current_view is view

    play(whole_corpus, scene, session=NAME)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("trials/0003/predictions-1.npz", "trials/0003/predictions-1.npz is damaged"),
        ("trials/0004/predictions-5.npz", "trials/0004/predictions-5.npz is damaged"),
    ],
)
def test_damaged_predictions_are_one_line(whole_corpus: Path, broken: str, said: str) -> None:
    (whole_corpus / NAME / broken).write_bytes(b"PK\x03\x04 torn")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 4, 3)
        assert f"no paired test: {said}" in visible_screen_text(app)
        await press(pilot, "4", "enter")
        assert live_screen(app).current_view is not None
        assert "No row can be compared" in visible_screen_text(app)

    play(whole_corpus, scene, session=NAME)


def test_a_session_without_texts_says_so(whole_corpus: Path) -> None:
    (whole_corpus / NAME / "cache/validation.jsonl").unlink()

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 4, 3)
        await press(pilot, "4", "enter")
        assert "it was started before tuner wrote" in " ".join(visible_screen_text(app).split())

    play(whole_corpus, scene, session=NAME)


def rows_shown(app: TunerApp) -> list[list[str]]:
    """Split each line on the screen into words, without its borders."""
    return [line.strip("│").split() for line in visible_screen_text(app).splitlines()]


async def mark_sessions(pilot: Pilot[None], app: TunerApp, *marked: str) -> None:
    """Mark these in the picker."""
    table = app.screen.query_one(SessionTable)
    for name in marked:
        table.select_key(name)
        await press(pilot, "space")


@pytest.mark.parametrize("size", SIZES)
def test_sessions_side_by_side(whole_corpus: Path, size: str) -> None:
    corpus.record_running_session(whole_corpus, "rte-again")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await mark_sessions(pilot, app, NAME, "trec-bert", "rte-again")
        await press(pilot, "C")
        assert shows(app, CompareSessionsScreen)
        await assert_golden(app, f"compare-sessions-{size}")
        await press(pilot, "t", "G", "z", "escape", "escape")
        assert shows(app, PickerScreen)

    play(whole_corpus, scene, size=SIZES[size])


def test_sessions_side_by_side_are_read_on(whole_corpus: Path) -> None:
    log = corpus.record_running_session(whole_corpus, "rte-again").events_path
    lines = log.read_bytes().splitlines(keepends=True)
    first_best = (
        next(line_index for line_index, line in enumerate(lines) if b"best_changed" in line) + 1
    )
    log.write_bytes(b"".join(lines[:20]))

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await mark_sessions(pilot, app, "trec-bert", "rte-again")
        await press(pilot, "C")
        assert "no complete trial yet: rte-again" in visible_screen_text(app)
        await press(pilot, "z")
        for until_line, best in ((first_best, "#0"), (len(lines), "#4")):
            log.write_bytes(b"".join(lines[:until_line]))
            row = ["best", "trial", "#4", best]
            await wait_until(pilot, lambda row=row: row in rows_shown(app))  # type: ignore[misc]

    play(whole_corpus, scene, size=LARGE)


def test_recipes_are_compared_below_the_scores(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await mark_sessions(pilot, app, NAME, "trec-bert")
        await press(pilot, "C", "z", "equals_sign")
        text = visible_screen_text(app)
        assert "model.name" in text
        assert "bert-base-uncased" in text

    play(whole_corpus, scene, size=LARGE)


def test_too_few_sessions_are_told(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "C")
        assert isinstance(app.screen, PickerScreen)
        await mark_sessions(pilot, app, NAME)
        assert "◆" in visible_screen_text(app)
        await press(pilot, "C")
        assert isinstance(app.screen, PickerScreen)
        await mark_sessions(pilot, app, "mrpc-smoke")
        await press(pilot, "C")
        assert "no complete trial yet: mrpc-smoke" in visible_screen_text(app)
        await press(pilot, "escape")
        await mark_sessions(pilot, app, NAME)
        assert [
            feed.session.name for feed in app.screen.query_one(SessionTable).marked_sessions()
        ] == ["mrpc-smoke"]

    play(whole_corpus, scene)


def test_help_names_the_keys_of_the_view(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await compare(pilot, app, 3, 4)
        await press(pilot, "question_mark")
        text = visible_screen_text(app)
        assert "Compare the others with this" in text
        assert "Only rows that differ, or all" in text

    play(whole_corpus, scene, session=NAME, size=LARGE)


@pytest.mark.parametrize("marks", [(3, 4), (0, 3, 4, 9, 12)])
@pytest.mark.parametrize("width", [60, 81, 99, 100, 119, 200])
def test_every_width_has_its_columns(
    whole_corpus: Path, width: int, marks: tuple[int, ...]
) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await compare(pilot, app, *marks)
        for _ in marks:
            letter = "ABCDE"[view.board.cursor_column]
            assert f"▸{letter} #" in visible_screen_text(app)
            await press(pilot, "right")

    play(whole_corpus, scene, session=NAME, size=(width, 30))
