"""Dropout whose random numbers cost little on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16


def random_keep(count: int, probability: float, dtype: torch.dtype) -> tuple[Tensor, float]:
    """`count` ones and zeros on the CPU, a zero with `probability`, and the scale that makes up.

    Every random 64-bit word gives four 16-bit numbers, so that the generator, which is most of what
    dropout costs on a CPU, is asked a quarter as often. The probability is rounded to 1/65,536 and
    the scale follows the rounded one.
    """
    threshold = round(probability * _LEVELS)
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(1 << 63), None)
    keep = words.view(torch.int16)[:count].ge(threshold - _LEVELS // 2)
    return keep.to(dtype), _LEVELS / max(1, _LEVELS - threshold)


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, probability: float) -> Tensor:
        keep, scale = random_keep(x.numel(), probability, x.dtype)
        factor = keep.mul_(scale).view(x.shape)
        ctx.save_for_backward(factor)
        return x * factor

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (factor,) = ctx.saved_tensors
        return gradients[0] * factor, None


class CheapDropout(nn.Dropout):
    """nn.Dropout for the CPU: the same distribution, from a quarter of the random numbers."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero each element with probability p while training and scale the rest."""
        if not self.training or self.p == 0.0:
            return input
        dropped: Tensor = _Dropped.apply(input, self.p)  # type: ignore[no-untyped-call]
        return dropped


def make_dropout_cheap(model: nn.Module) -> int:
    """Turn every plain nn.Dropout of a CPU model into a CheapDropout; returns their number."""
    plain = [module for module in model.modules() if type(module) is nn.Dropout]
    for module in plain:
        module.__class__ = CheapDropout
    return len(plain)
