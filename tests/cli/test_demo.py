"""`tuner demo` without a terminal, around a scripted worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tests.cli.test_run_and_enqueue import worker_writes
from tuner.recipe.load import load_recipe
from tuner.session import events as e
from tuner.session.folder import Session


@pytest.fixture
def search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker do four trials and finish."""
    worker_writes(
        monkeypatch, recorded_sessions.search_events(e.SessionFinished(reason="6 trials"))
    )


@pytest.mark.usefixtures("search_ends")
def test_it_tells_honestly_what_was_found(tuner: Tuner, root: Path) -> None:
    answer = tuner("demo", "--trials", "4")
    assert answer.code == 0
    for claim in (
        "trial 1, accuracy 0.8000 (16 of 20 rows correct, 95 % interval 0.5840…0.9193; majority",
        "cannot be told apart from the baseline (trial 0, 0.7000): +2 of 20 rows",
        "best of 2 complete trials",
        "1 pruned, 1 collapsed",
        "tuner new NAME --model MODEL --train FILE",
    ):
        assert claim in " ".join(answer.stdout.split())
    recipe = load_recipe(Session(root / "demo").recipe_path)
    assert recipe.search.trials == 4
    assert Path(recipe.model.name).is_dir()
    assert Path(recipe.data.train).is_file()


@pytest.mark.usefixtures("search_ends")
def test_a_second_demo_stands_beside_the_first(tuner: Tuner, root: Path) -> None:
    tuner("demo")
    tuner("demo")
    assert (root / "demo-2" / "recipe.toml").exists()
    assert not (root / "demo-3").exists()


@pytest.mark.usefixtures("search_ends")
def test_an_unfinished_demo_goes_on(tuner: Tuner, root: Path) -> None:
    recorded_sessions.record_session(
        root, "demo-2", recorded_sessions.search_events(e.SessionPaused())
    )
    recorded_sessions.create_draft(root, "demo-of-mine")
    answer = tuner("demo", "--trials", "9")
    assert f"continuing {root / 'demo-2'}" in answer.stderr
    assert "it keeps its 6 trials" in answer.stderr
    assert not (root / "demo").exists()
