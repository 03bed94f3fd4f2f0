"""A trial that is interrupted goes on as if nothing had happened, to the bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import ContextMaker, of_kind, request_of, run_through
from tuner.pool.protocol import Completed, Evaluated, Note, Pause, Paused, Reply, Started, Train
from tuner.training.checkpoint import generator_states, restore_generators
from tuner.training.loop import train_trial
from tuner.training.trainer_context import TrainerContext


def evaluations_without_clock(messages: list[Reply]) -> list[Any]:
    """All evaluations without the clock."""
    return [msgspec.structs.replace(e, seconds=0.0) for e in of_kind(messages, Evaluated)]


def predictions(folder: Path) -> list[bytes]:
    """Read the bytes of every prediction file of a trial."""
    return [path.read_bytes() for path in sorted(folder.glob("predictions-*.npz"))]


def weights(folder: Path) -> bytes:
    """Read the bytes of a trial's saved model."""
    return (folder / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("step", [1, 3, 8, 9, 15, 16])
def test_paused_at_a_step_and_resumed_is_the_same_to_the_bit(
    make_context: ContextMaker, step: int
) -> None:
    context = make_context(training={"batch_size": 4, "accumulation": 2})
    whole = run_through(context, request_of(context, trial=0))
    paused = _pause_after(context, request_of(context, trial=1), step)
    assert isinstance(paused[-1], Paused)
    assert paused[-1].step == step
    torch.manual_seed(99)
    resumed = run_through(context, request_of(context, trial=1))

    assert of_kind(resumed, Started) == [Started(trial=1, step=step, of=16)]
    renumbered = [msgspec.structs.replace(e, trial=0) for e in evaluations_without_clock(resumed)]
    assert renumbered == evaluations_without_clock(whole)
    trials = context.session / "trials"
    assert predictions(trials / "0001") == predictions(trials / "0000")
    assert weights(trials / "0001") == weights(trials / "0000")
    assert (trials / "0001" / "checkpoint").exists(), "it stays until the worker knows of the end"


def _pause_after(context: TrainerContext, request: Train, step: int) -> list[Reply]:
    conversation = train_trial(context, request)
    messages = [next(conversation)]
    done = 0
    while done < step:
        messages.append(conversation.send(None))
        done += 1
    messages.append(conversation.send(Pause()))
    conversation.close()
    return [message for message in messages if message is not None]


def test_every_generator_comes_back() -> None:
    import random

    device = torch.device("cpu")
    states = generator_states(device)
    random_numbers = (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random())
    states = msgspec.json.decode(msgspec.json.encode(states), type=type(states))
    restore_generators(states, device)
    assert (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()) == random_numbers


@pytest.fixture
def paused_context(make_context: ContextMaker) -> TrainerContext:
    """Make a context whose trial 1 was paused after step 9."""
    context = make_context()
    _pause_after(context, request_of(context, trial=1), 9)
    return context


def test_a_checkpoint_is_small_files_without_pickle(paused_context: TrainerContext) -> None:
    folder = paused_context.session / "trials" / "0001" / "checkpoint"
    assert sorted(path.name for path in folder.iterdir()) == [
        "00000009.json",
        "00000009.safetensors",
    ]
    names = {name.split("/")[0] for name in load_file(folder / "00000009.safetensors")}
    assert {"model", "exp_avg", "exp_avg_sq", "step"} <= names
    state = json.loads((folder / "00000009.json").read_text())
    assert len(state["evaluations"]) == 1


@pytest.mark.parametrize("damage", ["tensors", "json", "missing", "other"])
def test_a_damaged_or_foreign_checkpoint_is_left_aside_with_a_note(
    paused_context: TrainerContext, damage: str
) -> None:
    folder = paused_context.session / "trials" / "0001" / "checkpoint"
    request = request_of(paused_context, trial=1)
    if damage == "tensors":
        path = folder / "00000009.safetensors"
        raw = bytearray(path.read_bytes())
        raw[-5] ^= 1
        path.write_bytes(raw)
    elif damage == "json":
        path = folder / "00000009.json"
        path.write_bytes(path.read_bytes()[:-20])
    elif damage == "missing":
        (folder / "00000009.safetensors").unlink()
    else:
        request = request_of(paused_context, trial=1, batch_size=4)
    messages = run_through(paused_context, request)
    (note,) = of_kind(messages, Note)
    assert note.text.startswith("trial 1: checkpoint 00000009 ")
    assert of_kind(messages, Started)[0].step == 0
    assert of_kind(messages, Completed)


def test_a_torn_newer_checkpoint_falls_back_to_the_one_before(
    paused_context: TrainerContext,
) -> None:
    folder = paused_context.session / "trials" / "0001" / "checkpoint"
    shutil.copy(folder / "00000009.json", folder / "00000012.json")
    (folder / "00000012.safetensors").write_bytes(b"torn")
    messages = run_through(paused_context, request_of(paused_context, trial=1))
    assert "00000012" in of_kind(messages, Note)[0].text
    assert of_kind(messages, Started)[0].step == 9


def test_checkpoints_are_written_by_training_time(make_context: ContextMaker) -> None:
    context = make_context(training={"checkpoint_seconds": 1.0})
    now = [0.0]

    def clock() -> float:
        now[0] += 0.1
        return now[0]

    folder = context.session / "trials" / "0000" / "checkpoint"
    checkpoint_files: list[str] = []
    for _ in train_trial(context, request_of(context), clock):
        files = [path.name for path in folder.glob("*.json")]
        assert len(files) <= 1
        checkpoint_files += [name for name in files if name not in checkpoint_files]
    assert len(checkpoint_files) >= 1
    assert len(list(folder.glob("*.json"))) == 1


def test_another_best_value_after_a_resume_saves_the_kept_weights(
    make_context: ContextMaker,
) -> None:
    """The best evaluation lies before the pause: its weights come out of the checkpoint."""
    context = make_context(training={"epochs": 6})
    rates = dict.fromkeys(("embeddings", "lower", "upper", "rest"), 2e-2)
    requests = [
        request_of(context, trial=number, learning_rates=rates, metric="loss", direction="maximize")
        for number in (0, 1)
    ]
    whole = run_through(context, requests[0])
    _pause_after(context, requests[1], 45)
    resumed = run_through(context, requests[1])
    uninterrupted_end = of_kind(whole, Completed)[0]
    assert uninterrupted_end.step < 45
    assert of_kind(resumed, Completed)[0].step == uninterrupted_end.step
    trials = context.session / "trials"
    assert weights(trials / "0000") == weights(trials / "0001")
