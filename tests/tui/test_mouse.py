"""Everything that can be clicked works: the keys' work, done with the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.widget import Widget

from tests.tui import corpus
from tests.tui.places import ways
from tests.tui.stage import LARGE, SMALL, States, live, play, press, screen_text, table, until
from tuner.tui.app import TunerApp
from tuner.tui.render.matrix import cell_under
from tuner.tui.render.styles import plain_lines
from tuner.tui.screens.trial import TrialScreen
from tuner.tui.views.analysis import AnalysisView
from tuner.tui.widgets.analysis.history import HistoryPane
from tuner.tui.widgets.analysis.parallel import ParallelPane
from tuner.tui.widgets.analysis.slices import SlicePane
from tuner.tui.widgets.confusion import ConfusionPane
from tuner.tui.widgets.contest_panes import ContestTable
from tuner.tui.widgets.curves import CurvesPane
from tuner.tui.widgets.events import EventsPane
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.lines import Pane
from tuner.tui.widgets.session_table import SessionTable
from tuner.tui.widgets.trial_charts import LossPane
from tuner.tui.widgets.trial_errors import ErrorTable
from tuner.tui.widgets.trial_matrix import EpochsPane

NAME = "rte-roberta-llrd"


def place_of(app: TunerApp, text: str, nth: int = 0) -> tuple[int, int]:
    """Where a text begins on the screen: cells from the left, lines from the top."""
    for row, line in enumerate(screen_text(app).splitlines()):
        at = line.find(text)
        if at >= 0 and not nth:
            return cell_len(line[:at]), row
        nth -= at >= 0
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
    """A session that runs."""
    corpus.running(root)
    states.running(NAME)
    return root


def test_views_in_the_title(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for name in ("Analysis", "Log", "Live"):
            await click(pilot, app, name)
            assert live(app).view_name == name

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
        assert table(app).sorted_by == "time"
        await click(pilot, app, "TIME")
        assert "TIME▴" in screen_text(app)
        await click_in(pilot, table(app), 5, 3)
        assert table(app).cursor == 2
        await click_in(pilot, table(app), 5, 4, times=2)
        assert isinstance(app.screen, TrialScreen)

    play(running, scene, session=NAME, size=LARGE)


def test_the_wheel_scrolls_tables_and_panes(root: Path) -> None:
    corpus.long(root, 60, "long")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for widget in (table(app), app.screen.query_one(EventsPane)):
            before = widget.scroll_offset.y
            wheel(widget)
            await until(pilot, lambda w=widget, b=before: w.scroll_offset.y > b)  # type: ignore[misc]

    play(root, scene, session="long", size=LARGE)


def wheel(widget: Widget) -> None:
    """A notch of the wheel over a widget."""
    x, y = widget.content_region.offset
    turned = MouseScrollDown(widget, 1, 1, 0, 1, 0, False, False, False, x, y)
    widget.post_message(turned)


def test_a_click_on_a_title_focuses_and_a_second_one_zooms(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "3 Events")
        assert app.focused is app.screen.query_one(EventsPane)
        await click(pilot, app, "3 Events", times=2)
        assert live(app).view is not None
        assert live(app).query_one(".panes").has_class("-zoom")
        await click(pilot, app, "3 Events", times=2)
        assert not live(app).query_one(".panes").has_class("-zoom")

    play(running, scene, session=NAME, size=LARGE)


def test_a_click_on_the_curves_reads_them_there(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = app.screen.query_one(CurvesPane)
        await click_in(pilot, pane, pane.room - 1, 5)
        assert "100 %  " in str(pane.border_subtitle)
        await click_in(pilot, pane, 7, 5)
        assert "0 %  " in str(pane.border_subtitle)

    play(running, scene, session=NAME, size=LARGE)


def test_a_click_on_a_trials_chart_shows_the_evaluation(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "enter")
        pane = app.screen.query_one(LossPane)
        await click_in(pilot, pane, pane.room - 1, 8)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.at == len(app.screen.scope.trial.evaluations) - 1
        await click_in(pilot, pane, 8, 8)
        assert app.screen.scope.at == 0

    play(running, scene, session=NAME, size=LARGE)


def test_events_lead_to_their_trials_from_everywhere(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "#12 ✂", times=2)
        assert table(app).selected == 12
        assert app.focused is table(app)
        await live(app).open_view("Log")
        await press(pilot, "G")
        await until(pilot, lambda: "#0 " in screen_text(app))
        await click(pilot, app, "#0 ", times=2)
        assert live(app).view_name == "Live"
        assert table(app).selected == 0

    play(running, scene, session=NAME, size=LARGE)


async def analysed(pilot: Pilot[None], app: TunerApp) -> AnalysisView:
    """The analysis, all drawn."""
    await live(app).open_view("Analysis")
    view = app.screen.query_one(AnalysisView)
    await until(pilot, lambda: view.quiet)
    return view


def test_points_of_the_charts_are_trials(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await analysed(pilot, app)
        best = live(app).feed.view.best
        for pane in (view.query_one(HistoryPane), view.query_one(SlicePane)):
            table(app).select(0)
            await pilot.pause()
            lines = [
                "".join(text for text, _ in runs)
                for runs in pane.lines(pane.room, pane.size.height)
            ]
            row = next(row for row, line in enumerate(lines) if "★" in line)
            await click_in(pilot, pane, lines[row].index("★"), row)
            assert live(app).workspace.selected == best
            assert f"#{best} " in str(pane.border_title)
        await click_in(pilot, pane, lines[row].index("★"), row, times=2)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.number == best

    play(running, scene, session=NAME, size=LARGE)


def test_bars_of_the_timeline_are_trials(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = (await analysed(pilot, app)).query_one(HistoryPane)
        pane.action_switch("timeline")
        await pilot.pause()
        for number, above in ((12, 1), (13, 0)):
            x, y = place_of(app, f"#{number}")
            await pilot.click(offset=(x, y - above))
            await pilot.pause()
            assert live(app).workspace.selected == number
            assert f"#{number} " in str(pane.border_title)
        await pilot.click(offset=(x, y), times=2)
        await pilot.pause()
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.scope.number == 13

    play(running, scene, session=NAME, size=LARGE)


def test_cells_of_the_heat_map_are_ranges(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await analysed(pilot, app)
        here, pane = view.exploration, view.query_one(SlicePane)
        await press(pilot, "4", "v")
        line = plain_lines(pane.lines(pane.room, pane.size.height))[1]
        count = line.strip(" │░▒▓█·")[0]
        await click_in(pilot, pane, line.index(count), 1)
        assert pane.axis is not None
        assert pane.other is not None
        assert set(here.brushes.kept) == {pane.axis.name, pane.other.name}
        assert sum(here.bright) == int(count)
        await until(pilot, lambda: view.quiet)
        assert plain_lines(pane.lines(pane.room, pane.size.height))[1].count("█") == 0
        await click_in(pilot, pane, line.index(count), 1)
        assert not here.brushes.active

    play(running, scene, session=NAME, size=LARGE)


def place_in(pane: Pane, cell: tuple[int, int]) -> tuple[int, int]:
    """Where a pane draws a cell of a confusion matrix: from its left, from its top."""
    for line, runs in enumerate(pane.lines(pane.room, pane.size.height)):
        column = 0
        for text, style in runs:
            if cell_under(style) == cell:
                return column + cell_len(text) // 2, line
            column += cell_len(text)
    raise AssertionError(f"{cell} is not in {pane}")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_cells_of_the_confusion_matrix_are_rows(running: Path, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        table(app).select(4)
        await press(pilot, "4")
        pane = live(app).query_one(ConfusionPane)
        counts = live(app).feed.view.trials[4].evaluations[-1].confusion
        await click_in(pilot, pane, *place_in(pane, (1, 0)))
        assert pane.has_focus
        await click_in(pilot, pane, *place_in(pane, (1, 0)), times=2)
        assert isinstance(app.screen, TrialScreen)
        assert app.screen.view_name == "Errors"
        told = f"not_entailment answered as entailment  {counts[1][0]} of 277"
        assert rows_told(app) == f"1 Rows {told}"
        await press(pilot, "equals_sign")
        assert "Rows wrong here" in rows_told(app)
        await app.screen.open_view("Confusion")
        await pilot.pause()
        matrix = app.screen.query_one("#matrix-epochs", EpochsPane)
        await click_in(pilot, matrix, *place_in(matrix, (0, 0)), times=2)
        assert f"Rows entailment answered rightly  {counts[0][0]} of 277" in rows_told(app)

    play(running, scene, session=NAME, size=size)


def rows_told(app: TunerApp) -> str:
    """The title over the rows of a trial, without the epoch."""
    return str(app.screen.query_one(ErrorTable).border_title).partition("  epoch")[0]


def test_axes_are_chosen_and_brushed(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        view = await analysed(pilot, app)
        here, pane = view.exploration, view.query_one(ParallelPane)
        await click_in(pilot, pane, pane.room - 4, 6)
        assert here.focus == len(here.axes) - 1
        assert not here.brushes.active
        top = pane.content_region
        await pilot.mouse_down(offset=(top.x + 4, top.y + 2))
        await pilot.hover(offset=(top.x + 4, top.y + 2 + (pane.size.height - 3) // 2))
        await pilot.mouse_up(offset=(top.x + 4, top.y + 9))
        await pilot.pause()
        (brush,) = here.brushes.kept.values()
        assert here.focus == 0
        assert brush.high == 1.0
        assert 0.3 < brush.low < 0.6
        assert sum(here.bright) < len(here.bright)

    play(running, scene, session=NAME, size=LARGE)


def test_columns_of_a_comparison(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await ways()["Compare"](pilot, app)
        board = app.screen.query_one(ContestTable)._board
        await click(pilot, app, "B #")
        assert board.column == 1
        await click(pilot, app, "C #")
        assert board.column == 2
        await click(pilot, app, "A #")
        assert board.column == 0

    play(running, scene, session=NAME, size=LARGE)


def test_the_chooser_of_columns(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "c")
        assert "✓ TIME" in screen_text(app)
        await click(pilot, app, "✓ TIME", times=2)
        assert "· TIME" in screen_text(app)

    play(running, scene, session=NAME, size=LARGE)


def test_the_picker(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for title, order in (("NAME", "name"), ("BEST", "best"), ("UPDATED", "updated")):
            await click(pilot, app, f" {title}")
            assert f"sorted by {order.upper()}" in screen_text(app)
        await click(pilot, app, "trec-bert")
        assert app.screen.query_one(SessionTable).selected == "trec-bert"
        await click(pilot, app, "trec-bert", times=2)
        assert live(app).feed.session.name == "trec-bert"

    play(whole_corpus, scene, size=LARGE)


def test_keys_and_answers(running: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await click(pilot, app, "/ Filter")
        assert live(app).query_one(FilterBar).display
        await press(pilot, "escape", "x")
        assert "Prune trial 14?" in screen_text(app)
        await click(pilot, app, "n No")
        assert "Prune trial 14?" not in screen_text(app)

    play(running, scene, session=NAME, size=LARGE)
