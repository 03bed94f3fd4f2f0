"""The lines that are redrawn while a session is followed on a terminal."""

from __future__ import annotations

import io
from collections import deque
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli import recorded_sessions
from tuner.cli.live import LiveReporter, progress_display
from tuner.cli.output import progress_spinner
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.view import SessionView


@pytest.fixture
def view(tmp_path: Path) -> SessionView:
    """Four trials have ended, a fifth is at step 7 of 20."""
    step = e.Step(trial=4, step=7, of=20, loss=0.4321, learning_rates={}, examples_per_second=9.0)
    log = [*recorded_sessions.search_events(recorded_sessions.trial_started_event(4)), step]
    return load_session_view(recorded_sessions.record_session(tmp_path, "live", log))


def picture_lines(view: SessionView, events: deque[str], width: int) -> list[str]:
    """Draw the picture as lines of text."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as written:
        console.print(progress_display(view, events))
    return written.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_picture_fits_and_tells_study_and_trial(view: SessionView, width: int) -> None:
    lines = picture_lines(view, deque(["an event"]), width)
    assert max(map(len, lines)) <= width
    assert len(lines) == 3
    assert "4/6 trials" in lines[1]
    assert "trial 4" in lines[2]


def test_the_picture_tells_the_best_and_the_loss(view: SessionView) -> None:
    text = "\n".join(picture_lines(view, deque(), 120))
    assert "best accuracy 0.8000 (trial 1, majority 0.5000)" in text
    assert "step 7/20 · loss 0.4321" in text


def test_events_and_remarks_stand_above_the_bars(
    view: SessionView, capsys: pytest.CaptureFixture[str]
) -> None:
    with LiveReporter(view) as report:
        report.report_events(view, recorded_sessions.whole_trial_events(1, 16))
        report.report_line("pausing…")
        report.report_events(view, [])
    printed_text = capsys.readouterr().err
    assert "done" in printed_text
    assert "pausing…" in printed_text


def test_a_quick_answer_needs_no_remark(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_spinner("adding up"):
        pass
    assert capsys.readouterr().err == ""
