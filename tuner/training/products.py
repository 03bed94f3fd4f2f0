"""The products of a model's linear layers, by the kernels that were chosen."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.recipe.kernels import Kernels


def install_products(model: nn.Module, kernels: Kernels) -> None:
    """Have the model's linear layers multiply as `kernels` say; PLAIN_KERNELS undoes it.

    In bf16 torch calls oneDNN by itself, for tensors that autocast converts.
    """
    by_onednn = kernels.precision == "fp32" and kernels.products == "onednn"
    wanted, other = (OneDnnLinear, nn.Linear) if by_onednn else (nn.Linear, OneDnnLinear)
    for module in model.modules():
        # Subclasses multiply in their own way. The class is exchanged in place, since the model and
        # its hooks hold the module itself.
        if type(module) is other:
            module.__class__ = wanted


def autocast_for_kernels(kernels: Kernels, device: torch.device, cache: bool = True) -> Any:
    """Return a bf16 autocast context, or a context that does nothing.

    With `cache`, a weight is converted once for as long as the context is open.
    """
    if kernels.precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=cache)
    return contextlib.nullcontext()


class OneDnnLinear(nn.Linear):
    """nn.Linear by oneDNN, which is about twice as fast in fp32 as MKL where that takes AVX2."""

    def forward(self, input: Tensor) -> Tensor:
        tensors = [input, self.weight] + ([] if self.bias is None else [self.bias])
        if any(t.dtype != torch.float32 for t in tensors) or torch.is_autocast_enabled("cpu"):
            return functional.linear(input, self.weight, self.bias)
        output: Tensor = _OneDnnProduct.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias
        )
        return output


def multiply_by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x · weightᵀ + bias by oneDNN: rows × in, out × in, out; fp32 on the CPU.

    The operator that torch.compile puts in the place of linear layers.
    """
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class _OneDnnProduct(torch.autograd.Function):
    """A linear layer; the operator has no derivative of its own."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = input.reshape(-1, input.shape[-1])
        ctx.save_for_backward(rows, weight)
        ctx.shape = input.shape
        return multiply_by_onednn(rows, weight, bias).view(*input.shape[:-1], len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, len(weight))
        # y = x Wᵀ + b: dx = dy W, dW = dyᵀ x, db = the sum of dy over the rows.
        needs_input, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            multiply_by_onednn(gradient, weight.t()).view(ctx.shape) if needs_input else None,
            multiply_by_onednn(gradient.t(), rows.t()) if needs_weight else None,
            gradient.sum(0) if needs_bias else None,
        )
