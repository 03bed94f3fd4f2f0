"""Memory: peaks, what fits by estimate, and what is tried where an allocation fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from tests.training.conftest import BenchMaker, request_of
from tuner.training.memory import Activations, Fit, peak, reset_peak
from tuner.training.room import allowed
from tuner.training.trial import Trial

CPU = torch.device("cpu")
# bytes a wordpiece: 100 with all activations, 20 with checkpointing.
SMALL = Activations(longest=10, kept=100, checkpointed=20)


def test_the_peak_is_that_since_the_reset() -> None:
    reset_peak(CPU)
    before = peak(CPU)
    held = torch.ones(30 << 20)
    during = peak(CPU)
    assert during >= before + (100 << 20)
    del held
    assert peak(CPU) >= during - (8 << 20)


def test_the_estimate_follows_the_shape() -> None:
    config = AutoConfig.for_model(
        "bert", num_hidden_layers=12, hidden_size=768, num_attention_heads=12
    )
    found = Activations.of(config, longest=128)
    assert found.kept == 12 * 2 * (34 * 768 + 5 * 12 * 128)
    assert found.kept > 4 * found.checkpointed
    assert Activations.of(object(), longest=128).rows(1 << 20, checkpointing=False) > 1000


@pytest.mark.parametrize(
    ("there", "rows", "checkpointing"),
    [
        (100_000, None, False),
        (16 * 1000 * 2, None, False),
        (16 * 1000, 11, False),
        (1500, 1, False),
        (1200, 4, True),
        (10, 1, True),
    ],
)
def test_rows_first_checkpointing_last(there: int, rows: int | None, checkpointing: bool) -> None:
    assert Fit.of(SMALL, 16, there) == Fit(rows, checkpointing)


def test_shrinking_comes_to_an_end() -> None:
    fit, seen = Fit(), []
    while (smaller := fit.smaller(16)) is not None:
        fit = smaller
        seen.append((fit.at_once(16), fit.checkpointing))
    assert seen == [(8, False), (4, False), (2, False), (1, False), (1, True)]
    assert "1 rows" in fit.describe()
    assert Fit().describe() == ""


def checkpoints_layers(model: Any) -> bool:
    """Whether any layer computes its activations twice."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def flat_gradient(trial: Trial) -> torch.Tensor:
    """All gradients of the update to come."""
    order, start, end = trial.timetable.place_of(0)
    trial.backward.run(order, start, end)
    gradient = torch.cat([p.grad.flatten() for p in trial._trained.values() if p.grad is not None])
    trial.backward.clear()
    return gradient


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("fit", [Fit(3), Fit(1, checkpointing=True), Fit(8, checkpointing=True)])
def test_less_memory_gives_the_same_gradient(make_bench: BenchMaker, kind: str, fit: Fit) -> None:
    bench = make_bench(kind)
    request = request_of(bench, dropout=0.0)
    expected = flat_gradient(Trial(bench, request))
    trial = Trial(bench, request)
    bench.fit_memory(fit)
    trial._begin()
    torch.testing.assert_close(flat_gradient(trial), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("fit", [Fit(3), Fit(2, checkpointing=True)])
def test_a_resumed_trial_splits_its_batches_as_before(make_bench: BenchMaker, fit: Fit) -> None:
    bench = make_bench("bert")
    trial = Trial(bench, request_of(bench))
    bench.fit_memory(fit)
    trial._begin()
    trial.update()
    trial.save()
    trial.update()
    expected = [p.detach().clone() for p in trial._trained.values()]
    resumed = Trial(bench, request_of(bench))
    assert bench.fit == Fit()
    assert resumed.resume() == []
    assert bench.fit == fit
    resumed.update()
    for parameter, weight in zip(resumed._trained.values(), expected, strict=True):
        assert torch.equal(parameter.detach(), weight)


def test_what_a_trial_gave_up_holds_for_it_alone(make_bench: BenchMaker) -> None:
    bench = make_bench("bert")
    model: Any = bench.model
    Trial(bench, request_of(bench))
    bench.fit_memory(Fit(1, checkpointing=True))
    assert checkpoints_layers(model)
    Trial(bench, request_of(bench))
    assert bench.fit == Fit()
    assert not checkpoints_layers(model)


def test_what_is_allowed_on_a_cpu_is_not_what_is_free(tmp_path: Path) -> None:
    most = allowed(CPU, tmp_path)
    assert most == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    (tmp_path / "memory.max").write_text("5000")
    (tmp_path / "memory.current").write_text("4000")
    assert allowed(CPU, tmp_path) == 5000


def test_a_failed_allocation_is_tried_again_with_fewer_rows(
    make_bench: BenchMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench("bert")
    expected = Trial(bench, request_of(bench, dropout=0.0))
    expected.update()
    weights = [p.detach().clone() for p in expected._trained.values()]
    trial = Trial(bench, request_of(bench, dropout=0.0))
    whole = type(trial.backward).run

    def short_of_memory(self: Any, *rows: Any) -> torch.Tensor:
        if bench.fit.at_once(8) > 2:
            whole(self, *rows)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return whole(self, *rows)

    monkeypatch.setattr(type(trial.backward), "run", short_of_memory)
    trial.update()
    assert bench.fit == Fit(2)
    for parameter, weight in zip(trial._trained.values(), weights, strict=True):
        torch.testing.assert_close(parameter.detach(), weight, rtol=1e-4, atol=1e-6)


def test_nothing_left_to_try_is_out_of_memory(
    make_bench: BenchMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench("bert")
    trial = Trial(bench, request_of(bench))

    def never(*_: Any) -> torch.Tensor:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(type(trial.backward), "run", never)
    with pytest.raises(MemoryError, match="out of memory"):
        trial.update()
    assert bench.fit == Fit(1, checkpointing=True)
