"""One trial in progress: the model's state, what was measured, and how both are kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tuner.pool.protocol import Evaluated, Progress, Train
from tuner.results.collapse import only_label
from tuner.results.standing import Standing
from tuner.training.backward import Backward, PieceBackward
from tuner.training.batches import Indices
from tuner.training.bench import Bench
from tuner.training.checkpoint import (
    State,
    generator_states,
    load_checkpoint,
    restore_generators,
    save_checkpoint,
)
from tuner.training.errors import (
    OUT_OF_MEMORY,
    NotANumber,
    TrialOutOfMemory,
    cause_of,
    first_line,
)
from tuner.training.evaluate import save_predictions, score
from tuner.training.files import replaced_folder
from tuner.training.losses import TrainingLosses, exact_type, row_costs
from tuner.training.optimizer import Gradients, Rates, decay_until, freeze
from tuner.training.schedule import Timetable

Clock = Callable[[], float]


class Trial:
    """The state of one trial. Whatever is measured in seconds leaves out waiting for answers."""

    def __init__(self, bench: Bench, request: Train, clock: Clock = time.monotonic) -> None:
        self.bench, self.request, self.config = bench, request, request.config
        self.folder = bench.session / "trials" / f"{request.trial:04d}"
        self.timetable = Timetable.of(request.config, len(bench.data.train))
        self.clock = clock
        self.step = 0
        self.of = self.timetable.updates
        self.evaluations: list[Evaluated] = []
        self.kept: int | None = None
        self._kept_weights: list[torch.Tensor] | None = None
        bench.restart(request.config)
        freeze(bench.model, bench.groups, request.config)
        self.optimizer = bench.fresh_optimizer(request.config)
        self.rates = Rates(self.optimizer, request.config, self.of)
        self.gradients = Gradients(self.optimizer)
        self.backward: Backward = bench.backward or PieceBackward(
            bench.model, bench.train_layout, bench.autocast, bench.device
        )
        self._begin()
        self._trained = {n: p for n, p in bench.model.named_parameters() if p.requires_grad}
        self._buffers = dict(bench.model.named_buffers())
        classes, smoothing = bench.data.train.labels, request.config.label_smoothing
        costs = row_costs(classes, len(bench.labels), smoothing)
        self.losses = TrainingLosses(costs, bench.device)
        self._recent_loss = torch.zeros((), dtype=exact_type(bench.device), device=bench.device)
        self._recent_updates = self._recent_rows = 0
        self._recent_seconds = self.seconds = self.checkpointed_at = 0.0
        self._told_at = clock()
        self._saved_step: int | None = None

    # --- training

    def update(self) -> None:
        """One optimizer step on the next rows. NotANumber for an infinite loss or gradient."""
        started = self.clock()
        order, start, end = self.timetable.place_of(self.step)
        self.rates.apply(self.step)
        loss = self._backward(order, start, end)
        total = self.gradients.clip(self.config.max_grad_norm)
        if self.bench.device.type == "cpu":
            self._check_finite(loss, total)
        self.optimizer.step()
        self.backward.clear()
        self.step += 1
        self.losses.add(loss, order[start:end])
        self._recent_loss += loss + 0.0 * total
        self._recent_updates += 1
        self._recent_rows += end - start
        seconds = self.clock() - started
        self.seconds += seconds
        self._recent_seconds += seconds

    def _backward(self, order: Indices, start: int, end: int) -> torch.Tensor:
        """The mean loss of rows order[start:end], with as many at once as memory has room for."""
        while True:
            loss, failure = self._tried(order, start, end)
            if loss is not None:
                return loss
            # Outside of the handler, where the traceback no longer holds the activations.
            self.backward.clear()
            if not self.bench.take_less_memory(self.config.batch_size):
                raise TrialOutOfMemory(failure)
            self._begin()

    def _tried(self, order: Indices, start: int, end: int) -> tuple[torch.Tensor | None, str]:
        try:
            return self.backward.run(order, start, end), ""
        except (RuntimeError, MemoryError) as error:
            if cause_of(error) != OUT_OF_MEMORY:
                raise
            return None, first_line(error)

    def _begin(self) -> None:
        batch = self.config.batch_size
        self.backward.begin(self.config, self.bench.fit.at_once(batch))

    def _check_finite(self, loss: torch.Tensor, total: torch.Tensor) -> None:
        for what, value in (("training loss", loss), ("gradient's norm", total)):
            if not np.isfinite(float(value)):
                raise NotANumber(
                    f"the {what} is {float(value)} at step {self.step + 1} of {self.of}"
                )

    def spare_memory(self) -> None:
        """Halve the rows at once as often as the trial has failed for want of memory."""
        for _ in range(self.request.halvings):
            if self.bench.take_less_memory(self.config.batch_size):
                self._begin()

    # --- messages

    def progress_is_due(self) -> bool:
        """At most two a second."""
        return self.clock() - self._told_at >= 0.5

    def progress(self) -> Progress:
        """How the steps since the last one went. Raises NotANumber where the loss is infinite."""
        started = self.clock()
        loss = float(self._recent_loss) / max(1, self._recent_updates)
        # A GPU still works on the steps until the loss is there.
        waited = self.clock() - started
        self.seconds += waited
        self._recent_seconds += waited
        if not np.isfinite(loss):
            raise NotANumber(
                f"the training loss or a gradient is {loss} by step {self.step} of {self.of}"
            )
        message = Progress(
            trial=self.request.trial,
            step=self.step,
            of=self.of,
            loss=loss,
            learning_rates=self.rates.by_group(self.step - 1),
            examples_per_second=self._recent_rows / max(self._recent_seconds, 1e-9),
            memory=self.bench.memory(),
        )
        self._recent_loss.zero_()
        self._recent_updates = self._recent_rows = 0
        self._recent_seconds = 0.0
        self._told_at = self.clock()
        return message

    def evaluate(self) -> Evaluated:
        """Score the validation rows, write the predictions, hold the weights if they are best."""
        started = self.clock()
        bench = self.bench
        losses = self.losses.take()
        if not np.isfinite(losses.mean):
            raise NotANumber(f"the training loss is {losses.mean} by step {self.step} of {self.of}")
        scores = score(
            bench.model, bench.validation_layout, bench.data.validation, bench.labels,
            bench.device, bench.autocast,
        )  # fmt: skip
        save_predictions(self.folder / f"predictions-{len(self.evaluations)}.npz", scores)
        self.seconds += self.clock() - started
        message = Evaluated(
            trial=self.request.trial,
            epoch=self.step / self.timetable.updates_per_epoch,
            share=self.step / self.of,
            step=self.step,
            of=self.of,
            metrics=scores.metrics,
            confusion=scores.confusion,
            gradient_norms=self.gradients.by_group(),
            train_loss=losses.mean,
            seconds=self.seconds,
            updates=losses.updates,
            guess_loss=losses.guess,
            loss_spread=losses.spread,
            row_information=scores.row_information,
        )
        self.evaluations.append(message)
        self._keep()
        return message

    def is_evaluated(self) -> bool:
        """Whether there is an evaluation of this very step."""
        return bool(self.evaluations) and self.evaluations[-1].step == self.step

    # --- the kept evaluation

    def _keep(self) -> None:
        """Note the best evaluation so far; hold its weights only while they may be wanted."""
        newest = len(self.evaluations) - 1
        if self.config.keep == "last":
            self.kept = newest
        elif self.kept is None or self._improves_on(newest, self._standing(self.kept)):
            self.kept, self._kept_weights = newest, None
            if self.step < self.of and self.beats_all():
                self._kept_weights = [p.detach().clone() for p in self._trained.values()]

    def _standing(self, index: int) -> Standing:
        evaluation = self.evaluations[index]
        one_label = only_label(evaluation.confusion) is not None
        return Standing(evaluation.metrics[self.request.metric], one_label)

    def _improves_on(self, index: int, other: Standing | None) -> bool:
        return self._standing(index).is_above(other, self.request.direction)

    def kept_evaluation(self) -> Evaluated:
        """The evaluation that the trial ends with."""
        assert self.kept is not None, "no evaluation yet"
        return self.evaluations[self.kept]

    def beats_all(self) -> bool:
        """Whether the kept value is better than every trial's before."""
        assert self.kept is not None, "no evaluation yet"
        best, one_label = self.request.best_value, self.request.best_one_label
        return self._improves_on(self.kept, None if best is None else Standing(best, one_label))

    def save_model(self) -> bool:
        """Write the kept model to trials/NNNN/model if it beats all before; tell whether so."""
        kept = self.kept_evaluation()
        if not self.beats_all() or (kept.step != self.step and self._kept_weights is None):
            return False
        if kept.step != self.step and self._kept_weights is not None:
            with torch.no_grad():
                torch._foreach_copy_(
                    [p.detach() for p in self._trained.values()], self._kept_weights
                )
        with replaced_folder(self.folder / "model") as temporary:
            self.bench.save_pretrained(temporary, self._decay_of_unused(kept.step))
        return True

    def _decay_of_unused(self, step: int) -> float:
        vocabulary, groups = self.bench.vocabulary, self.bench.groups
        if vocabulary is None:
            return 1.0
        return decay_until(groups, self.config, vocabulary.name, step, self.of)

    # --- checkpoints

    @property
    def checkpoint_folder(self) -> Path:
        """Where the trial's checkpoint lies while it is unfinished."""
        return self.folder / "checkpoint"

    def checkpoint_is_due(self) -> bool:
        """By training time since the last one."""
        every = self.bench.recipe.training.checkpoint_seconds
        return self.step < self.of and self.seconds - self.checkpointed_at >= every

    def save(self) -> None:
        """Write a checkpoint of this very moment, between two updates, unless it is there."""
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
        losses = self.losses.sums()
        state = State(
            config=self.config,
            data=self._identity(),
            metric=f"{self.request.direction} {self.request.metric}",
            step=self.step,
            evaluations=self.evaluations,
            kept=self.kept,
            loss_sum=losses.loss,
            loss_updates=losses.updates,
            guess_sum=losses.guess,
            excess_squares=losses.excess_squares,
            seconds=self.seconds,
            generators=generator_states(self.bench.device),
            fit=self.bench.fit,
        )
        save_checkpoint(self.checkpoint_folder, state, tensors)
        self.checkpointed_at, self._saved_step = self.seconds, self.step

    def resume(self) -> list[str]:
        """Go on from the newest whole checkpoint, if any; returns lines for the log."""
        metric = f"{self.request.direction} {self.request.metric}"
        found, notes = load_checkpoint(
            self.checkpoint_folder, self.config, self._identity(), metric
        )
        if found is None:
            return notes
        state, tensors = found
        self._restore_tensors(tensors)
        self.step, self.seconds, self.kept = state.step, state.seconds, state.kept
        self.checkpointed_at, self._saved_step = state.seconds, state.step
        self.evaluations = list(state.evaluations)
        self.losses.restore(state.losses())
        if state.fit is not None and state.fit != self.bench.fit:
            self.bench.fit_memory(state.fit)
            self._begin()
        restore_generators(state.generators, self.bench.device)
        return notes

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
                tensors[f"kept/{name}"].clone().to(self.bench.device) for name in self._trained
            ]

    def _identity(self) -> str:
        """What a checkpoint belongs to besides its configuration: data, model and groups."""
        bench = self.bench
        parts = [bench.data.key, bench.source.name, str(bench.source.options), bench.max_length]
        parts += [[g.spec.name, [p.name for p in g.parameters]] for g in bench.groups]
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
