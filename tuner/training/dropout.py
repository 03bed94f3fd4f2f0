"""Dropout whose random numbers cost little on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Probabilities that a 16-bit random number can express.
_LEVELS = 1 << 16


def random_keep_mask(count: int, probability: float, dtype: torch.dtype) -> tuple[Tensor, float]:
    """Draw `count` ones and zeros on the CPU, a zero with `probability`; also return the scale.

    torch's generator, which is slow on a CPU, only gives a seed; NumPy's SFC64 makes 64-bit words
    of it, and each word four 16-bit numbers. The probability is rounded to 1/65,536, and the scale
    follows the rounded one, so that the expectation is exact.
    """
    threshold = round(probability * _LEVELS)
    # From torch's generator, which trials seed and checkpoints save: masks follow from the seed.
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.SFC64(seed).random_raw((count + 3) // 4).view(np.int16)
    keep = torch.empty(count, dtype=dtype)
    # Signed 16-bit numbers are uniform in [-32768, 32767], so the threshold moves by half the
    # range.
    torch.ge(torch.from_numpy(words)[:count], threshold - _LEVELS // 2, out=keep)
    return keep, _LEVELS / max(1, _LEVELS - threshold)


class _MaskedDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, probability: float) -> Tensor:
        keep, scale = random_keep_mask(x.numel(), probability, x.dtype)
        factor = keep.mul_(scale).view(x.shape)
        ctx.save_for_backward(factor)
        return x * factor

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (factor,) = ctx.saved_tensors
        return gradients[0] * factor, None


class CheapDropout(nn.Dropout):
    """nn.Dropout for the CPU: the same distribution, from cheaper random numbers."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return input
        dropped: Tensor = _MaskedDropout.apply(input, self.p)  # type: ignore[no-untyped-call]
        return dropped


def make_dropout_cheap(model: nn.Module) -> int:
    """Turn every plain nn.Dropout of a CPU model into a CheapDropout; return their number."""
    plain = [module for module in model.modules() if type(module) is nn.Dropout]
    for module in plain:
        module.__class__ = CheapDropout
    return len(plain)
