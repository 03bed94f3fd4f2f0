"""The analysis view: its panes, keys and brushes, and what it asks of the rest."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

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
from tuner.render.charts.brushes import Brush
from tuner.render.charts.trial_sample import METRIC_AXIS
from tuner.results.verdict import Verdict
from tuner.tui.app import TunerApp
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.shell.messages import ZoomRequested
from tuner.tui.views import analysis_view
from tuner.tui.views.analysis_view import AnalysisView
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.analysis.history_pane import HistoryPane
from tuner.tui.widgets.analysis.slice_pane import SlicePane

Scene = Callable[[Pilot[None], TunerApp, AnalysisView], Awaitable[None]]
SIZES = {"80x24": SMALL, "120x40": LARGE}


def explore(
    root: Path, scene: Scene, session: str = "trec-bert", size: tuple[int, int] = LARGE
) -> None:
    """Run a scene in the analysis of a session, once all there is to say is said."""

    async def run_scene(pilot: Pilot[None], app: TunerApp) -> None:
        await live_screen(app).show_view_named("Analysis")
        view = live_screen(app).current_view
        assert isinstance(view, AnalysisView)
        await wait_until_settled(pilot, view)
        await scene(pilot, app, view)

    play(root, run_scene, session=session, size=size)


async def wait_until_settled(pilot: Pilot[None], view: AnalysisView) -> None:
    """Until the panes follow the keys and the importances follow the trials."""
    exploration = view.exploration
    await wait_until(
        pilot,
        lambda: view.is_settled and (exploration.current_verdict or not exploration.sample.trials),
    )
    await pilot.pause()


def test_every_tab_of_the_narrow_layout(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _view: AnalysisView) -> None:
        for number in "234":
            await press(pilot, number)
            await assert_golden(app, f"analysis-{number}-80x24")

    explore(whole_corpus, scene, "rte-roberta-llrd", SMALL)


def test_the_other_charts_of_the_panes(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _view: AnalysisView) -> None:
        await press(pilot, "v", "4", "v")
        await assert_golden(app, "analysis-others-120x40")

    explore(whole_corpus, scene, "rte-roberta-llrd")


def test_brushing_dims_all_panes(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        await press(pilot, "3", "left", "space")
        await wait_until_settled(pilot, view)
        await assert_golden(app, "analysis-brushed-120x40")

    explore(whole_corpus, scene, "rte-roberta-llrd")


def test_the_keys_of_the_history(root: Path) -> None:
    corpus.record_running_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        pane = view.query_one(HistoryPane)
        assert app.focused is pane
        await press(pilot, "b", "u", "t")
        assert (pane.best_line, pane.pruned, pane.order) == (False, False, 1)
        assert "b best line ·  u pruned ·  t by rank" in visible_screen_text(app)
        assert "×" not in visible_screen_text(app).split("│Slice")[0].split("3 Parallel")[0]
        await press(pilot, "v")
        assert "1 Timeline" in visible_screen_text(app)
        await press(pilot, "t", "b")  # not about the timeline
        assert (pane.best_line, pane.order) == (False, 1)
        await press(pilot, "v", "t", "t")
        assert "1 History" in visible_screen_text(app)
        assert pane.order == 0

    explore(root, scene, "rte-roberta-llrd")


def test_the_keys_of_the_slice(root: Path) -> None:
    corpus.record_running_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        pane = view.query_one(SlicePane)
        await press(pilot, "4", "right")
        assert "Slice  lr.layers 0-3" in visible_screen_text(app)
        assert "l log x ✓" in visible_screen_text(app)
        await press(pilot, "l")
        assert "l log x ·" in visible_screen_text(app)
        await press(pilot, "left", "left")
        assert "Slice  weight_decay" in visible_screen_text(app)
        assert "l log x" not in visible_screen_text(app)  # it begins at 0
        await press(pilot, "v")
        assert "Heat map  weight_decay × lr.layers 0-3" in visible_screen_text(app)
        setting_names = set()
        for _ in range(6):
            await press(pilot, "o")
            assert pane.y_setting is not None
            assert pane.y_setting is not pane.x_setting
            setting_names.add(pane.y_setting.name)
        assert len(setting_names) == 6
        await press(pilot, "v", "o")
        assert "Slice  weight_decay" in visible_screen_text(app)

    explore(root, scene, "rte-roberta-llrd")


def test_the_keys_of_the_parallel_coordinates(root: Path) -> None:
    corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        exploration, brushes = view.exploration, view.exploration.brushes
        await press(pilot, "3", "up", "up", "shift+down")
        assert brushes.draft == ("lr.embeddings", Brush(0.1, 0.95))
        assert "enter keep" in visible_screen_text(app)
        await press(pilot, "right")  # a draft that is not kept is gone
        assert not brushes.active_brushes
        await press(pilot, "K", "j", "k", "enter", "left", "left", "space", "enter")
        assert brushes.kept_brushes == {
            "lr.layers 0-3": Brush(0.05, 1.0),
            METRIC_AXIS: Brush(0.8, 1.0),
        }
        await wait_until_settled(pilot, view)
        lit = sum(exploration.brushed_mask)
        assert 0 < lit < 12
        assert visible_screen_text(app).count(f"{lit} of 12 trials brushed") == 3
        await press(pilot, "i")
        assert brushes.kept_brushes[METRIC_AXIS].inverted
        assert sum(exploration.brushed_mask) != lit
        await press(pilot, "backspace", "a")
        assert list(brushes.kept_brushes) == ["lr.layers 0-3"]
        assert exploration.family == "rates"
        await press(pilot, "escape")
        assert not brushes.active_brushes
        assert isinstance(live_screen(app).current_view, AnalysisView)
        await press(pilot, "escape")
        assert not isinstance(live_screen(app).current_view, AnalysisView)

    explore(root, scene)


def test_the_keys_of_the_session_stay(root: Path) -> None:
    """No chart takes p or x away."""
    corpus.record_finished_session(root)

    async def scene(_pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        for pane in view.query(AnalysisPane):
            own_bindings = [
                item for item in (*pane.BINDINGS, *AnalysisPane.BINDINGS) if type(item) is Binding
            ]
            keys = {key for item in own_bindings for key in item.key.split(",")}
            assert not {"p", "P", "x", "q", "E", "e", "y", "z", "slash"} & keys
            assert all(item.id and item.description and item.tooltip for item in own_bindings)
        assert app.screen.check_action("export", ()) is True

    explore(root, scene)


def test_a_filter_is_for_all_charts_while_it_is_typed(root: Path) -> None:
    corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp, view: AnalysisView) -> None:
        await press(pilot, "slash", "0", "-", "4")
        assert len(view.exploration.sample.trials) == 5
        assert "5 trials match" in visible_screen_text(app)
        await wait_until_settled(pilot, view)
        verdict = view.exploration.current_verdict
        assert verdict is not None
        assert verdict.trial_count == 5
        assert "5 trials: 4 complete, 1 pruned" in visible_screen_text(app)
        await press(pilot, "0", "enter")
        assert len(view.exploration.sample.trials) == 12
        await press(pilot, "escape")
        await press(pilot, "slash", *"77", "enter")
        await wait_until_settled(pilot, view)
        assert visible_screen_text(app).count("No ended trial matches the filter") == 4

    explore(root, scene)


def test_the_worker_is_quoted_until_the_answer_is_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_running_session(root)
    gate, judged_counts = threading.Event(), []

    def judge(trials: list[object], *_: object, **__: object) -> Verdict:
        judged_counts.append(len(trials))
        assert threading.current_thread() is not threading.main_thread()
        assert gate.wait(20)
        return Verdict(shares={"warmup": 1.0}, intervals={"warmup": (0.9, 1.0)}, complete=60)

    monkeypatch.setattr(analysis_view, "judge_importance", judge)

    async def run_scene(pilot: Pilot[None], app: TunerApp) -> None:
        try:
            await live_screen(app).show_view_named("Analysis")
            await wait_until(pilot, lambda: judged_counts == [13])
            await pilot.pause()
            assert "computed by the worker" in visible_screen_text(app)
            assert "L8–11" in visible_screen_text(app)
            await press(pilot, "3", "left", "space")  # another question meanwhile
            assert judged_counts == [13]
        finally:
            gate.set()
        view = live_screen(app).current_view
        assert isinstance(view, AnalysisView)
        await wait_until_settled(pilot, view)
        assert len(judged_counts) == 2
        assert "computed here" in visible_screen_text(app)
        await press(pilot, "escape")
        await wait_until_settled(pilot, view)
        assert len(judged_counts) == 2  # the first question was answered before

    play(root, run_scene, session="rte-roberta-llrd", size=LARGE)


def test_a_search_goes_on_in_the_brushed_ranges(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(root)
    wished: list[ZoomRequested] = []
    monkeypatch.setattr(
        StudyScreen, "on_zoom_requested", lambda _screen, event: wished.append(event)
    )

    async def scene(pilot: Pilot[None], _app: TunerApp, view: AnalysisView) -> None:
        await press(pilot, "3", "Z")
        assert not wished
        await press(pilot, *["up"] * 10, "Z")
        assert wished[0].ranges == {"lr.embeddings": (1e-6, 1e-5)}
        await press(pilot, "backspace", "left", "space", "Z")
        assert len(wished[1].ranges) == 7
        space = view.exploration.sample.space
        for name, (low, high) in wished[1].ranges.items():
            setting = space[name]
            assert getattr(setting, "low", 0) <= low < high <= getattr(setting, "high", 0)

    explore(root, scene)


def test_the_group_editor_opens_with_the_ranges(root: Path) -> None:
    from tuner.tui.screens.setup_screen import SetupScreen

    corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp, _view: AnalysisView) -> None:
        await press(pilot, "3", *["up"] * 10, "Z")
        await wait_until(pilot, lambda: isinstance(app.screen, SetupScreen))

    explore(root, scene)


def test_a_chart_is_saved_as_svg_and_text(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(root)
    folder = tmp_path / "pictures"
    folder.mkdir()
    monkeypatch.chdir(folder)

    async def scene(pilot: Pilot[None], _app: TunerApp, _view: AnalysisView) -> None:
        await press(pilot, "s", "3", "s")
        await wait_until(pilot, lambda: len(list(folder.iterdir())) == 4)
        (text,) = folder.glob("trec-bert-history-*.txt")
        assert "★" in text.read_text("utf-8")
        (svg,) = folder.glob("trec-bert-parallel-coordinates-*.svg")
        assert svg.read_text("utf-8").startswith("<svg")

    explore(root, scene)


def test_a_draft_is_started_by_the_key_that_saves_charts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.create_draft_session(root)
    launched: list[str] = []
    monkeypatch.setattr(
        TunerApp, "launch_worker", lambda _app, session: launched.append(session.name)
    )

    async def scene(pilot: Pilot[None], _app: TunerApp, _view: AnalysisView) -> None:
        await press(pilot, "s")
        assert launched == ["agnews-tiny"]

    explore(root, scene, "agnews-tiny")
