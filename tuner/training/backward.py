"""Forward and backward over the rows of an update; its loss stays on the device."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.recipe.config import TrialConfig
from tuner.training.batches import Indices, Layout, MicroBatch, copy_to_device
from tuner.training.static import StaticLayout

Autocast = Callable[[], AbstractContextManager[Any]]
Step = Callable[[], None]
# What cutting a batch once more costs, in tokens of arithmetic: little on a CPU, while a GPU waits
# for launches rather than for padding.
_CUT_OVERHEAD = {"cpu": 64}
_NEVER_CUT = 1 << 40


class BackwardPass(Protocol):
    """Computes the gradients of an update.

    A trial may have its own, or one may serve all trials of a trainer.
    """

    def begin_trial(self, config: TrialConfig, micro_batch_size: int | None = None) -> None:
        """Prepare for a trial, once its trained parameters require gradients.

        At most `micro_batch_size` rows of a batch go through the model together; None is all of
        them.
        """
        ...

    def accumulate_gradients(self, order: Indices, start: int, end: int) -> Tensor:
        """Add the gradient of the mean loss of rows order[start:end]; return that loss."""
        ...

    def clear_gradients(self) -> None:
        """Reset the gradients after an optimizer step."""
        ...


def _summed_cross_entropy(
    micro_batch: MicroBatch, model: nn.Module, autocast: Autocast, smoothing: float
) -> Tensor:
    with autocast():
        logits = micro_batch.compute_logits(model)
    # Summed, not averaged: micro-batches differ in size, and only the caller knows by how many rows
    # the sum is to be divided. In fp32, whatever autocast made of the logits.
    return functional.cross_entropy(
        logits.float(), micro_batch.labels, reduction="sum", label_smoothing=smoothing
    )


class MicroBatchBackward:
    """Backward over micro-batches of any shape, for layouts that the host puts together."""

    def __init__(
        self, model: nn.Module, layout: Layout, autocast: Autocast, device: torch.device
    ) -> None:
        self._model, self._layout, self._autocast, self._device = model, layout, autocast, device
        self._overhead = _CUT_OVERHEAD.get(device.type, _NEVER_CUT)

    def begin_trial(self, config: TrialConfig, micro_batch_size: int | None = None) -> None:
        self._config, self._micro_batch_size = config, micro_batch_size or config.batch_size
        self._trained = [p for p in self._model.parameters() if p.requires_grad]

    def accumulate_gradients(self, order: Indices, start: int, end: int) -> Tensor:
        config, rows = self._config, order[start:end]
        # Stays on the device: reading it would make the host wait for the whole backward pass.
        total = torch.zeros((), device=self._device)
        for first in range(0, len(rows), self._micro_batch_size):
            batch = rows[first : first + self._micro_batch_size]
            for _, micro_batch in self._layout.iter_micro_batches(batch, self._overhead):
                loss = _summed_cross_entropy(
                    micro_batch, self._model, self._autocast, config.label_smoothing
                )
                # By the rows of the update, so that accumulated gradients are those of one large
                # batch.
                loss = loss / len(rows)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.detach()
        return total

    def clear_gradients(self) -> None:
        for parameter in self._trained:
            parameter.grad = None


class Runner(Protocol):
    """Runs steps that read and write the same tensors every time."""

    def run_step(self, key: Hashable, step: Step, warmup: Step) -> None:
        """Run `step`, perhaps by replaying what was recorded under `key`.

        `warmup` is the same step without a lasting effect.
        """
        ...

    def forget_recordings(self) -> None:
        """Drop all recordings: tensors have moved, or their memory is needed."""
        ...


class EagerRunner:
    """A runner that records nothing."""

    def run_step(self, key: Hashable, step: Step, warmup: Step) -> None:
        del key, warmup
        step()

    def forget_recordings(self) -> None:
        """Do nothing: there are no recordings."""


def _recomputes_layers(model: nn.Module) -> bool:
    """Return whether gradient checkpointing is on in any layer."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


class StaticBackward:
    """Backward over tensors that never move, so that steps can be recorded.

    A CUDA graph replays kernels with the addresses they were captured with. So everything that a
    step reads or writes is allocated once: row numbers, the weight of a row in the mean, the
    gradients and the loss, to which a step adds. A step never waits for the device. What is baked
    into a recording is its key: the shape, dropout, label smoothing, and which parameters are
    trained.
    """

    def __init__(
        self, model: nn.Module, layout: StaticLayout, autocast: Autocast, runner: Runner
    ) -> None:
        self._model, self._layout, self._autocast = model, layout, autocast
        self._runner = runner
        # A tensor, not a Python number: a recorded step would have the number of its first batch.
        self._weight = torch.zeros((), device=layout.device)
        self._loss = torch.zeros((), device=layout.device)
        self._row_number_buffers: dict[int, Tensor] = {}
        self._gradient_buffers: dict[nn.Parameter, Tensor] = {}
        self._accumulated: list[Tensor] = []
        self._order: Indices | None = None
        self._order_on_device = torch.empty(0, dtype=torch.int64, device=layout.device)
        self._addresses: list[int] = []
        self._variants: dict[Hashable, int] = {}
        self._runs_eagerly = False

    def begin_trial(self, config: TrialConfig, micro_batch_size: int | None = None) -> None:
        """Prepare for a trial with the gradient tensors that recorded steps know."""
        self._forget_if_moved()
        self._config, self._micro_batch_size = config, micro_batch_size or config.batch_size
        parameters = list(self._model.parameters())
        for parameter in parameters:
            # Autograd adds to a gradient that exists and makes a new tensor where there is none:
            # the new one would lie in the graph's pool, where the next replay overwrites it.
            parameter.grad = self._gradient_buffer(parameter) if parameter.requires_grad else None
        self._accumulated = [p.grad for p in parameters if p.grad is not None]
        # The loss is zeroed together with the gradients, in one launch.
        self._accumulated.append(self._loss)
        # Which parameters get gradients, and the dropout rate, are baked into a recording.
        trained = tuple(p.requires_grad for p in parameters)
        variant = (config.dropout, config.label_smoothing, trained)
        self._variant = self._variants.setdefault(variant, len(self._variants))
        # Gradient checkpointing saves the generator's state in the forward pass and sets it again
        # in the backward pass, both on the host: a capture forbids that.
        self._runs_eagerly = _recomputes_layers(self._model)
        self.clear_gradients()

    def accumulate_gradients(self, order: Indices, start: int, end: int) -> Tensor:
        """Add the gradient of a batch; see BackwardPass.

        `order` is uploaded when it is first seen, by identity: all updates of an epoch pass one
        object.
        """
        if order is not self._order:
            self._order_on_device = copy_to_device(np.array(order), self._layout.device)
            self._order = order
        # 1 / rows of the update; 0 during warm-up.
        self._weight.fill_(1.0 / (end - start))
        for first in range(start, end, self._micro_batch_size):
            last = min(first + self._micro_batch_size, end)
            # Into the buffer that recordings of this many rows read from.
            rows = self._row_number_buffer(last - first)
            rows.copy_(self._order_on_device[first:last])
            packed_length = self._layout.static_length(order[first:last])
            step = partial(self._add_gradients, rows, packed_length)
            if self._runs_eagerly:
                step()
                continue
            key = (len(rows), packed_length, self._variant)
            self._runner.run_step(key, step, partial(self._run_with_zero_weight, step))
        # A copy, because the next update zeroes the original before anybody has read it.
        return self._loss.clone()

    def clear_gradients(self) -> None:
        """Zero the gradients and the loss in place."""
        torch._foreach_zero_(self._accumulated)

    def release_recordings(self) -> None:
        """Release the memory of recorded steps and of the gradients."""
        self._runner.forget_recordings()
        self._gradient_buffers.clear()
        self._accumulated = []

    def _add_gradients(self, rows: Tensor, packed_length: int) -> None:
        micro_batch = self._layout.build_micro_batch(rows, packed_length)
        smoothing = self._config.label_smoothing
        loss = (
            _summed_cross_entropy(micro_batch, self._model, self._autocast, smoothing)
            * self._weight
        )
        loss.backward()  # type: ignore[no-untyped-call]
        self._loss.add_(loss.detach())

    def _run_with_zero_weight(self, step: Step) -> None:
        """Run a step with weight zero, so that it adds zeros to the gradients and to the loss.

        Where it adds NaN all the same (0 × inf), the real step would have, too.
        """
        weight = self._weight.clone()
        self._weight.zero_()
        try:
            step()
        finally:
            # Where the warm-up fails, the step itself runs next, unrecorded: with its own weight.
            self._weight.copy_(weight)

    def _row_number_buffer(self, count: int) -> Tensor:
        if count not in self._row_number_buffers:
            self._row_number_buffers[count] = torch.zeros(
                count, dtype=torch.int64, device=self._layout.device
            )
        return self._row_number_buffers[count]

    def _gradient_buffer(self, parameter: nn.Parameter) -> Tensor:
        if parameter not in self._gradient_buffers:
            self._gradient_buffers[parameter] = torch.zeros_like(parameter)
        return self._gradient_buffers[parameter]

    def _forget_if_moved(self) -> None:
        tensors = (*self._model.parameters(), *self._model.buffers())
        # Loading, shrinking embeddings or moving the model reallocates; a replay would then read
        # freed memory without any error.
        addresses = [tensor.data_ptr() for tensor in tensors]
        if addresses != self._addresses:
            self.release_recordings()
            self._addresses = addresses
