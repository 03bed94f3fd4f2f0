"""Trials are counted once: commands, screens and JSON say the same of every recorded log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui import corpus
from tuner.cli.live import study_line
from tuner.cli.viewing import _counts
from tuner.recipe.origins import rerun_of
from tuner.session import events as e
from tuner.session.fold import fold
from tuner.session.folder import Session
from tuner.session.status import current, status, trial_counts
from tuner.session.view import SessionView
from tuner.tui.render.status import state_runs
from tuner.tui.render.styles import TERMINAL
from tuner.tui.tally import Tally


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counts")
    corpus.all_of_them(folder)
    corpus.long(folder, 60)
    return folder


def pair(text: str) -> tuple[int, int]:
    """The first "3/12" or "3 of 12"."""
    found = re.search(r"(\d+)(?:/| of )(\d+)", text)
    assert found is not None, text
    return int(found[1]), int(found[2])


def all_counts(view: SessionView) -> set[tuple[int, int]]:
    """Ended and planned trials as each place tells them."""
    counts, tally = trial_counts(view), Tally.of(view)
    in_steps = Tally()
    for number in view.trials:
        in_steps.update(view, [number])
    return {
        (counts.ended, counts.planned),
        (tally.ended, tally.planned(view)),
        (in_steps.ended, in_steps.planned(view)),
        pair(study_line(view)),
    }


def test_every_place_counts_alike(root: Path) -> None:
    sessions = [Session(path) for path in sorted(root.iterdir())]
    assert len(sessions) >= 6
    for session in sessions:
        view, state = current(session)
        counts = trial_counts(view)
        assert len(all_counts(view)) == 1, session.name
        assert pair(_counts(status(session, view, state))) == (counts.ended, counts.planned)
        top = "".join(text for text, _ in state_runs(view, Tally.of(view), state, TERMINAL))
        assert not view.planned or pair(top) == (counts.ended, counts.planned)
        assert counts.ended + counts.running + counts.waiting == len(view.trials)
        assert counts.ended <= counts.planned or not view.planned


@pytest.mark.parametrize(
    ("planned", "origins", "told"),
    [
        (3, ["baseline", "sampled"], (2, 3)),
        (2, ["baseline", "sampled", "enqueued"], (3, 3)),
        (2, ["baseline", "sampled", rerun_of(1), rerun_of(1)], (4, 4)),
        (4, ["baseline", "sampled", rerun_of(1)], (3, 5)),
        (2, ["baseline", "enqueued", "copy of 1", rerun_of(0)], (4, 4)),
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
    fold(view, events)
    assert all_counts(view) == {told}
