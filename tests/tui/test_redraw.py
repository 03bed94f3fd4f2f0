"""Only what changed is drawn anew: counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import LARGE, States, live_screen, play, press, trial_table, wait_until
from tuner.results.filters import Trial
from tuner.session import events as e
from tuner.session.codec import encode_event_line
from tuner.session.view import TrialView
from tuner.tui.app import TunerApp
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.trial_filter import CachedFilter
from tuner.tui.views.analysis_view import AnalysisView
from tuner.tui.widgets.curves_pane import CurvesPane
from tuner.tui.widgets.trial_table import TrialTable


class Counted:
    """Counts the calls of a method, which goes on as before."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        real: Callable[..., Any] = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            return real(*arguments, **named)

        patch.setattr(owner, name, counting)


def step(app: TunerApp, trial: int) -> None:
    """Append the next step of the running trial to the log."""
    view, session = live_screen(app).reader.view, live_screen(app).reader.session
    step_event = e.Step(
        trial=trial,
        step=view.trials[trial].step + 1,
        of=936,
        loss=0.5,
        learning_rates={},
        examples_per_second=400.0,
        memory=0,
    )
    numbered = msgspec.structs.replace(
        step_event, seq=view.next_seq, time=(view.last_time or 0) + 0.5
    )
    with session.events_path.open("ab") as log:
        log.write(encode_event_line(numbered))


def test_a_key_draws_one_row_of_two_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.long_story(tmp_path, trials=2000, evaluations=2)

    async def scene(pilot: Pilot[None], _app: TunerApp) -> None:
        await press(pilot, "g")
        rows = Counted(monkeypatch, TrialTable, "runs_of_row")
        await press(pilot, "j", "j", "k")
        assert rows.calls == 0, "rows in sight are remembered, the cursor lies over them"
        await press(pilot, "G")
        assert 0 < rows.calls < LARGE[1]

    play(tmp_path, scene, session="long", size=LARGE)


def test_rows_show_while_the_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus.long_story(tmp_path, trials=200, evaluations=2)
    monkeypatch.setattr("tuner.tui.screens.study_screen.BETWEEN_TABLES", 0.0)
    read, draw = SessionReader.read_new_events, TrialTable.update_trials
    loading_states: list[tuple[bool, int]] = []

    def drawing(table: TrialTable, changed: Collection[int]) -> None:
        draw(table, changed)
        loading_states.append((table.reader.complete, len(table.keys_in_order())))

    monkeypatch.setattr(SessionReader, "read_new_events", lambda feed: read(feed, 0.0))
    monkeypatch.setattr(TrialTable, "update_trials", drawing)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        assert any(not complete and 0 < rows < 200 for complete, rows in loading_states)
        assert sorted(trial_table(app).keys_in_order()) == list(range(200))

    play(tmp_path, scene, session="long")


def test_a_step_draws_one_row_and_no_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = corpus.record_running_session(tmp_path)
    states = States()
    states.running(session.name)
    monkeypatch.setattr("tuner.session.log_follower.derive_session_state", states.state)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        (trial,) = live_screen(app).reader.trial_counts.running
        step(app, trial)  # the first one after the table was shown
        await wait_until(pilot, lambda: live_screen(app).reader.view.trials[trial].loss == 0.5)
        await pilot.pause()
        rows = Counted(monkeypatch, TrialTable, "runs_of_row")
        curves = Counted(monkeypatch, CurvesPane, "content_lines")
        before = live_screen(app).reader.view.trials[trial].step
        step(app, trial)
        await wait_until(
            pilot, lambda: live_screen(app).reader.view.trials[trial].step == before + 1
        )
        await wait_until(pilot, lambda: rows.calls)
        assert rows.calls == 1
        assert curves.calls == 0

    play(tmp_path, scene, session=session.name, size=LARGE)


def test_what_passes_is_asked_only_of_what_changed(tmp_path: Path) -> None:
    corpus.long_story(tmp_path, trials=300, evaluations=2)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        workspace, view = live_screen(app).workspace, live_screen(app).reader.view
        workspace.apply_filter_text("accuracy>0.6")
        before = workspace.matching_trials()
        filtered_numbers: list[int] = []
        assert workspace.trial_filter is not None
        real = workspace.trial_filter._test

        def asking(trial: Trial) -> bool:
            filtered_numbers.append(trial.number)
            return bool(real(trial))

        workspace.trial_filter._test = asking
        view.next_seq += 1
        workspace.trials_changed([7])
        assert workspace.matching_trials() is before
        assert filtered_numbers == [7]
        view.next_seq += 1
        assert workspace.matching_trials() == before, "somebody else read: all are asked again"
        assert len(filtered_numbers) == 1 + len(view.trials)

    play(tmp_path, scene, session="long")


def test_a_sieve_says_when_its_answer_changed() -> None:
    trial = TrialView(3, value=0.5)
    sieve = CachedFilter(lambda tested_trial: (tested_trial.value or 0) > 0.7)
    assert not sieve(trial)
    trial.value = 0.8
    assert not sieve(trial), "remembered"
    assert sieve.update_trial(trial)
    assert sieve(trial)
    assert not sieve.update_trial(trial)
    assert sieve.matching_trials([trial, TrialView(4)]) == [trial]


def test_a_view_that_does_not_show_follows_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(tmp_path, "done")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "right_square_bracket", "left_square_bracket")
        followed = Counted(monkeypatch, AnalysisView, "redraw_after_filter")
        await press(pilot, "slash", *"0-3", "enter")
        assert followed.calls == 0
        assert len(trial_table(app).keys_in_order()) == 4
        await press(pilot, "right_square_bracket")
        assert followed.calls == 1
        assert {t.number for t in app.screen.query_one(AnalysisView).exploration.sample.trials} <= {
            0, 1, 2, 3,
        }  # fmt: skip

    play(tmp_path, scene, session="done", size=LARGE)
