"""The trainer as a process: the protocol, a closed stdin, SIGKILL, failures."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.training.conftest import RecipeMaker
from tests.training.test_checkpoint import evaluations_without_clock, predictions, weights
from tests.training.trainer_process import ForkedTrainerProcess
from tuner.pool.protocol import (
    Completed,
    Evaluated,
    Failed,
    Go,
    Pause,
    Paused,
    Ready,
    Refused,
    Score,
    Scored,
    Started,
    Train,
)
from tuner.recipe.load import parse_recipe
from tuner.recipe.space import build_trial_config

pytestmark = pytest.mark.usefixtures("fork_server")


def request(recipe: dict[str, Any], trial: int, **changes: Any) -> Train:
    """Request the recipe's own configuration, changed."""
    config = msgspec.structs.replace(build_trial_config(parse_recipe(recipe, ""), {}, 0), **changes)
    return Train(trial=trial, config=config, metric="accuracy", direction="maximize")


def test_closed_and_killed_and_resumed_is_the_same_to_the_bit(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    recipe = make_recipe(
        training={"epochs": 3, "checkpoint_seconds": 1e-9, "evaluations_per_epoch": 2},
        data={"holdout": 0.4, "split_seed": 7},
    )
    session, log = tmp_path / "session", tmp_path / "log"
    trial = session / "trials" / "0000"

    closed = ForkedTrainerProcess(session, recipe, log)
    assert isinstance(closed.until(Ready)[-1], Ready)
    closed.send(request(recipe, 0))
    closed.until(Evaluated)
    closed.close_stdin()
    paused = closed.until(Paused)[-1]
    assert isinstance(paused, Paused)
    assert (paused.trial, paused.step) == (0, 4)
    assert closed.end() == 0

    killed = ForkedTrainerProcess(session, recipe, log)
    killed.until(Ready)
    killed.send(request(recipe, 0))
    assert killed.until(Started)[-1] == Started(trial=0, step=4, of=24)
    for _ in range(3):
        killed.until(Evaluated)
        killed.send(Go(trial=0))
    killed.process.send_signal(signal.SIGKILL)
    assert killed.end() == -signal.SIGKILL
    assert list((trial / "checkpoint").glob("*.json"))

    last = ForkedTrainerProcess(session, recipe, log)
    last.until(Ready)
    last.send(request(recipe, 0))
    resumed = last.until(Completed)
    assert 8 <= next(m for m in resumed if isinstance(m, Started)).step < 24
    last.send(request(recipe, 1))
    whole = last.until(Completed)
    renumbered = [msgspec.structs.replace(e, trial=0) for e in evaluations_without_clock(whole)]
    assert evaluations_without_clock(resumed) == renumbered
    assert len(renumbered) == 6
    assert predictions(trial) == predictions(session / "trials" / "0001")
    assert weights(trial) == weights(session / "trials" / "0001")

    last.send(Score(folder=str(trial / "model")))
    scored = last.until(Scored)[-1]
    assert isinstance(scored, Scored)
    assert scored.n == 12
    answers = json.loads((trial / "test_predictions.json").read_text())
    assert len(answers["predicted"]) == sum(map(sum, scored.confusion)) == 12

    rates = dict.fromkeys(build_trial_config(parse_recipe(recipe, ""), {}, 0).learning_rates, 1e30)
    last.send(request(recipe, 2, learning_rates=rates))
    failed = last.until(Failed)[-1]
    assert isinstance(failed, Failed)
    assert failed.cause == "not a number"
    last.send(request(recipe, 3, epochs=1))
    last.until(Completed)
    last.send(Pause())
    assert last.until(Paused)[-1] == Paused(trial=None, step=0)
    assert last.end() == 0
    assert oct((trial / "predictions-0.npz").stat().st_mode)[-3:] == "600"
    assert oct(trial.stat().st_mode)[-3:] == "700"


def test_an_impossible_recipe_is_refused_in_one_line(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    recipe = make_recipe(data={"label": "lable"})
    trainer = ForkedTrainerProcess(tmp_path / "session", recipe, tmp_path / "log")
    refused = trainer.until(Refused)[-1]
    assert isinstance(refused, Refused)
    assert 'no column "lable" (did you mean "label"?)' in refused.error
    assert "\n" not in refused.error
    assert trainer.end() == 2
