"""One trial in progress: the model's state, what was measured, and how both are kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tuner.pool.causes import OUT_OF_MEMORY
from tuner.pool.protocol import Evaluated, Progress, Train
from tuner.recipe.kernels import Kernels
from tuner.results.collapse import only_predicted_label
from tuner.results.standing import Standing
from tuner.training.backward import BackwardPass, MicroBatchBackward
from tuner.training.batches import Indices
from tuner.training.checkpoint import (
    CheckpointState,
    generator_states,
    load_checkpoint,
    restore_generators,
    save_checkpoint,
)
from tuner.training.data_order import DataOrder
from tuner.training.evaluate import save_predictions, score_split
from tuner.training.failure_causes import (
    NotANumber,
    TrialOutOfMemory,
    error_in_one_line,
    failure_cause,
)
from tuner.training.files import atomic_folder_write
from tuner.training.kernel_choice import name_of_kernels
from tuner.training.losses import TrainingLosses, accumulator_dtype, guess_loss_of_rows
from tuner.training.optimizer import (
    Gradients,
    LrScheduler,
    decay_factor_until,
    set_trainable_parameters,
)
from tuner.training.trainer_context import TrainerContext

Clock = Callable[[], float]


class Trial:
    """The state of one trial. Whatever is measured in seconds leaves out waiting for decisions."""

    def __init__(
        self, context: TrainerContext, request: Train, clock: Clock = time.monotonic
    ) -> None:
        self.context, self.request, self.config = context, request, request.config
        self.folder = context.session / "trials" / f"{request.trial:04d}"
        self.data_order = DataOrder.from_trial_config(request.config, len(context.data.train))
        self.clock = clock
        self.step = 0
        self.total_updates = self.data_order.total_updates
        self.evaluations: list[Evaluated] = []
        self.kept_index: int | None = None
        self._kept_weights: list[torch.Tensor] | None = None
        context.restart_for_trial(request.config)
        set_trainable_parameters(context.model, context.groups, request.config)
        self.optimizer = context.reset_optimizer(request.config)
        self.lr_scheduler = LrScheduler(self.optimizer, request.config, self.total_updates)
        self.gradients = Gradients(self.optimizer)
        self.backward: BackwardPass = context.static_backward or MicroBatchBackward(
            context.model, context.train_layout, context.autocast_context, context.device
        )
        self._begin_backward()
        self._trained = {n: p for n, p in context.model.named_parameters() if p.requires_grad}
        self._buffers = dict(context.model.named_buffers())
        classes, smoothing = context.data.train.labels, request.config.label_smoothing
        costs = guess_loss_of_rows(classes, len(context.labels), smoothing)
        self.losses = TrainingLosses(costs, context.device)
        self._recent_loss = torch.zeros(
            (), dtype=accumulator_dtype(context.device), device=context.device
        )
        self._recent_updates = self._recent_rows = 0
        self._recent_seconds = self.seconds = self.checkpointed_at = 0.0
        self._last_progress_at = clock()
        self._saved_step: int | None = None

    # --- training

    def train_one_update(self) -> None:
        """Do one optimizer step on the next rows. NotANumber for an infinite loss or gradient."""
        started = self.clock()
        order, start, end = self.data_order.slice_of_update(self.step)
        self.lr_scheduler.set_rates_for_update(self.step)
        loss = self._accumulate_gradients(order, start, end)
        total = self.gradients.clip_total_norm(self.config.max_grad_norm)
        # On a GPU these floats would make the host wait at every step; `progress_message` checks
        # there.
        if self.context.device.type == "cpu":
            self._refuse_not_finite(loss, total)
        self.optimizer.step()
        self.backward.clear_gradients()
        self.step += 1
        self.losses.add_update(loss, order[start:end])
        # 0 × inf and 0 × NaN are NaN: one number carries both checks without another launch to
        # read.
        self._recent_loss += loss + 0.0 * total
        self._recent_updates += 1
        self._recent_rows += end - start
        seconds = self.clock() - started
        self.seconds += seconds
        self._recent_seconds += seconds

    def _accumulate_gradients(self, order: Indices, start: int, end: int) -> torch.Tensor:
        """Return the mean loss of these rows, in smaller micro-batches where memory is short."""
        while True:
            loss, failure = self._try_to_accumulate(order, start, end)
            if loss is not None:
                return loss
            # Outside of the handler, where the traceback no longer holds the activations.
            self.backward.clear_gradients()
            if not self.context.shrink_memory_plan(self.config.batch_size):
                raise TrialOutOfMemory(failure)
            self._begin_backward()

    def _try_to_accumulate(
        self, order: Indices, start: int, end: int
    ) -> tuple[torch.Tensor | None, str]:
        try:
            return self.backward.accumulate_gradients(order, start, end), ""
        except (RuntimeError, MemoryError) as error:
            if failure_cause(error) != OUT_OF_MEMORY:
                raise
            return None, error_in_one_line(error)

    def _begin_backward(self) -> None:
        batch = self.config.batch_size
        self.backward.begin_trial(self.config, self.context.memory_plan.micro_batch_size(batch))

    def _refuse_not_finite(self, loss: torch.Tensor, total: torch.Tensor) -> None:
        for what, value in (("training loss", loss), ("gradient's norm", total)):
            if not np.isfinite(float(value)):
                raise NotANumber(
                    f"the {what} is {float(value)} at step {self.step + 1} of {self.total_updates}"
                )

    def apply_oom_retries(self) -> None:
        """Shrink the memory plan once for each time the trial has run out of memory."""
        for _ in range(self.request.halvings):
            if self.context.shrink_memory_plan(self.config.batch_size):
                self._begin_backward()

    # --- messages

    def progress_is_due(self) -> bool:
        """Return whether half a second has passed since the last progress message."""
        return self.clock() - self._last_progress_at >= 0.5

    def progress_message(self) -> Progress:
        """Summarize the steps since the last message. NotANumber where the loss is infinite."""
        started = self.clock()
        loss = float(self._recent_loss) / max(1, self._recent_updates)
        # A GPU still works on the steps until the loss is there.
        waited = self.clock() - started
        self.seconds += waited
        self._recent_seconds += waited
        if not np.isfinite(loss):
            raise NotANumber(
                f"the training loss or a gradient is {loss} by step {self.step} of "
                f"{self.total_updates}"
            )
        message = Progress(
            trial=self.request.trial,
            step=self.step,
            of=self.total_updates,
            loss=loss,
            learning_rates=self.lr_scheduler.rates_by_group(self.step - 1),
            examples_per_second=self._recent_rows / max(self._recent_seconds, 1e-9),
            memory=self.context.trial_peak_memory(),
        )
        self._recent_loss.zero_()
        self._recent_updates = self._recent_rows = 0
        self._recent_seconds = 0.0
        self._last_progress_at = self.clock()
        return message

    def evaluate_validation(self) -> Evaluated:
        """Score the validation rows, write the predictions, hold the weights if they are best."""
        started = self.clock()
        context = self.context
        losses = self.losses.take_summary()
        if not np.isfinite(losses.mean):
            raise NotANumber(
                f"the training loss is {losses.mean} by step {self.step} of {self.total_updates}"
            )
        scores = score_split(
            context.model, context.validation_layout, context.data.validation, context.labels,
            context.device, context.autocast_context,
        )  # fmt: skip
        save_predictions(self.folder / f"predictions-{len(self.evaluations)}.npz", scores)
        self.seconds += self.clock() - started
        message = Evaluated(
            trial=self.request.trial,
            epoch=self.step / self.data_order.updates_per_epoch,
            share=self.step / self.total_updates,
            step=self.step,
            of=self.total_updates,
            metrics=scores.metrics,
            confusion=scores.confusion,
            gradient_norms=self.gradients.norms_by_group(),
            train_loss=losses.mean,
            seconds=self.seconds,
            updates=losses.updates,
            guess_loss=losses.guess,
            loss_spread=losses.spread,
            row_information=scores.row_information,
        )
        self.evaluations.append(message)
        self._keep_if_best()
        return message

    def is_step_evaluated(self) -> bool:
        """Return whether there is an evaluation of this very step."""
        return bool(self.evaluations) and self.evaluations[-1].step == self.step

    # --- the kept evaluation

    def _keep_if_best(self) -> None:
        """Note the best evaluation so far; hold its weights only while they may be needed."""
        newest = len(self.evaluations) - 1
        if self.config.keep == "last":
            self.kept_index = newest
        elif self.kept_index is None or self._improves_on(
            newest, self._standing_of_evaluation(self.kept_index)
        ):
            self.kept_index, self._kept_weights = newest, None
            if self.step < self.total_updates and self.beats_all_trials():
                # Only while training goes on and the trial could still become the best: a copy of
                # all trained weights is expensive, and at the last step the model itself is that
                # copy.
                self._kept_weights = [p.detach().clone() for p in self._trained.values()]

    def _standing_of_evaluation(self, index: int) -> Standing:
        evaluation = self.evaluations[index]
        one_label = only_predicted_label(evaluation.confusion) is not None
        return Standing(evaluation.metrics[self.request.metric], one_label)

    def _improves_on(self, index: int, standing: Standing | None) -> bool:
        return self._standing_of_evaluation(index).ranks_above(standing, self.request.direction)

    def kept_evaluation(self) -> Evaluated:
        """Return the evaluation that the trial is scored by."""
        assert self.kept_index is not None, "no evaluation yet"
        return self.evaluations[self.kept_index]

    def beats_all_trials(self) -> bool:
        """Return whether the kept value is better than that of every trial before."""
        assert self.kept_index is not None, "no evaluation yet"
        best, one_label = self.request.best_value, self.request.best_one_label
        return self._improves_on(
            self.kept_index, None if best is None else Standing(best, one_label)
        )

    def save_model_if_best(self) -> bool:
        """Write the kept model to trials/NNNN/model if it beats all before; return whether so."""
        evaluation = self.kept_evaluation()
        if not self.beats_all_trials() or (
            evaluation.step != self.step and self._kept_weights is None
        ):
            return False
        if evaluation.step != self.step and self._kept_weights is not None:
            with torch.no_grad():
                torch._foreach_copy_(
                    [p.detach() for p in self._trained.values()], self._kept_weights
                )
        with atomic_folder_write(self.folder / "model") as temporary:
            self.context.save_pretrained(temporary, self._decay_of_unused(evaluation.step))
        return True

    def _decay_of_unused(self, step: int) -> float:
        vocabulary, groups = self.context.vocabulary, self.context.groups
        if vocabulary is None:
            return 1.0
        return decay_factor_until(groups, self.config, vocabulary.name, step, self.total_updates)

    # --- checkpoints

    @property
    def checkpoint_folder(self) -> Path:
        """Return where the trial's checkpoint lies while it is unfinished."""
        return self.folder / "checkpoint"

    def checkpoint_is_due(self) -> bool:
        """Return whether enough training time has passed since the last checkpoint."""
        interval = self.context.recipe.training.checkpoint_seconds
        return self.step < self.total_updates and self.seconds - self.checkpointed_at >= interval

    def write_checkpoint(self) -> None:
        """Write a checkpoint of this very moment, between two updates, unless it exists."""
        if self._saved_step == self.step:
            return
        tensors: dict[str, torch.Tensor] = {f"model/{name}": p for name, p in self._trained.items()}
        tensors |= {f"buffer/{name}": b for name, b in self._buffers.items()}
        for name, parameter in self._trained.items():
            for moment, value in self.optimizer.state[parameter].items():
                tensors[f"{moment}/{name}"] = value
        if self._kept_weights is not None:
            tensors |= {
                f"kept/{n}": w for n, w in zip(self._trained, self._kept_weights, strict=True)
            }
        losses = self.losses.current_sums()
        state = CheckpointState(
            config=self.config,
            data=self._checkpoint_identity(),
            metric=f"{self.request.direction} {self.request.metric}",
            step=self.step,
            evaluations=self.evaluations,
            kept=self.kept_index,
            loss_sum=losses.loss,
            loss_updates=losses.updates,
            guess_sum=losses.guess,
            excess_squares=losses.excess_squares,
            seconds=self.seconds,
            generators=generator_states(self.context.device),
            fit=self.context.memory_plan,
            kernels=self.context.kernels,
        )
        save_checkpoint(self.checkpoint_folder, state, tensors)
        self.checkpointed_at, self._saved_step = self.seconds, self.step

    def resume_from_checkpoint(self) -> list[str]:
        """Continue from the newest whole checkpoint, if any; return lines for the log."""
        metric = f"{self.request.direction} {self.request.metric}"
        checkpoint, notes = load_checkpoint(
            self.checkpoint_folder, self.config, self._checkpoint_identity(), metric
        )
        if checkpoint is None:
            return notes
        state, tensors = checkpoint
        # In place, as everything: optimizer state and recorded steps keep their addresses.
        self._restore_tensors(tensors)
        self.step, self.seconds, self.kept_index = state.step, state.seconds, state.kept
        self.checkpointed_at, self._saved_step = state.seconds, state.step
        self.evaluations = list(state.evaluations)
        self.losses.restore_sums(state.to_loss_sums())
        if state.fit is not None and state.fit != self.context.memory_plan:
            self.context.apply_memory_plan(state.fit)
            self._begin_backward()
        # Last, since whatever comes before may draw random numbers.
        restore_generators(state.generators, self.context.device)
        return [*notes, *self._notes_on_kernels(state.kernels)]

    def _notes_on_kernels(self, earlier: Kernels | None) -> list[str]:
        """Say where the steps so far were computed by other kernels: somebody chose anew."""
        kernels = self.context.kernels
        if earlier is None or earlier == kernels:
            return []
        return [
            f"goes on at step {self.step} of {self.total_updates} in {name_of_kernels(kernels)}; "
            f"the steps before were computed in {name_of_kernels(earlier)}"
        ]

    def _restore_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, buffer in self._buffers.items():
                buffer.copy_(tensors[f"buffer/{name}"])
            for name, parameter in self._trained.items():
                parameter.copy_(tensors[f"model/{name}"])
                for moment, value in self.optimizer.state[parameter].items():
                    value.copy_(tensors[f"{moment}/{name}"])
        if any(name.startswith("kept/") for name in tensors):
            self._kept_weights = [
                tensors[f"kept/{name}"].clone().to(self.context.device) for name in self._trained
            ]

    def _checkpoint_identity(self) -> str:
        """Hash what a checkpoint belongs to besides its configuration: data, model and groups."""
        context = self.context
        parts = [
            context.data.key,
            context.source.name,
            str(context.source.options),
            context.max_length,
        ]
        parts += [[g.spec.name, [p.name for p in g.parameters]] for g in context.groups]
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
