"""Sessions that this version and the one before it recorded: they open, and say the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tuner.recipe.load import load_recipe
from tuner.session.events import Unknown
from tuner.session.folder import Session
from tuner.session.status import build_status, load_current_session
from tuner.session.view import SessionState, TrialState

RECORDED = Path(__file__).with_name("recorded")


def _copy(version: str, root: Path) -> Session:
    shutil.copytree(RECORDED / version, root / "demo")
    return Session(root / "demo")


@pytest.mark.parametrize("version", ["before", "today"])
def test_a_recorded_session_opens(version: str, tmp_path: Path) -> None:
    session = _copy(version, tmp_path)
    view, state = load_current_session(session)
    assert state is SessionState.FINISHED
    assert not [event for event in view.history if isinstance(event, Unknown)]
    status = build_status(session, view, state)
    assert status.best is not None
    assert (status.best.trial, status.best.value) == (1, 0.815)
    assert status.majority is not None
    assert (status.majority.label, status.majority.value) == ("waste", 0.285)
    assert (status.trials.complete, status.trials.planned) == (
        view.count_trials(TrialState.COMPLETE),
        4,
    )
    assert load_recipe(session.recipe_path).search.trials == 4


def test_an_end_that_an_older_version_recorded_stays(tmp_path: Path) -> None:
    view, _ = load_current_session(_copy("before", tmp_path))
    assert view.trials[3].state is TrialState.COLLAPSED
