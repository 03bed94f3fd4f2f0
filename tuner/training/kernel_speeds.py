"""How fast this processor multiplies matrices of a model's shapes, by type and by library."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tuner.recipe.kernels import (
    ATTENTION_BF16,
    ATTENTION_FP32,
    BF16,
    MARGIN,
    ONEDNN,
    TORCH,
    deciding_ratios,
)
from tuner.training.failure_causes import first_message_line
from tuner.training.products import multiply_by_onednn
from tuner.training.spans import SHORT_LENGTH

_MOST_TOKENS = 512
_FEWEST_TOKENS = 128
# A round of it takes 12 ms at 100 GFLOP/s.
_FLOP_PER_ROUND = 1.2e9
_ROUNDS = 3
# Of a ratio as near to the margin as this, the smallest of a few times is not sure enough.
_NEAR = 0.12
_MORE_ROUNDS = 12
# Short sequences attend in fp32 anyway, and around that length neither type is clearly faster.
_LONG_SEQUENCE = max(256, 4 * SHORT_LENGTH)

Product = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """The products that are timed: one shape of a linear layer, and those within attention.

    `outputs` × `inputs` is the weight, `tokens` rows go through it. Attention: `heads` of
    `head_size` for one long sequence; 0 heads where that is not known.
    """

    outputs: int
    inputs: int
    tokens: int
    heads: int = 0
    head_size: int = 0

    @classmethod
    def from_model(cls, model: nn.Module, lengths: NDArray[Any], batch: int) -> Workload:
        """Take the shape that most of the model's arithmetic has, and the rows of a usual batch."""
        config: Any = model.config
        hidden = int(getattr(config, "hidden_size", 0) or 64)
        heads = int(getattr(config, "num_attention_heads", 0) or 0)
        outputs, inputs = _heaviest_shape(model) or (4 * hidden, hidden)
        usual = batch * max(1, int(np.median(lengths)))
        affordable = int(_FLOP_PER_ROUND / (6 * outputs * inputs))
        return cls(
            outputs,
            inputs,
            tokens=min(max(affordable, _FEWEST_TOKENS), usual, _MOST_TOKENS),
            heads=heads,
            head_size=max(1, hidden // heads) if heads else 0,
        )


def _heaviest_shape(model: nn.Module) -> tuple[int, int] | None:
    work: Counter[tuple[int, int]] = Counter()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            work[module.out_features, module.in_features] += module.weight.numel()
    # Of equals the first in the model's order, which is that of `Counter`.
    return work.most_common(1)[0][0] if work else None


def measure_kernel_speeds(workload: Workload, precision: str) -> tuple[dict[str, float], list[str]]:
    """Return the speeds of all candidates in GFLOP/s, and a line for each that this torch lacks.

    What decides for this `precision` is timed more often where it is close. One thread, timed by
    the processor time that it takes: neither a neighbour on the machine nor how many trials train
    side by side then changes the choice.
    """
    with _single_thread(), torch.no_grad():
        candidates = _linear_candidates(workload)
        missing = [f"no oneDNN for fp32: {problem}"] if (problem := onednn_problem()) else []
        if missing:
            del candidates[ONEDNN]
        flop = dict.fromkeys(candidates, 6.0 * workload.tokens * workload.outputs * workload.inputs)
        if workload.heads:
            attention = _attention_candidates(workload)
            products = 12.0 * workload.heads * workload.head_size * _LONG_SEQUENCE**2
            flop |= dict.fromkeys(attention, products)
            candidates |= attention
        return _speeds_of_candidates(candidates, flop, precision), missing


def _speeds_of_candidates(
    candidates: Mapping[str, Product], flop: Mapping[str, float], precision: str
) -> dict[str, float]:
    seconds = dict.fromkeys(candidates, math.inf)
    speeds: dict[str, float] = {}
    for rounds in (_ROUNDS, _MORE_ROUNDS):
        for _ in range(rounds):
            # One after the other rather than each several times: the clock of a processor changes.
            for name, product in candidates.items():
                started = time.thread_time()
                product()
                seconds[name] = min(seconds[name], time.thread_time() - started)
        speeds = {name: flop[name] / 1e9 / max(seconds[name], 1e-9) for name in candidates}
        ratios = deciding_ratios(precision, speeds)
        if not any(abs(ratio / MARGIN - 1) < _NEAR for ratio in ratios):
            break
    return speeds


def _linear_candidates(workload: Workload) -> dict[str, Product]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(workload.tokens, workload.inputs, generator=generator)
    weight = torch.randn(workload.outputs, workload.inputs, generator=generator)
    gradient = torch.randn(workload.tokens, workload.outputs, generator=generator)
    single = [x, weight, gradient]
    half = [tensor.bfloat16() for tensor in single]
    return {
        TORCH: partial(_multiply_three_times, functional.linear, *single),
        ONEDNN: partial(_multiply_three_times, multiply_by_onednn, *single),
        BF16: partial(_multiply_three_times, functional.linear, *half),
    }


def _multiply_three_times(
    linear: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, gradient: Tensor
) -> None:
    """Do a layer's products forward, for the gradient of its input and for that of its weight."""
    linear(x, weight)
    linear(gradient, weight.t())
    linear(gradient.t(), x.t())


def onednn_problem() -> str:
    """Say why this torch cannot multiply fp32 matrices by oneDNN; "" where it can."""
    try:
        multiply_by_onednn(torch.ones(2, 2), torch.ones(2, 2))
    except (AttributeError, RuntimeError) as error:
        return first_message_line(error)
    return ""


def _attention_candidates(workload: Workload) -> dict[str, Product]:
    """Attention within a bf16 step: in bf16, or with a cast before and after it in fp32."""
    generator = torch.Generator().manual_seed(0)
    shape = (workload.heads, _LONG_SEQUENCE, workload.head_size)
    states = [torch.randn(shape, generator=generator).bfloat16() for _ in range(4)]
    return {
        ATTENTION_FP32: partial(_attend_and_return_gradients, states, torch.float32),
        ATTENTION_BF16: partial(_attend_and_return_gradients, states, torch.bfloat16),
    }


def _attend_and_return_gradients(states: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
    query, key, value, gradient = (state.to(dtype) for state in states)
    shares = torch.softmax(torch.bmm(query, key.mT), dim=-1)
    output = torch.bmm(shares, value)
    scores = torch._softmax_backward_data(torch.bmm(gradient, value.mT), shares, -1, dtype)
    of_states = torch.bmm(scores, key), torch.bmm(scores.mT, query), torch.bmm(shares.mT, gradient)
    return [tensor.bfloat16() for tensor in (output, *of_states)]


@contextmanager
def _single_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
