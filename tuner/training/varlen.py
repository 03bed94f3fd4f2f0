"""Attention within the sequences of one row whose lengths only the device knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from tuner.training.packing import NotPackable

_FLASH_SINCE = (8, 0)
_FLASH_WIDEST = 256
_FLASH_MULTIPLE = 8
# What the memory-efficient kernel loads at once.
_EFFICIENT_BYTES = 16
# Half types are off by up to 0.03, attention to a wrong sequence by more than 0.3.
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sequences one after the other: sequence i is ends[i]:ends[i + 1].

    `ends` is int32 on the device; `longest` is a length that none of them exceeds.
    """

    ends: Tensor
    longest: int


# Softmax attention of the queries of sequence i to the keys of sequence i. Called with query, key
# and value (rows × heads × head size), the bounds of the queries and those of keys and values, the
# factor of the scores and the probability of dropout; returns the query's shape. Every query is in
# a sequence that has a key.
Kernel = Callable[[Tensor, Tensor, Tensor, Bounds, Bounds, float, float], Tensor]


@dataclass(frozen=True, slots=True)
class DeviceSpans:
    """Spans of a row that is filled up with spare sequences, which nobody reads.

    first  the first wordpiece of every real sequence, int64
    spare  whether a wordpiece is in a spare sequence
    every  bounds of all sequences, spare ones last
    real   bounds of the real ones
    heads  bounds of the first wordpieces, put one after the other
    kernel what computes the attention; None: the fastest that takes the tensors
    """

    first: Tensor
    spare: Tensor
    every: Bounds
    real: Bounds
    heads: Bounds
    kernel: Kernel | None = None

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, scaling: float, dropout: float
    ) -> Tensor:
        """Without waiting for the device; see Spans. NotPackable where no kernel takes these."""
        kernel = self.kernel or kernel_for(query.device, query.dtype, query.shape[-1])
        if len(query) == len(key):
            return kernel(query, key, value, self.every, self.every, scaling, dropout)
        # A kernel need not write the gradients of keys that nobody asks: masking discards them.
        spare = self.spare[:, None, None]
        key, value = key.masked_fill(spare, 0.0), value.masked_fill(spare, 0.0)
        return kernel(query, key, value, self.heads, self.real, scaling, dropout)


@lru_cache
def kernel_for(device: torch.device, dtype: torch.dtype, size: int) -> Kernel:
    """The fastest kernel for heads of `size`. NotPackable on a GPU where none takes them."""
    if device.type == "cpu":
        return reference
    if device.type == "cuda":
        half = dtype in (torch.bfloat16, torch.float16)
        fits_flash = size % _FLASH_MULTIPLE == 0 and size <= _FLASH_WIDEST
        if half and fits_flash and torch.cuda.get_device_capability(device) >= _FLASH_SINCE:
            return flash
        if size * dtype.itemsize % _EFFICIENT_BYTES == 0:
            return memory_efficient
    raise NotPackable(f"{device.type} has no variable-length attention for heads of {size}")


def reference(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    asking: Bounds,
    asked: Bounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """Plain operations, with a product of all queries with all keys; see Kernel."""
    q, k, v = (tensor.transpose(0, 1) for tensor in (query, key, value))
    foreign = _owners(asking, len(query))[:, None] != _owners(asked, len(key))
    scores = torch.matmul(q, k.transpose(1, 2)) * scaling
    shares = scores.masked_fill(foreign, float("-inf")).softmax(-1)
    return torch.matmul(functional.dropout(shares, dropout), v).transpose(0, 1)


def _owners(bounds: Bounds, count: int) -> Tensor:
    """The number of the sequence that each of `count` rows is in."""
    rows = torch.arange(count, dtype=bounds.ends.dtype, device=bounds.ends.device)
    return torch.searchsorted(bounds.ends[1:], rows, right=True)


def flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    asking: Bounds,
    asked: Bounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """FlashAttention-2 for half types (Dao 2023); see Kernel.

    The operator beneath torch.nn.attention.varlen, which itself has no dropout.
    """
    out: Tensor = torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        asking.ends,
        asked.ends,
        asking.longest,
        asked.longest,
        dropout,
        False,
        False,
        scale=scaling,
    )[0]
    return out


def memory_efficient(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    asking: Bounds,
    asked: Bounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """Tiled attention for any floating type (Rabe and Staats 2021); see Kernel."""
    out: Tensor = torch.ops.aten._efficient_attention_forward(
        query[None],
        key[None],
        value[None],
        None,
        asking.ends,
        asked.ends,
        asking.longest,
        asked.longest,
        dropout,
        0,
        torch.is_grad_enabled(),
        scale=scaling,
    )[0]
    return out[0]


def proven(kernel: Kernel | None = None) -> Kernel:
    """`kernel` (None: see kernel_for), compared with the reference wherever it is called.

    On random tensors of the same shapes and types, whose attention is far from even: in a model
    with fresh weights it is nearly even, so that a wrong one hardly shows. NotPackable where the
    largest difference of outputs or gradients exceeds a tenth of the largest value.
    """

    def checked(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        asking: Bounds,
        asked: Bounds,
        scaling: float,
        dropout: float,
    ) -> Tensor:
        used = kernel or kernel_for(query.device, query.dtype, query.shape[-1])
        draw = torch.Generator(query.device).manual_seed(0)
        like = [torch.randn(x.shape, generator=draw, device=x.device) for x in (query, key, value)]
        like = [tensor.to(query.dtype) for tensor in like]
        scale = 2.0 * query.shape[-1] ** -0.5
        expected = _answers(reference, [x.float() for x in like], asking, asked, scale)
        seen = _answers(used, like, asking, asked, scale)
        for one, other in zip(expected, seen, strict=True):
            difference = float((one - other.float()).abs().max() / one.abs().max())
            if not difference <= _TOLERANCE:
                raise NotPackable(f"its attention is off by {difference:.1e} on this device")
        return used(query, key, value, asking, asked, scaling, dropout)

    return checked


def _answers(
    kernel: Kernel, inputs: list[Tensor], asking: Bounds, asked: Bounds, scale: float
) -> list[Tensor]:
    """Output and gradients; rows beyond the last sequence are nobody's."""
    rows, keys = int(asking.ends[-1]), int(asked.ends[-1])
    with torch.enable_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        query, key, value = leaves = [tensor.detach().requires_grad_() for tensor in inputs]
        out = kernel(query, key, value, asking, asked, scale, 0.0)[:rows]
        weights = torch.linspace(-1.0, 1.0, out.numel(), device=out.device).view_as(out)
        grads = torch.autograd.grad((out.float() * weights).sum(), leaves)
    return [out.detach(), grads[0][:rows], grads[1][:keys], grads[2][:keys]]
