"""The gradient of an embedding of many rows, of which a batch uses few."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class RowGradients:
    """A gradient of an embedding's weight that is zero but for the rows of the current update.

    torch makes a new tensor of zeros as large as the weight for every backward pass. Here one
    tensor serves all updates, and only rows that the update before has written are zeroed. The row
    `padding` has no gradient, as in nn.Embedding.
    """

    def __init__(self, weight: nn.Parameter, padding: int | None) -> None:
        self._weight, self._padding = weight, padding
        self._gradient = torch.zeros_like(weight, requires_grad=False)
        self._written: list[Tensor] = []

    def is_free(self) -> bool:
        """Return whether nobody else keeps a gradient for the weight, as steps on a GPU do."""
        return self._weight.grad is None or self._weight.grad is self._gradient

    def look_up_rows(self, rows: Tensor) -> Tensor:
        """Return weight[rows], rows' shape × size; backward adds to the weight's gradient."""
        vectors: Tensor = _LookUp.apply(self._weight, rows, self)  # type: ignore[no-untyped-call]
        return vectors

    def add_gradients(self, rows: Tensor, gradients: Tensor) -> None:
        """Add the gradients (n × size) of these rows (n), which may repeat."""
        if self._weight.grad is None:
            self._begin_update()
        unique, places = torch.unique(rows, return_inverse=True)
        summed = torch.ops.aten.embedding_dense_backward(gradients, places, len(unique), -1, False)
        if self._padding is not None:
            summed[unique == self._padding] = 0.0
        summed += self._gradient.index_select(0, unique)
        self._gradient.index_copy_(0, unique, summed)
        self._written.append(unique)

    def _begin_update(self) -> None:
        for rows in self._written:
            self._gradient.index_fill_(0, rows, 0.0)
        self._written.clear()
        # Given to the parameter itself: autograd would copy a tensor that somebody else holds.
        self._weight.grad = self._gradient


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, rows: Tensor, owner: RowGradients) -> Tensor:
        ctx.rows, ctx.owner = rows, owner
        return weight.index_select(0, rows.flatten()).view(*rows.shape, weight.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None]:
        gradient = gradients[0].reshape(-1, gradients[0].shape[-1])
        ctx.owner.add_gradients(ctx.rows.flatten(), gradient)
        return None, None, None
