"""Attention within the sequences of one row whose lengths only the device knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from tuner.results.format import format_number
from tuner.training.packing import NotPackable

# Limits of aten's _flash_attention_forward: Ampere and later, heads of at most 256 numbers, a
# multiple of 8.
_FLASH_SINCE = (8, 0)
_FLASH_WIDEST = 256
_FLASH_MULTIPLE = 8
# The memory-efficient kernel loads 16 bytes at once, and a head has to be a multiple of that.
_EFFICIENT_BYTES = 16
# Half types differ from the fp32 reference by up to 0.03 of the largest value, attention to a wrong
# sequence by more than 0.3: anything between separates the two.
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class SequenceBounds:
    """Sequences one after the other: sequence i is cu_seqlens[i]:cu_seqlens[i + 1].

    The names are FlashAttention's. `cu_seqlens` is int32 on the device; `max_seqlen` is a length
    that no sequence exceeds, and has to be known on the host, since kernels are launched by it.
    """

    cu_seqlens: Tensor
    max_seqlen: int


# Softmax attention of the queries of sequence i to the keys of sequence i. Called with query, key
# and value (rows × heads × head size), the bounds of the queries and those of keys and values, the
# factor of the scores and the probability of dropout; returns the query's shape. Every query is in
# a sequence that has a key.
Kernel = Callable[[Tensor, Tensor, Tensor, SequenceBounds, SequenceBounds, float, float], Tensor]


@dataclass(frozen=True, slots=True)
class DeviceSpans:
    """Spans of a row that is filled up with filler sequences, whose results nobody reads.

    first          the first token of every real sequence, int64
    is_filler      whether a token is in a filler sequence
    all_sequences  bounds of all sequences, filler ones last
    real_sequences bounds of the real ones
    first_tokens   bounds of the first tokens, put one after the other
    kernel         what computes the attention; None: the fastest that takes the tensors
    """

    first: Tensor
    is_filler: Tensor
    all_sequences: SequenceBounds
    real_sequences: SequenceBounds
    first_tokens: SequenceBounds
    kernel: Kernel | None = None

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, scaling: float, dropout: float
    ) -> Tensor:
        """Attend without waiting for the device; see Spans. NotPackable if no kernel fits."""
        kernel = self.kernel or fastest_kernel(query.device, query.dtype, query.shape[-1])
        # Every layer but the last: each token is a query. Filler sequences attend to themselves, so
        # that no query is without a key, whose softmax would be NaN.
        if len(query) == len(key):
            return kernel(
                query, key, value, self.all_sequences, self.all_sequences, scaling, dropout
            )
        # The last layer: only the first token of each real sequence is a query, so that the keys of
        # filler sequences belong to none. A kernel need not write the gradients of such keys (aten
        # allocates them uninitialised); the backward of masked_fill puts zeros there.
        is_filler = self.is_filler[:, None, None]
        key, value = key.masked_fill(is_filler, 0.0), value.masked_fill(is_filler, 0.0)
        return kernel(query, key, value, self.first_tokens, self.real_sequences, scaling, dropout)


@lru_cache
def fastest_kernel(device: torch.device, dtype: torch.dtype, size: int) -> Kernel:
    """Choose the fastest kernel for heads of `size`. NotPackable on a GPU where none takes them."""
    if device.type == "cpu":
        return reference_attention
    if device.type == "cuda":
        half = dtype in (torch.bfloat16, torch.float16)
        fits_flash = size % _FLASH_MULTIPLE == 0 and size <= _FLASH_WIDEST
        if half and fits_flash and torch.cuda.get_device_capability(device) >= _FLASH_SINCE:
            return flash_attention
        if size * dtype.itemsize % _EFFICIENT_BYTES == 0:
            return memory_efficient_attention
    raise NotPackable(f"{device.type} has no variable-length attention for heads of {size}")


def reference_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_bounds: SequenceBounds,
    key_bounds: SequenceBounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """Attend by plain operations, with a product of all queries with all keys; see Kernel."""
    # Quadratic in the packed row's length: for the proof on a few rows, and on a CPU for tests.
    q, k, v = (tensor.transpose(0, 1) for tensor in (query, key, value))
    foreign = _sequence_of_rows(query_bounds, len(query))[:, None] != _sequence_of_rows(
        key_bounds, len(key)
    )
    scores = torch.matmul(q, k.transpose(1, 2)) * scaling
    shares = scores.masked_fill(foreign, float("-inf")).softmax(-1)
    return torch.matmul(functional.dropout(shares, dropout), v).transpose(0, 1)


def _sequence_of_rows(bounds: SequenceBounds, count: int) -> Tensor:
    """Return the number of the sequence that each of `count` rows is in."""
    rows = torch.arange(count, dtype=bounds.cu_seqlens.dtype, device=bounds.cu_seqlens.device)
    return torch.searchsorted(bounds.cu_seqlens[1:], rows, right=True)


def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_bounds: SequenceBounds,
    key_bounds: SequenceBounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """Attend by FlashAttention-2, for half types (Dao 2023); see Kernel.

    The operator beneath torch.nn.attention.varlen, which itself has no dropout.
    """
    # Arguments by position, as aten has them: max lengths, dropout, is_causal, return_debug_mask.
    output: Tensor = torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        query_bounds.cu_seqlens,
        key_bounds.cu_seqlens,
        query_bounds.max_seqlen,
        key_bounds.max_seqlen,
        dropout,
        False,
        False,
        scale=scaling,
    )[0]
    return output


def memory_efficient_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_bounds: SequenceBounds,
    key_bounds: SequenceBounds,
    scaling: float,
    dropout: float,
) -> Tensor:
    """Attend in tiles, for any floating type (Rabe and Staats 2021); see Kernel."""
    # This operator takes a batch axis, here of one packed row. Arguments by position: no bias, the
    # bounds, the max lengths, dropout, mask type 0 (none), and whether backward will need the
    # log-sum-exp.
    output: Tensor = torch.ops.aten._efficient_attention_forward(
        query[None],
        key[None],
        value[None],
        None,
        query_bounds.cu_seqlens,
        key_bounds.cu_seqlens,
        query_bounds.max_seqlen,
        key_bounds.max_seqlen,
        dropout,
        0,
        torch.is_grad_enabled(),
        scale=scaling,
    )[0]
    return output[0]


def verifying_kernel(kernel: Kernel | None = None) -> Kernel:
    """Return a kernel (None: the fastest) that is compared with the reference at every call.

    It is compared on random tensors of the same shapes and types whose attention is far from even:
    in a model with fresh weights it is nearly even, so that attention to a wrong sequence hardly
    shows. NotPackable where the largest difference of outputs or gradients exceeds a tenth of the
    largest value.
    """

    def verified_attention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_bounds: SequenceBounds,
        key_bounds: SequenceBounds,
        scaling: float,
        dropout: float,
    ) -> Tensor:
        used = kernel or fastest_kernel(query.device, query.dtype, query.shape[-1])
        # A generator of its own: the proof must not move the one that the trial draws from.
        draw = torch.Generator(query.device).manual_seed(0)
        like = [torch.randn(x.shape, generator=draw, device=x.device) for x in (query, key, value)]
        like = [tensor.to(query.dtype) for tensor in like]
        # Twice the usual scale: scores of random vectors then differ enough for softmax to pick a
        # few keys, so that a wrong key changes the output visibly.
        scale = 2.0 * query.shape[-1] ** -0.5
        expected = _output_and_gradients(
            reference_attention, [x.float() for x in like], query_bounds, key_bounds, scale
        )
        actual = _output_and_gradients(used, like, query_bounds, key_bounds, scale)
        for reference_part, kernel_part in zip(expected, actual, strict=True):
            difference = float(
                (reference_part - kernel_part.float()).abs().max() / reference_part.abs().max()
            )
            if not difference <= _TOLERANCE:
                raise NotPackable(
                    f"its attention is off by {format_number(difference, 2)} on this device"
                )
        return used(query, key, value, query_bounds, key_bounds, scaling, dropout)

    return verified_attention


def _output_and_gradients(
    kernel: Kernel,
    inputs: list[Tensor],
    query_bounds: SequenceBounds,
    key_bounds: SequenceBounds,
    scale: float,
) -> list[Tensor]:
    """Return output and gradients, without rows beyond the last sequence, which are undefined."""
    rows, keys = int(query_bounds.cu_seqlens[-1]), int(key_bounds.cu_seqlens[-1])
    with torch.enable_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        query, key, value = leaves = [tensor.detach().requires_grad_() for tensor in inputs]
        output = kernel(query, key, value, query_bounds, key_bounds, scale, 0.0)[:rows]
        # A sum with unequal weights: with equal ones the gradient of a softmax would nearly vanish.
        weights = torch.linspace(-1.0, 1.0, output.numel(), device=output.device).view_as(output)
        grads = torch.autograd.grad((output.float() * weights).sum(), leaves)
    return [output.detach(), grads[0][:rows], grads[1][:keys], grads[2][:keys]]
