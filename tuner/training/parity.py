"""Proof, once for each model at start, that a row's prediction does not depend on its batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.results.format import format_number
from tuner.training.batches import Indices, Layout
from tuner.training.failure_causes import first_message_line
from tuner.training.packing import NotPackable, Packing

# Relative: far above what reordered fp32 sums change (about 1e-6), far below what a foreign token
# in the attention does. Gradients add up more terms than logits.
LOGITS_TOLERANCE = 1e-4
GRADIENTS_TOLERANCE = 1e-3
# Of what rounding alone does to padded batches, so much is granted to packed ones.
_SLACK = 4.0
# For models whose own rate is 0: the kernels' dropout path has to be run.
_DROPOUT = 0.1
_MEASURES = ("logits", "gradients")
_REFUSALS = (NotPackable, TypeError, RuntimeError, AttributeError, ValueError, IndexError)

Autocast = Callable[[], AbstractContextManager[Any]]
Outcome = tuple[Tensor, Tensor]
Differences = tuple[float, float]


class Disagrees(Exception):
    """A layout gives other logits or gradients than single rows; the message says by how much."""


def exact_outcome(model: nn.Module, layout: Layout, rows: Indices) -> Outcome:
    """Compute logits and gradients in full precision, dropout off; packing has to be off."""
    with _dropout_disabled(model), _full_precision():
        return _compute_outcome(model, layout, rows)


def check_padding(model: nn.Module, alone: Outcome, padded: Layout, rows: Indices) -> None:
    """Raise Disagrees unless logits and gradients of these rows are those of each row alone."""
    try:
        differences = _relative_differences(alone, exact_outcome(model, padded, rows))
    except _REFUSALS as error:
        raise Disagrees(first_message_line(error)) from error
    for what, difference, limit in zip(
        _MEASURES, differences, (LOGITS_TOLERANCE, GRADIENTS_TOLERANCE), strict=True
    ):
        if not difference <= limit:
            raise Disagrees(f"{what} differ by {format_number(difference, 2)}")


def check_packing(
    model: nn.Module, packing: Packing, alone: Outcome, packed: Layout, rows: Indices
) -> None:
    """Raise NotPackable unless logits and gradients of these rows agree, dropout off.

    `alone` is the outcome of each row by itself. Logits are compared by their largest difference
    over the largest logit, gradients by the norm of the difference over the norm of all, in full
    precision. Leaves gradients empty and the model as it was, packing off.
    """
    with _packing_switched_on(packing):
        packed_outcome = exact_outcome(model, packed, rows)
    _refuse_differences(alone, packed_outcome, (LOGITS_TOLERANCE, GRADIENTS_TOLERANCE))


def check_precision(
    model: nn.Module,
    packing: Packing,
    exact: Outcome,
    padded: Layout,
    packed: Layout,
    rows: Indices,
    autocast: Autocast,
) -> None:
    """Raise NotPackable unless packed rows are about as exact as padded ones under `autocast`.

    Both are compared with the `exact` outcome, in full precision, as in `check_packing`. Rounding
    moves either: packed rows may be off by `_SLACK` times as much as padded ones and the type's
    epsilon.
    """
    usual = usual_differences(model, exact, padded, rows, autocast)
    with _dropout_disabled(model), _packing_switched_on(packing):
        packed_outcome = _compute_outcome(model, packed, rows, autocast)
    _refuse_differences(exact, packed_outcome, _limits_of_rounding(usual, exact, autocast))


def usual_differences(
    model: nn.Module, exact: Outcome, padded: Layout, rows: Indices, autocast: Autocast
) -> Differences:
    """Return by how much padded rows under `autocast` differ from the `exact` outcome."""
    with _dropout_disabled(model):
        return _relative_differences(exact, _compute_outcome(model, padded, rows, autocast))


def check_kernels(
    model: nn.Module,
    packing: Packing | None,
    exact: Outcome,
    layout: Layout,
    rows: Indices,
    autocast: Autocast,
    usual: Differences,
) -> None:
    """Raise Disagrees unless the installed kernels are about as exact as torch's own.

    `usual` is what torch's own kernels differ by with padded rows; the bound is that of
    `check_precision`.
    """
    try:
        with _dropout_disabled(model), _packing_switched_on(packing):
            outcome = _compute_outcome(model, layout, rows, autocast)
        _refuse_differences(exact, outcome, _limits_of_rounding(usual, exact, autocast))
    except _REFUSALS as error:
        raise Disagrees(first_message_line(error)) from error


def _limits_of_rounding(
    usual: Differences, exact: Outcome, autocast: Autocast
) -> tuple[float, float]:
    epsilon = _autocast_epsilon(autocast, exact[0].device)
    logits, gradients = (_SLACK * (difference + epsilon) for difference in usual)
    return LOGITS_TOLERANCE + logits, GRADIENTS_TOLERANCE + gradients


def check_dropout(
    model: nn.Module, packing: Packing, packed: Layout, rows: Indices, autocast: Autocast
) -> None:
    """Raise NotPackable unless packed rows give finite gradients with dropout on."""
    with _dropout_enabled(model), _packing_switched_on(packing):
        logits, gradients = _compute_outcome(model, packed, rows, autocast)
    if not (bool(logits.isfinite().all()) and bool(gradients.isfinite().all())):
        raise NotPackable("with dropout packed gradients are infinite")


@contextmanager
def _packing_switched_on(packing: Packing | None) -> Iterator[None]:
    """Switch packing on, if any; what goes wrong meanwhile is why it is not possible."""
    if packing is not None:
        packing.switch_on_packing()
    try:
        yield
    except _REFUSALS as error:
        raise NotPackable(first_message_line(error)) from error
    finally:
        if packing is not None:
            packing.switch_off_packing()


def _refuse_differences(expected: Outcome, actual: Outcome, limits: tuple[float, float]) -> None:
    differences = _relative_differences(expected, actual)
    for what, difference, limit in zip(_MEASURES, differences, limits, strict=True):
        if not difference <= limit:
            raise NotPackable(
                f"packed {what} differ from those of rows alone by {format_number(difference, 2)}"
            )


def _relative_differences(expected: Outcome, actual: Outcome) -> Differences:
    """Return the relative differences of logits and of gradients; see `check_packing`."""
    logits = (expected[0] - actual[0]).abs().max() / expected[0].abs().max().clamp(min=1e-12)
    gradients = (expected[1] - actual[1]).norm() / expected[1].norm().clamp(min=1e-12)
    return float(logits), float(gradients)


def _compute_outcome(
    model: nn.Module, layout: Layout, rows: Indices, autocast: Autocast = nullcontext
) -> Outcome:
    """Return logits in the rows' order and all gradients, flat."""
    model.zero_grad(set_to_none=True)
    logits: list[Tensor | None] = [None] * len(rows)
    total = 0
    for positions, micro_batch in layout.iter_micro_batches(rows, overhead=1 << 40):
        with autocast():
            scores = micro_batch.compute_logits(model)
        # Summed, so that the gradient of all rows is the sum of the rows' gradients, in whatever
        # batches.
        loss = functional.cross_entropy(scores.float(), micro_batch.labels, reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        for position, score in zip(positions.tolist(), scores.detach().float(), strict=True):
            logits[position] = score
        total += len(positions)
    # A layout that drops or repeats a row would otherwise compare equal by chance.
    assert total == len(rows)
    # What a layout passes by has no gradient, where another one may give it some.
    gradients = [
        (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
        for p in model.parameters()
        if p.requires_grad
    ]
    model.zero_grad(set_to_none=True)
    return torch.stack([score for score in logits if score is not None]), torch.cat(gradients)


def _autocast_epsilon(autocast: Autocast, device: torch.device) -> float:
    """Return the epsilon of the type that `autocast` computes in; 0 without one."""
    with autocast():
        if not torch.is_autocast_enabled(device.type):
            return 0.0
        return torch.finfo(torch.get_autocast_dtype(device.type)).eps


@contextmanager
def _full_precision() -> Iterator[None]:
    """Switch off TF32, which some images of CUDA switch on for all float32 products."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _dropout_disabled(model: nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


@contextmanager
def _dropout_enabled(model: nn.Module) -> Iterator[None]:
    training = model.training
    modules = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    probabilities = [module.p for module in modules]
    model.train()
    for module in modules:
        module.p = _DROPOUT
    try:
        yield
    finally:
        for module, probability in zip(modules, probabilities, strict=True):
            module.p = probability
        model.train(training)
