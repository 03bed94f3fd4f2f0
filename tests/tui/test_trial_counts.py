"""Trials are counted once: commands, screens and JSON say the same of every recorded log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui import corpus
from tuner.cli.live import study_progress_line
from tuner.cli.session_tables import _trial_counts_text
from tuner.recipe.origins import rerun_origin
from tuner.render.status_text import session_state_runs
from tuner.render.styles import TERMINAL_STYLES
from tuner.session import events as e
from tuner.session.fold import fold_events
from tuner.session.folder import Session
from tuner.session.status import build_status, count_trial_states, load_current_session
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionView


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counts")
    corpus.record_whole_corpus(folder)
    corpus.record_long_session(folder, 60)
    return folder


def pair(text: str) -> tuple[int, int]:
    """Return the first "3/12" or "3 of 12"."""
    match = re.search(r"(\d+)(?:/| of )(\d+)", text)
    assert match is not None, text
    return int(match[1]), int(match[2])


def all_counts(view: SessionView) -> set[tuple[int, int]]:
    """Return ended and planned trials as each place states them."""
    counts, tally = count_trial_states(view), TrialCounter.of_whole_view(view)
    in_steps = TrialCounter()
    for number in view.trials:
        in_steps.recount_trials(view, [number])
    return {
        (counts.ended_count, counts.planned),
        (tally.ended_count, tally.planned_trials(view)),
        (in_steps.ended_count, in_steps.planned_trials(view)),
        pair(study_progress_line(view)),
    }


def test_every_place_counts_alike(root: Path) -> None:
    sessions = [Session(path) for path in sorted(root.iterdir())]
    assert len(sessions) >= 6
    for session in sessions:
        view, state = load_current_session(session)
        counts = count_trial_states(view)
        assert len(all_counts(view)) == 1, session.name
        assert pair(_trial_counts_text(build_status(session, view, state))) == (
            counts.ended_count,
            counts.planned,
        )
        top = "".join(
            text
            for text, _ in session_state_runs(
                view, TrialCounter.of_whole_view(view), state, TERMINAL_STYLES
            )
        )
        assert not view.planned or pair(top) == (counts.ended_count, counts.planned)
        assert counts.ended_count + counts.running + counts.waiting == len(view.trials)
        assert counts.ended_count <= counts.planned or not view.planned


@pytest.mark.parametrize(
    ("planned", "origins", "told"),
    [
        (3, ["baseline", "sampled"], (2, 3)),
        (2, ["baseline", "sampled", "enqueued"], (3, 3)),
        (2, ["baseline", "sampled", rerun_origin(1), rerun_origin(1)], (4, 4)),
        (4, ["baseline", "sampled", rerun_origin(1)], (3, 5)),
        (2, ["baseline", "enqueued", "copy of 1", rerun_origin(0)], (4, 4)),
    ],
)
def test_what_was_asked_for_comes_on_top_of_the_plan(
    planned: int, origins: list[str], told: tuple[int, int]
) -> None:
    view = SessionView(name="s")
    started = e.SessionStarted(trials=planned, metric="accuracy", direction="maximize")
    events: list[e.AnyEvent] = [started]
    for number, origin in enumerate(origins):
        trial = e.TrialStarted(
            trial=number, generation=0, params={}, seed=1, device="cpu", origin=origin
        )
        events += [trial, e.TrialFailed(trial=number, cause="exception", error="x")]
    fold_events(view, events)
    assert all_counts(view) == {told}
