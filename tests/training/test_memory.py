"""Memory: peaks, what fits by estimate, and what is tried where an allocation fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from tests.training.conftest import ContextMaker, request_of
from tuner.training.memory_budget import (
    allowed_memory_bytes,
    peak_memory_bytes,
    reset_peak_memory,
)
from tuner.training.memory_plan import Activations, MemoryPlan
from tuner.training.trial import Trial

CPU = torch.device("cpu")
# bytes a token: 100 with all activations, 20 with checkpointing.
SMALL = Activations(longest=10, per_token=100, per_token_checkpointed=20)


def test_the_peak_is_that_since_the_reset() -> None:
    reset_peak_memory(CPU)
    before = peak_memory_bytes(CPU)
    big_tensor = torch.ones(30 << 20)
    during = peak_memory_bytes(CPU)
    assert during >= before + (100 << 20)
    del big_tensor
    assert peak_memory_bytes(CPU) >= during - (8 << 20)


def test_the_estimate_follows_the_shape() -> None:
    config = AutoConfig.for_model(
        "bert", num_hidden_layers=12, hidden_size=768, num_attention_heads=12
    )
    activations = Activations.from_model_config(config, longest=128)
    assert activations.per_token == 12 * 2 * (34 * 768 + 5 * 12 * 128)
    assert activations.per_token > 4 * activations.per_token_checkpointed
    assert (
        Activations.from_model_config(object(), longest=128).rows_that_fit(
            1 << 20, checkpointing=False
        )
        > 1000
    )


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
    assert MemoryPlan.fastest_that_fits(SMALL, 16, there) == MemoryPlan(rows, checkpointing)


def test_shrinking_comes_to_an_end() -> None:
    fit, tried_plans = MemoryPlan(), []
    while (smaller := fit.next_smaller_plan(16)) is not None:
        fit = smaller
        tried_plans.append((fit.micro_batch_size(16), fit.checkpointing))
    assert tried_plans == [(8, False), (4, False), (2, False), (1, False), (1, True)]
    assert "1 rows" in fit.describe_plan()
    assert MemoryPlan().describe_plan() == ""


def checkpoints_layers(model: Any) -> bool:
    """Whether any layer computes its activations twice."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def flat_gradient(trial: Trial) -> torch.Tensor:
    """All gradients of the update to come."""
    order, start, end = trial.data_order.slice_of_update(0)
    trial.backward.accumulate_gradients(order, start, end)
    gradient = torch.cat([p.grad.flatten() for p in trial._trained.values() if p.grad is not None])
    trial.backward.clear_gradients()
    return gradient


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize(
    "fit", [MemoryPlan(3), MemoryPlan(1, checkpointing=True), MemoryPlan(8, checkpointing=True)]
)
def test_less_memory_gives_the_same_gradient(
    make_context: ContextMaker, kind: str, fit: MemoryPlan
) -> None:
    context = make_context(kind)
    request = request_of(context, dropout=0.0)
    expected = flat_gradient(Trial(context, request))
    trial = Trial(context, request)
    context.apply_memory_plan(fit)
    trial._begin_backward()
    torch.testing.assert_close(flat_gradient(trial), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("fit", [MemoryPlan(3), MemoryPlan(2, checkpointing=True)])
def test_a_resumed_trial_splits_its_batches_as_before(
    make_context: ContextMaker, fit: MemoryPlan
) -> None:
    context = make_context("bert")
    trial = Trial(context, request_of(context))
    context.apply_memory_plan(fit)
    trial._begin_backward()
    trial.train_one_update()
    trial.write_checkpoint()
    trial.train_one_update()
    expected = [p.detach().clone() for p in trial._trained.values()]
    resumed = Trial(context, request_of(context))
    assert context.memory_plan == MemoryPlan()
    assert resumed.resume_from_checkpoint() == []
    assert context.memory_plan == fit
    resumed.train_one_update()
    for parameter, weight in zip(resumed._trained.values(), expected, strict=True):
        assert torch.equal(parameter.detach(), weight)


def test_what_a_trial_gave_up_holds_for_it_alone(make_context: ContextMaker) -> None:
    context = make_context("bert")
    model: Any = context.model
    Trial(context, request_of(context))
    context.apply_memory_plan(MemoryPlan(1, checkpointing=True))
    assert checkpoints_layers(model)
    Trial(context, request_of(context))
    assert context.memory_plan == MemoryPlan()
    assert not checkpoints_layers(model)


def test_what_is_allowed_on_a_cpu_is_not_what_is_free(tmp_path: Path) -> None:
    most = allowed_memory_bytes(CPU, tmp_path)
    assert most == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    (tmp_path / "memory.max").write_text("5000")
    (tmp_path / "memory.current").write_text("4000")
    assert allowed_memory_bytes(CPU, tmp_path) == 5000


def test_a_failed_allocation_is_tried_again_with_fewer_rows(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context("bert")
    expected = Trial(context, request_of(context, dropout=0.0))
    expected.train_one_update()
    weights = [p.detach().clone() for p in expected._trained.values()]
    trial = Trial(context, request_of(context, dropout=0.0))
    whole = type(trial.backward).accumulate_gradients

    def short_of_memory(self: Any, *rows: Any) -> torch.Tensor:
        if context.memory_plan.micro_batch_size(8) > 2:
            whole(self, *rows)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return whole(self, *rows)

    monkeypatch.setattr(type(trial.backward), "accumulate_gradients", short_of_memory)
    trial.train_one_update()
    assert context.memory_plan == MemoryPlan(2)
    for parameter, weight in zip(trial._trained.values(), weights, strict=True):
        torch.testing.assert_close(parameter.detach(), weight, rtol=1e-4, atol=1e-6)


def test_nothing_left_to_try_is_out_of_memory(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context("bert")
    trial = Trial(context, request_of(context))

    def never(*_: Any) -> torch.Tensor:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(type(trial.backward), "accumulate_gradients", never)
    with pytest.raises(MemoryError, match="out of memory"):
        trial.train_one_update()
    assert context.memory_plan == MemoryPlan(1, checkpointing=True)
