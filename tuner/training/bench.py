"""What a trainer holds between trials: one model on one device, its base weights, the data."""

from __future__ import annotations

import contextlib
import gc
import platform
import random
import resource
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import tuner
from tuner.errors import TunerError
from tuner.pool.protocol import Ready, Setup
from tuner.recipe.config import TrialConfig
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import parse
from tuner.recipe.types import Recipe
from tuner.results.metrics import check_metric
from tuner.training.data import Data, load_data, remove_stale
from tuner.training.layouts import choose_layouts
from tuner.training.model import (
    ModelSource,
    description_of,
    empty_model,
    load_config,
    load_tokenizer,
    load_weights,
    model_source,
    parameters_of,
    positions_of,
)
from tuner.training.optimizer import check_partition
from tuner.training.restart import Restart
from tuner.training.techniques import ALL, Techniques

Tell = Callable[[str, str], None]
_WIDE = 256


class Bench:
    """One model on one device, ready to train one trial after the other.

    Raises TunerError where the recipe cannot be set up. `tell(level, text)` hears what is worth a
    line in the log.
    """

    def __init__(self, setup: Setup, tell: Tell, techniques: Techniques = ALL) -> None:
        self.techniques = techniques
        torch.set_flush_denormal(True)
        self.recipe: Recipe = parse(setup.recipe, "recipe")
        self.session = Path(setup.session)
        self.device = chosen_device(setup.device)
        self.source: ModelSource = model_source(self.recipe.model, self.recipe.data.root)
        self.tokenizer: Any = load_tokenizer(self.source)
        self.notes: list[str] = []
        self._threads = setup.threads
        self._load(tell)

    def _load(self, tell: Tell) -> None:
        config = load_config(self.source, ["0", "1"])
        self.max_length = self._length_limit(config)
        remove_stale(self.session / "cache")
        self.data: Data = load_data(self.recipe, self.tokenizer, self.max_length, self.session)
        self.labels = self.data.facts.labels
        check_metric(self.recipe.search.metric, self.labels)
        self.notes += self.data.facts.notes
        for split, count in self.data.facts.cut.items():
            if count:
                self.notes.append(f"{count} {split} rows are cut at {self.max_length} wordpieces")
        self.model, fresh = self._loaded_model(tell)
        if self._threads > 0:
            torch.set_num_threads(useful_threads(self.model, self._threads))
        self.groups = resolve_groups(self.recipe.groups, parameters_of(self.model))
        check_partition(self.model, self.groups)
        self._restart = Restart(self.model, fresh)
        self.pad = int(self.tokenizer.pad_token_id or 0)
        layouts = choose_layouts(self.model, self.data, self.pad, self.device, self.techniques)
        self.train_layout, self.validation_layout = layouts.train, layouts.validation
        self.packing = layouts.packing
        self.notes.append(layouts.note)

    def _length_limit(self, config: Any) -> int:
        asked = self.recipe.model.max_length
        most = positions_of(empty_model(self.source, config), config, self.tokenizer)
        if most is not None and asked > most:
            self.notes.append(
                f"model.max_length is {asked}, but the model has {most} positions: "
                f"rows are cut at {most}"
            )
            return most
        return asked

    def _loaded_model(self, tell: Tell) -> tuple[nn.Module, set[str]]:
        config = load_config(self.source, self.labels)
        if getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = self.tokenizer.pad_token_id
        if self.source.folder is None and not self.source.options.get("local_files_only"):
            tell("info", f"downloading {self.source.name}")
        model, fresh = load_weights(self.source, config)
        model.to(self.device)
        self._config = config
        if not fresh:
            self.notes.append(
                "the head is the checkpoint's own, the same at the start of every trial"
            )
        return model, fresh

    def ready(self) -> Ready:
        """What is told once everything is loaded."""
        rows = {"train": len(self.data.train), "validation": len(self.data.validation)}
        if self.data.facts.sealed:
            rows["test"] = self.data.facts.sealed
        return Ready(
            device=str(self.device),
            device_name=device_name(self.device),
            versions=versions(),
            labels=list(self.labels),
            rows=rows,
            parameters=sum(p.numel() for p in self.model.parameters()),
            groups={group.spec.name: group.size for group in self.groups},
            notes=self.notes,
            model=description_of(self.source, self._config, self.model, self.labels),
        )

    def restart(self, config: TrialConfig) -> None:
        """Seed all generators, copy the base weights back, draw the head, set dropout."""
        self.model.zero_grad(set_to_none=True)
        seed_everything(config.seed)
        self._restart.apply(config.dropout)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def release(self) -> None:
        """Let go of what a trial that failed left on the device."""
        self.model.zero_grad(set_to_none=True)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def save_pretrained(self, folder: Path) -> None:
        """Write model and tokenizer as transformers does, with the data's label names."""
        model: Any = self.model
        with contextlib.nullcontext() if self.packing is None else self.packing.switched_off():
            model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def autocast(self) -> Any:
        """bf16 arithmetic where the recipe asks for it: by itself on GPUs that have it."""
        wanted = self.recipe.training.precision
        has = self.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        if wanted == "bf16" or (wanted == "auto" and has):
            return torch.autocast(self.device.type, torch.bfloat16)
        return contextlib.nullcontext()

    def memory(self) -> int:
        """Peak bytes: of the device, or of this process on a CPU."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def useful_threads(model: Any, most: int) -> int:
    """One thread for narrow models, whose products end before a second thread has woken up.

    By the model alone, so that a trial that goes on has the threads, and the sums, it began with.
    """
    return most if int(getattr(model.config, "hidden_size", 0) or 0) >= _WIDE else 1


def seed_everything(seed: int) -> None:
    """Seed every generator that a model may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def chosen_device(name: str) -> torch.device:
    """The device by name; "auto" is the best there is. TunerError for one that is not there."""
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


def device_name(device: torch.device) -> str:
    """What the device calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of everything that a result depends on."""
    packages = ("torch", "transformers", "tokenizers", "datasets", "numpy")
    return {
        "tuner": tuner.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
