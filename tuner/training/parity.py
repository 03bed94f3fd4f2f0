"""Proof, once for each model at start, that packed rows give what padded batches give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.training.batches import Indices, Layout
from tuner.training.packing import NotPackable, Packing

LOGITS = 1e-4
GRADIENTS = 1e-3


def check_packing(
    model: nn.Module, packing: Packing, padded: Layout, packed: Layout, rows: Indices
) -> None:
    """Raise NotPackable unless logits and gradients of these rows agree, dropout off.

    Logits by their largest difference over the largest logit, gradients by the norm of the
    difference over the norm of all. Leaves gradients empty and the model as it was, packing off.
    """
    with _dropout_off(model):
        expected = _outcome(model, padded, rows)
        packing.on()
        try:
            seen = _outcome(model, packed, rows)
        except (
            NotPackable,
            TypeError,
            RuntimeError,
            AttributeError,
            ValueError,
            IndexError,
        ) as error:
            raise NotPackable(str(error).splitlines()[0][:200]) from error
        finally:
            packing.off()
    _compare("logits", expected[0], seen[0], LOGITS)
    _compare("gradients", expected[1], seen[1], GRADIENTS)


def _compare(what: str, expected: Tensor, seen: Tensor, most: float) -> None:
    scale = float(expected.abs().max()) if what == "logits" else float(expected.norm())
    gap = (expected - seen).abs().max() if what == "logits" else (expected - seen).norm()
    difference = float(gap) / max(scale, 1e-12)
    if not difference <= most:
        raise NotPackable(f"packed {what} differ from padded ones by {difference:.1e}")


def _outcome(model: nn.Module, layout: Layout, rows: Indices) -> tuple[Tensor, Tensor]:
    """Logits in the rows' order and all gradients, flat."""
    model.zero_grad(set_to_none=True)
    logits: list[Tensor | None] = [None] * len(rows)
    total = 0
    for positions, piece in layout.pieces(rows, overhead=1 << 40):
        scores = piece.logits(model)
        loss = functional.cross_entropy(scores, piece.labels, reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        for position, score in zip(positions.tolist(), scores.detach(), strict=True):
            logits[position] = score
        total += len(positions)
    assert total == len(rows)
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    model.zero_grad(set_to_none=True)
    return torch.stack([score for score in logits if score is not None]), torch.cat(gradients)


@contextmanager
def _dropout_off(model: nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
