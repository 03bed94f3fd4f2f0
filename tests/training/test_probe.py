"""The probe: how fast training is, and that it leaves nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
import torch

from tests.training.conftest import ContextMaker, RecipeMaker
from tests.training.test_checkpoint import evaluations_without_clock, predictions, weights
from tests.training.test_process import request
from tests.training.trainer_process import ForkedTrainerProcess
from tuner.pool.protocol import Completed, Pause, Paused, Probe, Probed, Ready
from tuner.training.memory_budget import free_memory_bytes, needed_memory_bytes
from tuner.training.probe import measure_throughput


@pytest.mark.usefixtures("fork_server")
def test_a_trial_after_a_probe_is_the_same_to_the_bit(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    recipe = make_recipe(training={"epochs": 2, "warmup": {"low": 0.0, "high": 0.5}})
    plain = make_recipe(training={"epochs": 2, "warmup": 0.25})
    trainer = ForkedTrainerProcess(tmp_path, recipe, tmp_path / "log")
    ready = trainer.until(Ready)[-1]
    assert isinstance(ready, Ready)
    assert (ready.batches, ready.threads) == ("packed", 1)
    trainer.send(request(plain, 0))
    undisturbed = trainer.until(Completed)
    trainer.send(Probe(threads=2, seconds=0.2))
    probed = trainer.until(Probed)[-1]
    assert isinstance(probed, Probed)
    assert probed.examples_per_second > 0
    assert probed.threads == 1, "a narrow model has no use for two"
    assert probed.memory > 50 << 20
    assert probed.free > 0
    trials = tmp_path / "trials"
    assert [folder.name for folder in trials.iterdir()] == ["0000"]
    trainer.send(request(plain, 1))
    after = [
        msgspec.structs.replace(e, trial=0)
        for e in evaluations_without_clock(trainer.until(Completed))
    ]
    assert after == evaluations_without_clock(undisturbed)
    assert predictions(trials / "0001") == predictions(trials / "0000")
    assert weights(trials / "0001") == weights(trials / "0000")

    trainer.send(Probe(threads=1, seconds=600.0))
    trainer.send(Pause())
    assert trainer.until(Paused)[-1] == Paused(trial=None, step=0)
    assert trainer.end() == 0


def test_a_probe_takes_its_time_and_one_update_at_least(make_context: ContextMaker) -> None:
    context = make_context(training={"batch_size": 8, "epochs": 1})
    now = 0.0
    updates = 0

    def two_seconds_later() -> bool:
        nonlocal now, updates
        now, updates = now + 2.0, updates + 1
        return True

    def clock() -> float:
        return now

    for seconds, expected in ((0.0, 1), (5.0, 3), (59.0, 30)):
        updates = 0
        throughput = measure_throughput(
            context, Probe(threads=0, seconds=seconds), two_seconds_later, clock
        )
        assert throughput is not None
        assert updates == expected
        assert throughput.examples_per_second == 4.0
    assert measure_throughput(context, Probe(threads=0, seconds=5.0), lambda: False) is None


def test_threads_are_those_that_the_model_has_use_for(make_context: ContextMaker) -> None:
    context = make_context()
    assert context.set_thread_count(4) == torch.get_num_threads() == 1


def test_memory_is_limited_by_the_group_that_the_process_is_in(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    unlimited = free_memory_bytes(cpu, tmp_path)
    assert 0 < unlimited < sys.maxsize
    assert 0 < needed_memory_bytes(cpu) < unlimited + needed_memory_bytes(cpu)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory_bytes(cpu, tmp_path) > 1 << 20
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 1500\n")
    assert free_memory_bytes(cpu, tmp_path) == 3500
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("900")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("800")
    (tmp_path / "memory" / "memory.stat").write_text("total_inactive_file 30\n")
    assert free_memory_bytes(cpu, tmp_path) == 130
