"""Attention within the sequences of one packed row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from tuner.training.dropout import random_keep


@dataclass(frozen=True, slots=True)
class Spans:
    """Where each sequence lies in a packed row: lengths and starts in wordpieces.

    `first` holds the starts on the device, for picking every sequence's first hidden state.
    """

    lengths: tuple[int, ...]
    starts: tuple[int, ...]
    first: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> Spans:
        """Sequences of these lengths, one after the other."""
        starts = tuple(accumulate(lengths[:-1], initial=0))
        return cls(tuple(lengths), starts, torch.tensor(starts, device=device))


def attend(
    query: Tensor, key: Tensor, value: Tensor, spans: Spans, scaling: float, dropout: float
) -> Tensor:
    """Softmax attention of every sequence to itself.

    key and value: wordpieces × heads × head size. query: the same, or sequences × heads × head size
    where only the first wordpiece of each asks. Returns the query's shape. Dropout is on the
    attention probabilities, as in Vaswani et al. 2017.
    """
    out: Tensor = _SpanAttention.apply(  # type: ignore[no-untyped-call]
        query, key, value, spans, scaling, dropout
    )
    return out


class _SpanAttention(torch.autograd.Function):
    """One node for all sequences: autograd would spend more on nodes than on the products."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        spans: Spans,
        scaling: float,
        dropout: float,
    ) -> Tensor:
        counts = spans.lengths if len(query) == len(key) else (1,) * len(spans.lengths)
        keeps, scale = _keeps(counts, spans.lengths, query, dropout)
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        q, k, v, o = (tensor.transpose(0, 1) for tensor in (query, key, value, out))
        saved = []
        for rows, columns, keep in zip(_slices(counts), _slices(spans.lengths), keeps, strict=True):
            scores = torch.bmm(q[:, rows], k[:, columns].transpose(1, 2)).mul_(scaling)
            shares = torch.softmax(scores, dim=-1)
            kept = shares if keep is None else shares * keep
            o[:, rows] = torch.bmm(kept, v[:, columns])
            saved.append((rows, columns, shares, kept, keep))
        ctx.save_for_backward(query, key, value)
        ctx.saved, ctx.scaling, ctx.scale = saved, scaling, scale
        return out if scale == 1.0 else out.mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        grads = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in inputs]
        q, k, v = (tensor.transpose(0, 1) for tensor in inputs)
        dq, dk, dv = (tensor.transpose(0, 1) for tensor in grads)
        g = (gradients[0] if ctx.scale == 1.0 else gradients[0] * ctx.scale).transpose(0, 1)
        for rows, columns, shares, kept, keep in ctx.saved:
            dv[:, columns] = torch.bmm(kept.transpose(1, 2), g[:, rows])
            dshares = torch.bmm(g[:, rows], v[:, columns].transpose(1, 2))
            if keep is not None:
                dshares.mul_(keep)
            dscores = torch._softmax_backward_data(dshares, shares, -1, shares.dtype)
            dscores.mul_(ctx.scaling)
            dq[:, rows] = torch.bmm(dscores, k[:, columns])
            dk[:, columns] = torch.bmm(dscores.transpose(1, 2), q[:, rows])
        return (*grads, None, None, None)


def _slices(lengths: Sequence[int]) -> list[slice]:
    ends = list(accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _keeps(
    rows: Sequence[int], columns: Sequence[int], query: Tensor, dropout: float
) -> tuple[list[Tensor | None], float]:
    """A mask of heads × rows × columns for each sequence, cut from one draw of random numbers."""
    if dropout == 0.0:
        return [None] * len(rows), 1.0
    heads = query.shape[1]
    sizes = [heads * a * b for a, b in zip(rows, columns, strict=True)]
    keep, scale = random_keep(sum(sizes), dropout, query.dtype)
    pieces = torch.split(keep, sizes)
    shaped = zip(pieces, rows, columns, strict=True)
    return [piece.view(heads, a, b) for piece, a, b in shaped], scale
