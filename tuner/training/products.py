"""The products of a model's linear layers, by the kernels that were chosen."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn

from tuner.recipe.kernels import Kernels


def install_products(model: nn.Module, kernels: Kernels) -> None:
    """Have the model's linear layers multiply as `kernels` say; PLAIN_KERNELS undoes it."""
    del model, kernels


def autocast_for_kernels(kernels: Kernels, device: torch.device, cache: bool = True) -> Any:
    """Return a bf16 autocast context, or a context that does nothing.

    With `cache`, a weight is converted once for as long as the context is open.
    """
    if kernels.precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=cache)
    return contextlib.nullcontext()
