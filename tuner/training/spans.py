"""Attention within the sequences of one packed row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch import Tensor

from tuner.training.dropout import random_keep_mask

# Tokens of a sequence; below, fp32 products are the faster ones on processors with bf16, too.
SHORT_LENGTH = 64


class Spans(Protocol):
    """Where the sequences of a packed row lie, and attention within them.

    `first` holds the place of every sequence's first token, on the device.
    """

    @property
    def first(self) -> Tensor: ...

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, scaling: float, dropout: float
    ) -> Tensor:
        """Compute softmax attention of every sequence to itself.

        key and value: tokens × heads × head size. query: the same, or sequences × heads × head size
        where only the first token of each sequence is a query. Returns the query's shape. Dropout
        is on the attention probabilities, as in Vaswani et al. 2017.
        """
        ...


@dataclass(frozen=True, slots=True)
class HostSpans:
    """Spans whose lengths and starts, in tokens, the host knows.

    `half_dtype` is the type of the products within attention for bf16 tensors.
    """

    lengths: tuple[int, ...]
    starts: tuple[int, ...]
    first: Tensor
    half_dtype: torch.dtype = torch.bfloat16

    @classmethod
    def from_lengths(
        cls,
        lengths: Sequence[int],
        device: torch.device,
        long_dtype: torch.dtype = torch.bfloat16,
    ) -> HostSpans:
        """Place sequences one after the other; bf16 ones attend in `long_dtype` if long."""
        starts = tuple(accumulate(lengths[:-1], initial=0))
        # Converting short sequences takes longer than their products in fp32. By the length that a
        # token sees on average, for a batch as a whole.
        squares = sum(length * length for length in lengths)
        long = squares >= SHORT_LENGTH * sum(lengths)
        dtype = long_dtype if long else torch.float32
        return cls(tuple(lengths), starts, torch.tensor(starts, device=device), dtype)

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, scaling: float, dropout: float
    ) -> Tensor:
        """Attend with one matrix product for each sequence; see Spans."""
        dtype = self.half_dtype if query.dtype == torch.bfloat16 else query.dtype
        # Autograd converts the gradients back. Autocast would convert the products once more.
        q, k, v = (tensor.to(dtype) for tensor in (query, key, value))
        with torch.autocast(query.device.type, enabled=False):
            output: Tensor = _SpanAttention.apply(  # type: ignore[no-untyped-call]
                q, k, v, self, scaling, dropout
            )
        return output.to(query.dtype)


class _SpanAttention(torch.autograd.Function):
    """Attention of all sequences as one node of the autograd graph.

    With a node for each sequence, autograd would spend more on nodes than on the products.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        spans: HostSpans,
        scaling: float,
        dropout: float,
    ) -> Tensor:
        # Rows of each sequence's score matrix: all its tokens, or its first one (see
        # Packing.first_token_only).
        counts = spans.lengths if len(query) == len(key) else (1,) * len(spans.lengths)
        keeps, scale = _draw_keep_masks(counts, spans.lengths, query, dropout)
        # Once for all sequences rather than on each score matrix; backward scales the gradient
        # alike.
        scaled = query * scaling
        # The query is a transposed view; results are written in place through views of a contiguous
        # tensor, so that no concatenation copies them afterwards.
        output = torch.empty_like(query, memory_format=torch.contiguous_format)
        q, o = _split_by_sequence(scaled, counts), _split_by_sequence(output, counts)
        k, v = _split_by_sequence(key, spans.lengths), _split_by_sequence(value, spans.lengths)
        all_shares, all_masked = [], []
        for q_, k_, v_, o_, keep in zip(q, k, v, o, keeps, strict=True):
            # A product a sequence, not one masked product for the row: work grows with the sum of
            # the squares of the lengths instead of the square of their sum.
            shares = torch.softmax(torch.bmm(q_, k_.mT), dim=-1)
            masked_shares = shares if keep is None else shares * keep
            o_.copy_(torch.bmm(masked_shares, v_))
            all_shares.append(shares)
            all_masked.append(masked_shares)
        ctx.save_for_backward(scaled, key, value)
        ctx.counts, ctx.lengths, ctx.scaling, ctx.scale = counts, spans.lengths, scaling, scale
        ctx.keeps, ctx.shares, ctx.masked_shares = keeps, all_shares, all_masked
        # Dropout's scale commutes with the product: once on the output, which is smaller than the
        # shares.
        return output if scale == 1.0 else output.mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        scaled, key, value = ctx.saved_tensors
        grads = [
            torch.empty_like(x, memory_format=torch.contiguous_format) for x in (scaled, key, value)
        ]
        # With S = softmax(QKᵀ), M the mask and O = c (S∘M) V: dV = c (S∘M)ᵀ dO, dS = c (dO Vᵀ)∘M,
        # and softmax's own backward gives the scores' gradient from dS.
        gradient = gradients[0] if ctx.scale == 1.0 else gradients[0] * ctx.scale
        by_query = (_split_by_sequence(x, ctx.counts) for x in (scaled, gradient, grads[0]))
        by_key = (_split_by_sequence(x, ctx.lengths) for x in (key, value, *grads[1:]))
        saved = (ctx.keeps, ctx.shares, ctx.masked_shares)
        for q, g, dq, k, v, dk, dv, keep, shares, masked_shares in zip(
            *by_query, *by_key, *saved, strict=True
        ):
            dv.copy_(torch.bmm(masked_shares.mT, g))
            dshares = torch.bmm(g, v.mT)
            if keep is not None:
                dshares.mul_(keep)
            dscores = torch._softmax_backward_data(dshares, shares, -1, shares.dtype)
            dq.copy_(torch.bmm(dscores, k))
            dk.copy_(torch.bmm(dscores.mT, q))
        grads[0].mul_(ctx.scaling)
        return (*grads, None, None, None)


def _split_by_sequence(tensor: Tensor, lengths: Sequence[int]) -> tuple[Tensor, ...]:
    """Return views of heads × rows × head size, one for each sequence."""
    return torch.split(tensor.transpose(0, 1), list(lengths), dim=1)


def _draw_keep_masks(
    rows: Sequence[int], columns: Sequence[int], query: Tensor, dropout: float
) -> tuple[list[Tensor | None], float]:
    """Draw a mask of heads × rows × columns for each sequence, all from one draw."""
    if dropout == 0.0:
        return [None] * len(rows), 1.0
    heads = query.shape[1]
    sizes = [heads * a * b for a, b in zip(rows, columns, strict=True)]
    # One draw for all sequences: starting a generator costs more than drawing a short mask.
    keep, scale = random_keep_mask(sum(sizes), dropout, query.dtype)
    pieces = torch.split(keep, sizes)
    shaped = zip(pieces, rows, columns, strict=True)
    return [piece.view(heads, a, b) for piece, a, b in shaped], scale
