"""Everything that can be clicked works: the keys' work, done with the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.widget import Widget

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    SMALL,
    States,
    live_screen,
    play,
    press,
    trial_table,
    visible_screen_text,
    wait_until,
)
from tests.tui.places import ways
from tuner.render.confusion_cells import cell_from_style
from tuner.render.styles import lines_to_strings
from tuner.tui.app import TunerApp
from tuner.tui.screens.trial_screen import TrialScreen
from tuner.tui.views.analysis_view import AnalysisView
from tuner.tui.widgets.analysis.history_pane import HistoryPane
from tuner.tui.widgets.analysis.parallel_pane import ParallelPane
from tuner.tui.widgets.analysis.slice_pane import SlicePane
from tuner.tui.widgets.comparison_panes import ComparisonTable
from tuner.tui.widgets.confusion_pane import ConfusionPane
from tuner.tui.widgets.curves_pane import CurvesPane
from tuner.tui.widgets.events_pane import EventsPane
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.line_widgets import Pane
from tuner.tui.widgets.session_table import SessionTable
from tuner.tui.widgets.trial_charts import LossPane
from tuner.tui.widgets.trial_errors import ErrorTable
from tuner.tui.widgets.trial_matrix import EvaluationsPane

NAME = "rte-roberta-llrd"


def place_of(app: TunerApp, text: str, nth: int = 0) -> tuple[int, int]:
    """Where a text begins on the screen: cells from the left, lines from the top."""
    for row, line in enumerate(visible_screen_text(app).splitlines()):
        text_start = line.find(text)
        if text_start >= 0 and not nth:
            return cell_len(line[:text_start]), row
        nth -= text_start >= 0
    raise AssertionError(f"{text!r} is not on the screen")


async def click(pilot: Pilot[None], app: TunerApp, text: str, times: int = 1, nth: int = 0) -> None:
    """Click on a text."""
    x, y = place_of(app, text, nth)
    await pilot.click(offset=(x + 1, y), times=times)
    await pilot.pause()


async def click_in(pilot: Pilot[None], pane: Widget, x: int, y: int, times: int = 1) -> None:
    """Click into what a pane holds."""
    top = pane.content_region
    await pilot.click(offset=(top.x + x, top.y + y), times=times)
    await pilot.pause()


@pytest.fixture
def running(root: Path, states: States) -> Path:
    """Make a session that is running."""
    corpus.record_running_session(root)
    states.running(NAME)
    return root


def test_views_in_the_title(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for name in ("Analysis", "Log", "Live"):
            await click(pilot, app, name)
            assert live_screen(app).view_name == name

    play(running, scene, session=NAME, size=LARGE)


def test_tabs_of_a_trial_in_the_title(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "enter")
        await click(pilot, app, "Params")
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.view_name == "Params"

    play(running, scene, session=NAME, size=LARGE)


def test_tabs_of_the_narrow_layout(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "4 Confusion")
        assert app.focused is not None
        assert app.focused.id == "confusion"

    play(running, scene, session=NAME, size=SMALL)


def test_heads_sort_and_rows_open(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "TIME")
        assert trial_table(app).sort_column_key == "time"
        await click(pilot, app, "TIME")
        assert "TIME▴" in visible_screen_text(app)
        await click_in(pilot, trial_table(app), 5, 3)
        assert trial_table(app).cursor == 2
        await click_in(pilot, trial_table(app), 5, 4, times=2)
        assert isinstance(app.screen, TrialScreen)

    play(running, scene, session=NAME, size=LARGE)


def test_the_wheel_scrolls_tables_and_panes(root: Path) -> None:
    corpus.record_long_session(root, 60, "long")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for widget in (trial_table(app), app.screen.query_one(EventsPane)):
            before = widget.scroll_offset.y
            wheel(widget)
            await wait_until(pilot, lambda w=widget, b=before: w.scroll_offset.y > b)  # type: ignore[misc]

    play(root, scene, session="long", size=LARGE)


def wheel(widget: Widget) -> None:
    """Turn the wheel by a notch over a widget."""
    x, y = widget.content_region.offset
    turned = MouseScrollDown(widget, 1, 1, 0, 1, 0, False, False, False, x, y)
    widget.post_message(turned)


def test_a_click_on_a_title_focuses_and_a_second_one_zooms(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "3 Events")
        assert app.focused is app.screen.query_one(EventsPane)
        await click(pilot, app, "3 Events", times=2)
        assert live_screen(app).current_view is not None
        assert live_screen(app).query_one(".panes").has_class("-zoom")
        await click(pilot, app, "3 Events", times=2)
        assert not live_screen(app).query_one(".panes").has_class("-zoom")

    play(running, scene, session=NAME, size=LARGE)


def test_a_click_on_the_curves_reads_them_there(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = app.screen.query_one(CurvesPane)
        await click_in(pilot, pane, pane.content_width - 1, 5)
        assert "100 %  " in str(pane.border_subtitle)
        await click_in(pilot, pane, 7, 5)
        assert "0 %  " in str(pane.border_subtitle)

    play(running, scene, session=NAME, size=LARGE)


def test_a_click_on_a_trials_chart_shows_the_evaluation(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "enter")
        pane = app.screen.query_one(LossPane)
        await click_in(pilot, pane, pane.content_width - 1, 8)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.shown_index == len(app.screen.scope.trial.evaluations) - 1
        await click_in(pilot, pane, 8, 8)
        assert app.screen.scope.shown_index == 0

    play(running, scene, session=NAME, size=LARGE)


def test_events_lead_to_their_trials_from_everywhere(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "#12 ✂", times=2)
        assert trial_table(app).selected_key == 12
        assert app.focused is trial_table(app)
        await live_screen(app).show_view_named("Log")
        await press(pilot, "G")
        await wait_until(pilot, lambda: "#0 " in visible_screen_text(app))
        await click(pilot, app, "#0 ", times=2)
        assert live_screen(app).view_name == "Live"
        assert trial_table(app).selected_key == 0

    play(running, scene, session=NAME, size=LARGE)


async def open_analysis(pilot: Pilot[None], app: TunerApp) -> AnalysisView:
    """Open the analysis and wait until all of it is drawn."""
    await live_screen(app).show_view_named("Analysis")
    view = app.screen.query_one(AnalysisView)
    await wait_until(pilot, lambda: view.is_settled)
    return view


def test_points_of_the_charts_are_trials(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await open_analysis(pilot, app)
        best = live_screen(app).reader.view.best
        for pane in (view.query_one(HistoryPane), view.query_one(SlicePane)):
            trial_table(app).select_key(0)
            await pilot.pause()
            lines = [
                "".join(text for text, _ in runs)
                for runs in pane.content_lines(pane.content_width, pane.size.height)
            ]
            row = next(row for row, line in enumerate(lines) if "★" in line)
            await click_in(pilot, pane, lines[row].index("★"), row)
            assert live_screen(app).workspace.selected == best
            assert f"#{best} " in str(pane.border_title)
        await click_in(pilot, pane, lines[row].index("★"), row, times=2)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.number == best

    play(running, scene, session=NAME, size=LARGE)


def test_bars_of_the_timeline_are_trials(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = (await open_analysis(pilot, app)).query_one(HistoryPane)
        pane.action_switch("timeline")
        await pilot.pause()
        for number, above in ((12, 1), (13, 0)):
            x, y = place_of(app, f"#{number}")
            await pilot.click(offset=(x, y - above))
            await pilot.pause()
            assert live_screen(app).workspace.selected == number
            assert f"#{number} " in str(pane.border_title)
        await pilot.click(offset=(x, y), times=2)
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.number == 13

    play(running, scene, session=NAME, size=LARGE)


def test_cells_of_the_heat_map_are_ranges(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await open_analysis(pilot, app)
        exploration, pane = view.exploration, view.query_one(SlicePane)
        await press(pilot, "4", "v")
        line = lines_to_strings(pane.content_lines(pane.content_width, pane.size.height))[1]
        count = line.strip(" │░▒▓█·")[0]
        await click_in(pilot, pane, line.index(count), 1)
        assert pane.x_setting is not None
        assert pane.y_setting is not None
        assert set(exploration.brushes.kept_brushes) == {pane.x_setting.name, pane.y_setting.name}
        assert sum(exploration.brushed_mask) == int(count)
        await wait_until(pilot, lambda: view.is_settled)
        assert (
            lines_to_strings(pane.content_lines(pane.content_width, pane.size.height))[1].count("█")
            == 0
        )
        await click_in(pilot, pane, line.index(count), 1)
        assert not exploration.brushes.active_brushes

    play(running, scene, session=NAME, size=LARGE)


def place_in(pane: Pane, cell: tuple[int, int]) -> tuple[int, int]:
    """Where a pane draws a cell of a confusion matrix: from its left, from its top."""
    for line, runs in enumerate(pane.content_lines(pane.content_width, pane.size.height)):
        column = 0
        for text, style in runs:
            if cell_from_style(style) == cell:
                return column + cell_len(text) // 2, line
            column += cell_len(text)
    raise AssertionError(f"{cell} is not in {pane}")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_cells_of_the_confusion_matrix_are_rows(running: Path, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        trial_table(app).select_key(4)
        await press(pilot, "4")
        pane = live_screen(app).query_one(ConfusionPane)
        counts = live_screen(app).reader.view.trials[4].evaluations[-1].confusion
        await click_in(pilot, pane, *place_in(pane, (1, 0)))
        assert pane.has_focus
        await click_in(pilot, pane, *place_in(pane, (1, 0)), times=2)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.view_name == "Errors"
        expected_text = f"not_entailment predicted as entailment  {counts[1][0]} of 277"
        assert rows_told(app) == f"1 Rows {expected_text}"
        await press(pilot, "equals_sign")
        assert "Rows wrong here" in rows_told(app)
        await app.screen.show_view_named("Confusion")
        await pilot.pause()
        matrix = app.screen.query_one("#matrix-epochs", EvaluationsPane)
        await click_in(pilot, matrix, *place_in(matrix, (0, 0)), times=2)
        assert f"Rows entailment predicted correctly  {counts[0][0]} of 277" in rows_told(app)

    play(running, scene, session=NAME, size=size)


def rows_told(app: TunerApp) -> str:
    """Return the title over the rows of a trial, without the epoch."""
    return str(app.screen.query_one(ErrorTable).border_title).partition("  epoch")[0]


def test_axes_are_chosen_and_brushed(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await open_analysis(pilot, app)
        exploration, pane = view.exploration, view.query_one(ParallelPane)
        await click_in(pilot, pane, pane.content_width - 4, 6)
        assert exploration.focused_index == len(exploration.family_axes) - 1
        assert not exploration.brushes.active_brushes
        top = pane.content_region
        await pilot.mouse_down(offset=(top.x + 4, top.y + 2))
        await pilot.hover(offset=(top.x + 4, top.y + 2 + (pane.size.height - 3) // 2))
        await pilot.mouse_up(offset=(top.x + 4, top.y + 9))
        await pilot.pause()
        (brush,) = exploration.brushes.kept_brushes.values()
        assert exploration.focused_index == 0
        assert brush.high == 1.0
        assert 0.3 < brush.low < 0.6
        assert sum(exploration.brushed_mask) < len(exploration.brushed_mask)

    play(running, scene, session=NAME, size=LARGE)


def test_columns_of_a_comparison(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await ways()["Compare"](pilot, app)
        board = app.screen.query_one(ComparisonTable)._board
        await click(pilot, app, "B #")
        assert board.cursor_column == 1
        await click(pilot, app, "C #")
        assert board.cursor_column == 2
        await click(pilot, app, "A #")
        assert board.cursor_column == 0

    play(running, scene, session=NAME, size=LARGE)


def test_the_chooser_of_columns(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "c")
        assert "✓ TIME" in visible_screen_text(app)
        await click(pilot, app, "✓ TIME", times=2)
        assert "· TIME" in visible_screen_text(app)

    play(running, scene, session=NAME, size=LARGE)


def test_the_picker(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for title, order in (("NAME", "name"), ("BEST", "best"), ("UPDATED", "updated")):
            await click(pilot, app, f" {title}")
            assert f"sorted by {order.upper()}" in visible_screen_text(app)
        await click(pilot, app, "trec-bert")
        assert app.screen.query_one(SessionTable).selected_key == "trec-bert"
        await click(pilot, app, "trec-bert", times=2)
        assert live_screen(app).reader.session.name == "trec-bert"

    play(whole_corpus, scene, size=LARGE)


def test_keys_and_answers(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "/ Filter")
        assert live_screen(app).query_one(FilterBar).display
        await press(pilot, "escape", "x")
        assert "Prune trial 14?" in visible_screen_text(app)
        await click(pilot, app, "n No")
        assert "Prune trial 14?" not in visible_screen_text(app)

    play(running, scene, session=NAME, size=LARGE)
