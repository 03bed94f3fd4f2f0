"""set and zoom: the recipe of a session that may have trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Tuner
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Range
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.suggested_command import command_line
from tuner.session.writer import EventWriter


def test_set_writes_keys_and_keeps_comments(tuner: Tuner, root: Path) -> None:
    path = root / "draft" / "recipe.toml"
    path.write_text(path.read_text().replace("trials = 6", "trials = 6  # enough?"))
    answer = tuner("set", "draft", "search.trials=9", "groups.head.lr.high=5e-3")
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.strip().endswith("recipe.toml")
    assert "trials = 9  # enough?" in path.read_text()
    assert load_recipe(path).groups[1].lr == Range(1e-5, 5e-3, "log")


def test_zoom_says_what_the_next_start_does_and_plans_more_trials(tuner: Tuner, root: Path) -> None:
    answer = tuner("zoom", "done", "lr.head=1e-4..5e-4", "epochs=2..3")
    assert answer.code == 0
    assert f"{command_line('start', Session(root / 'done'))} opens generation 1:" in answer.stderr
    assert "trials lie inside and are carried over" in answer.stderr
    recipe = load_recipe(root / "done" / "recipe.toml")
    assert recipe.groups[1].lr == Range(1e-4, 5e-4, "log")
    assert recipe.training.epochs == Range(2, 3, "linear", True)


def test_two_equal_ends_fix_a_value(tuner: Tuner, root: Path) -> None:
    assert tuner("zoom", "draft", "epochs=2..2", "lr.head=1e-4").code == 0
    recipe = load_recipe(root / "draft" / "recipe.toml")
    assert (recipe.training.epochs, recipe.groups[1].lr) == (2, 1e-4)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["zoom", "draft", "lr.haed=1e-5..1e-4"], "did you mean"),
        (["zoom", "draft", "lr.head=1e-3..1e-5"], "above high"),
        (["zoom", "draft", "lr.head=small"], "is not a range: write lr.head=LOW..HIGH"),
        (["zoom", "draft", "lr.the rest=1e-5..1e-4"], "has no range in this recipe"),
        (["zoom", "draft", "lr.head=0..1e-3"], "log scale cannot start from 0"),
        (["set", "draft", "search.trails=3"], "trials"),
        (["set", "given-up", "search.trials=30"], "stopped for good"),
        (["set", "halted", "model.name=other"], "tuner new OTHER --from halted --set KEY=VALUE"),
        (["set", "halted", "search.metric=mcc"], "search.metric is locked"),
    ],
)
def test_what_cannot_be(tuner: Tuner, root: Path, line: list[str], told: str) -> None:
    path = root / line[1] / "recipe.toml"
    before = path.read_text()
    answer = tuner(*line)
    assert answer.code == 2
    assert told in answer.stderr
    assert path.read_text() == before


def append(session: Session, *events: e.Event) -> None:
    with EventWriter(session.events_path) as writer:
        for event in events:
            writer.append_event(event)


def test_a_test_file_can_be_set_until_it_was_opened(tuner: Tuner, root: Path) -> None:
    session = Session(root / "halted")
    assert tuner("set", "halted", "data.test=first.csv").code == 0
    assert load_session_view(session).sealed_test is None
    append(session, e.TestSealed(source="first.csv", rows=9, digest="d"))
    assert "9 rows sealed" in tuner("status", "halted").stdout
    answer = tuner("set", "halted", 'data . "test"=first.csv')
    assert answer.code == 0
    assert "seals the rows of first.csv anew" in answer.stderr
    assert load_session_view(session).sealed_test is None
    append(session, e.TestScored(trial=1, n=9, metrics={}, confusion=[], opened=1))
    answer = tuner("set", "halted", "data.test=second.csv")
    assert (answer.code, "its rows were opened on" in answer.stderr) == (2, True)
    assert load_recipe(session.recipe_path).data.test == "first.csv"
