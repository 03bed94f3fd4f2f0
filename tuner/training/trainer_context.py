"""What a trainer keeps between trials: one model on one device, its base weights, the data."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import platform
import random
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW

import tuner
from tuner.errors import TunerError
from tuner.pool.protocol import Ready, Setup
from tuner.recipe.config import TrialConfig
from tuner.recipe.groups import resolve_groups
from tuner.recipe.kernels import Kernels, KernelsChoice
from tuner.recipe.load import parse_recipe
from tuner.recipe.space import highest_value
from tuner.recipe.types import Recipe
from tuner.results.metrics import check_metric_name
from tuner.training.backward import EagerRunner, StaticBackward
from tuner.training.data import SessionData
from tuner.training.failure_causes import KernelsMissing
from tuner.training.graphs import CudaGraphCapture, GraphRunner
from tuner.training.inputs import prepare_session_data
from tuner.training.kernel_choice import KernelChooser, name_of_kernels, processor_facts
from tuner.training.kernel_speeds import Workload
from tuner.training.layouts import Padding, choose_layouts
from tuner.training.loading import load_model_weights
from tuner.training.memory_budget import (
    allowed_memory_bytes,
    peak_memory_bytes,
    reset_peak_memory,
)
from tuner.training.memory_plan import Activations, MemoryPlan
from tuner.training.model import (
    ModelSource,
    description_of,
    find_model_source,
    load_model_config,
    load_tokenizer,
    parameters_of,
    save_tokenizer,
)
from tuner.training.model_card import render_model_card
from tuner.training.optimizer import build_or_reset_optimizer, check_partition
from tuner.training.products import autocast_for_kernels
from tuner.training.restart import Restart
from tuner.training.sealed import load_test_report
from tuner.training.static import StaticLayout
from tuner.training.techniques import ALL, Techniques
from tuner.training.vocabulary import shrink_to_used_rows

Notify = Callable[[str, str], None]
_WIDE_HIDDEN_SIZE = 256


class TrainerContext:
    """One model on one device, ready to train one trial after the other.

    Raises TunerError where the recipe cannot be set up. `notify(level, text)` receives what is
    worth a line in the log.
    """

    def __init__(self, setup: Setup, notify: Notify, techniques: Techniques = ALL) -> None:
        self.techniques = techniques
        self._notify = notify
        # AdamW's moments of unused weights decay into denormals, which a CPU handles many times
        # slower.
        torch.set_flush_denormal(True)
        self.recipe: Recipe = parse_recipe(setup.recipe, "recipe")
        self.session = Path(setup.session)
        self.device = resolve_device(setup.device)
        if self.recipe.training.deterministic:
            require_deterministic_kernels()
        self.source: ModelSource = find_model_source(self.recipe.model, self.recipe.data.root)
        self.tokenizer: Any = load_tokenizer(self.source)
        self._optimizer: AdamW | None = None
        self._threads = setup.threads
        self._load_data_and_model(setup, notify)

    def _load_data_and_model(self, setup: Setup, notify: Notify) -> None:
        prepared = prepare_session_data(self.recipe, self.source, self.tokenizer, self.session)
        self.data: SessionData = prepared.data
        self.inputs = prepared.inputs
        self.max_length = self.inputs.max_length
        self.test_report = load_test_report(
            self.recipe.data, self.data.key, self.session, self.data
        )
        self.labels = self.data.facts.labels
        check_metric_name(self.recipe.search.metric, self.labels)
        self.warnings, self.notes = prepared.warnings, prepared.notes
        self.model, fresh = self._load_configured_model(notify)
        self.set_thread_count(self._threads)
        self.groups = resolve_groups(self.recipe.groups, parameters_of(self.model))
        check_partition(self.model, self.groups)
        self.description = description_of(self.source, self._config, self.model, self.labels)
        self.pad_token_id = int(self.tokenizer.pad_token_id)
        self.vocabulary = (
            shrink_to_used_rows(self.model, self.data, self.pad_token_id, fresh)
            if self.techniques.used_rows
            else None
        )
        self._restart = Restart(self.model, fresh)
        chooser = self._kernel_chooser(setup)
        self.kernels_choice: KernelsChoice = chooser.choose_kernels(setup)
        layouts = choose_layouts(
            self.model, self.data, Padding(self.pad_token_id, self.tokenizer.padding_side),
            self.device, self.techniques, self.kernels,
        )  # fmt: skip
        self._replace_unproven_kernels(chooser, setup, layouts.kernels_problem)
        self.train_layout, self.validation_layout = layouts.train, layouts.validation
        self.packing, self.padding = layouts.packing, layouts.padding
        self.notes.append(layouts.note)
        if layouts.warning:
            notify("warning", layouts.warning)
        self._first_memory_plan = self._estimate_memory_plan()
        self.apply_memory_plan(self._first_memory_plan)
        self.notes += filter(None, [self.memory_plan.describe_plan()])
        self.static_backward = self._build_static_backward(notify)

    @property
    def kernels(self) -> Kernels:
        """The arithmetic that this trainer computes with."""
        return self.kernels_choice.kernels

    def _kernel_chooser(self, setup: Setup) -> KernelChooser:
        batch = int(highest_value(self.recipe.training.batch_size))
        return KernelChooser(
            self.recipe.training,
            self.device,
            Workload.from_model(self.model, self.data.train.lengths, batch),
            Path(setup.kernels_folder or self.session / "cache"),
            self._notify,
        )

    def _replace_unproven_kernels(self, chooser: KernelChooser, setup: Setup, problem: str) -> None:
        if not problem:
            return
        if setup.kernels is not None and setup.kernels_rule == "keep":
            what = name_of_kernels(self.kernels)
            raise KernelsMissing(f"{what} fails its proof on this machine: {problem}")
        self.kernels_choice = chooser.replace_unproven(self.kernels_choice, problem)

    def _estimate_memory_plan(self) -> MemoryPlan:
        longest = int(max(self.data.train.lengths.max(), self.data.validation.lengths.max()))
        batch = int(highest_value(self.recipe.training.batch_size))
        return MemoryPlan.fastest_that_fits(
            Activations.from_model_config(self._config, longest),
            batch,
            allowed_memory_bytes(self.device),
        )

    def apply_memory_plan(self, plan: MemoryPlan) -> None:
        """Limit the micro-batch size and switch gradient checkpointing as `plan` says."""
        self.memory_plan = plan
        if getattr(self.model, "supports_gradient_checkpointing", False):
            set_gradient_checkpointing(self.model, plan.checkpointing)

    def shrink_memory_plan(self, batch: int) -> bool:
        """Switch to the next smaller memory plan after a batch did not fit.

        Returns False where there is nothing left to try.
        """
        smaller = self.memory_plan.next_smaller_plan(batch)
        if smaller is None:
            return False
        self.apply_memory_plan(smaller)
        self._notify("warning", smaller.describe_plan())
        self.release_memory()
        return True

    def _build_static_backward(self, notify: Notify) -> StaticBackward | None:
        """Build the backward pass for layouts of fixed shapes; its recordings outlive a trial."""
        if not isinstance(self.train_layout, StaticLayout):
            return None
        recorded = self.techniques.graphs and self.device.type == "cuda"
        runner = GraphRunner(CudaGraphCapture(self.device), notify) if recorded else EagerRunner()
        # The cache would keep converted weights from capture time, and replays would never see
        # updates.
        autocast = partial(self.autocast_context, cache=False)
        return StaticBackward(self.model, self.train_layout, autocast, runner)

    def _load_configured_model(self, notify: Notify) -> tuple[nn.Module, set[str]]:
        config = load_model_config(self.source, self.labels)
        config.pad_token_id = self.tokenizer.pad_token_id
        disable_generation_caches(config)
        if self.source.folder is None and not self.source.options.get("local_files_only"):
            notify("info", f"downloading {self.source.name}")
        loaded = load_model_weights(self.source, config)
        loaded.model.to(self.device)
        self._config, self.loading_report = config, loaded.report
        return loaded.model, loaded.fresh

    def ready_message(self, warnings: Sequence[str] = ()) -> Ready:
        """Build the message that everything is loaded; `warnings` are those of a check."""
        rows = {"train": len(self.data.train), "validation": len(self.data.validation)}
        if self.test_report is not None and self.test_report.sealed is not None:
            rows["test"] = self.test_report.sealed.rows
        labels, classes = self.data.train.labels, len(self.labels)
        return Ready(
            device=str(self.device),
            device_name=device_display_name(self.device),
            versions=package_versions(),
            labels=list(self.labels),
            rows=rows,
            parameters=sum(math.prod(shape) for _, shape in self.description.parameters),
            groups={group.spec.name: group.element_count for group in self.groups},
            notes=[*self.warnings, *self.notes],
            warnings=list(warnings),
            model=self.description,
            batches="padded" if self.packing is None else "packed",
            threads=torch.get_num_threads(),
            loading=self.loading_report,
            label_counts=np.bincount(labels, minlength=classes).tolist(),
            test=self.test_report,
            kernels=self.kernels_choice,
        )

    def set_thread_count(self, available: int) -> int:
        """Use as many of the available threads as the model profits from; 0 changes nothing.

        Returns the number of threads in use.
        """
        if available > 0:
            torch.set_num_threads(useful_thread_count(self.model, available))
        return torch.get_num_threads()

    def restart_for_trial(self, config: TrialConfig) -> None:
        """Seed all generators, copy the base weights back, draw the head, set dropout.

        The memory plan is the first one again: what a trial had to give up holds for it alone.
        """
        self.model.zero_grad(set_to_none=True)
        if self.memory_plan != self._first_memory_plan:
            self.apply_memory_plan(self._first_memory_plan)
        # Before anything is drawn: head, dropout and data order depend on the trial's seed alone.
        seed_everything(config.seed)
        self._restart.restart_model(config.dropout)
        reset_peak_memory(self.device)

    def reset_optimizer(self, config: TrialConfig) -> AdamW:
        """Return the optimizer in the state in which a trial begins."""
        self._optimizer = build_or_reset_optimizer(
            self._optimizer, self.model, self.groups, config,
            fused=self.techniques.fused_optimizer,
        )  # fmt: skip
        return self._optimizer

    def release_memory(self) -> None:
        """Free what a failed trial left on the device."""
        self.model.zero_grad(set_to_none=True)
        if self.static_backward is not None:
            self.static_backward.release_recordings()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def save_pretrained(self, folder: Path, decay: float = 1.0) -> None:
        """Write model and tokenizer as transformers does, so that a pipeline predicts as tuner did.

        `decay` is the factor that weight decay applied to embeddings of tokens that no row has.
        """
        model: Any = self.model
        with contextlib.ExitStack() as stack:
            if self.packing is not None:
                stack.enter_context(self.packing.packing_switched_off())
            if self.vocabulary is not None:
                stack.enter_context(self.vocabulary.whole_embedding(decay))
            model.save_pretrained(folder)
        side = self.padding.side
        save_tokenizer(self.tokenizer, folder, self.max_length, side)
        columns = len(self.recipe.data.text)
        card = render_model_card(
            Path(self.source.name).name, self.labels, columns, self.max_length, bool(side)
        )
        (folder / "README.md").write_text(card, encoding="utf-8")

    def autocast_context(self, cache: bool = True) -> Any:
        """Return the autocast context for the chosen kernels.

        With `cache`, a weight is converted once for as long as the context is open.
        """
        return autocast_for_kernels(self.kernels, self.device, cache)

    def trial_peak_memory(self) -> int:
        """Return the trial's peak in bytes: of the device, or of this process on a CPU."""
        return peak_memory_bytes(self.device)


def disable_generation_caches(config: Any) -> None:
    """Switch off states for a next call (KV caches, XLNet's memory): a text to classify has none.

    A pipeline could not divide XLNet's among the rows of a batch.
    """
    for switch in ("use_cache", "use_mems_eval", "use_mems_train"):
        if getattr(config, switch, False):
            setattr(config, switch, False)


def set_gradient_checkpointing(model: Any, on: bool) -> None:
    """Recompute a layer's activations in the backward pass, or keep them."""
    # transformers 5.23 renamed these.
    word = "activation" if hasattr(model, "is_activation_checkpointing") else "gradient"
    if on:
        getattr(model, f"{word}_checkpointing_enable")({"use_reentrant": False})
    elif getattr(model, f"is_{word}_checkpointing"):
        getattr(model, f"{word}_checkpointing_disable")()


def useful_thread_count(model: Any, available: int) -> int:
    """Return 1 for narrow models, whose products end before a second thread has woken up.

    Depends on the model alone, so that a resumed trial adds up its sums with as many threads as
    before, in the same order.
    """
    return (
        available if int(getattr(model.config, "hidden_size", 0) or 0) >= _WIDE_HIDDEN_SIZE else 1
    )


def require_deterministic_kernels() -> None:
    """Make torch use deterministic kernels only; it raises where an operation has none."""
    # cuBLAS picks algorithms by the workspace it gets; a fixed one makes its sums reproducible.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Fills every empty tensor with NaN to find bugs: a pass over memory for nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def seed_everything(seed: int) -> None:
    """Seed every generator that a model may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def resolve_device(name: str) -> torch.device:
    """Return the device of this name; "auto" is the best one. TunerError where it is missing."""
    if name == "auto":
        if torch.cuda.is_available():
            name = "cuda"
        else:
            name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TunerError(f"device {name}: {str(error).splitlines()[0]}") from None
    return device


def device_display_name(device: torch.device) -> str:
    """Return the product name of a GPU or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_facts().get("model name") or platform.processor() or platform.machine()


def package_versions() -> dict[str, str]:
    """Return the versions of everything that a result depends on."""
    packages = ("torch", "transformers", "tokenizers", "datasets", "numpy")
    return {
        "tuner": tuner.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
