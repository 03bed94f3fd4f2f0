"""From layer groups to an AdamW whose every parameter has the rate that was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW

from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.rates import rated_levels
from tuner.recipe.schedule import rate_factor
from tuner.recipe.types import ResolvedGroup
from tuner.training.batches import upload

_FUSED = {"cpu", "cuda", "mps"}
# Where the fused kernel takes its rate from the device.
_RESIDENT = {"cuda"}


def check_partition(model: nn.Module, groups: Sequence[ResolvedGroup]) -> None:
    """Assert that the groups cover every parameter of the model exactly once."""
    grouped = [parameter.name for group in groups for parameter in group.parameters]
    names = [name for name, _ in model.named_parameters()]
    assert sorted(grouped) == sorted(names), (
        f"groups and model differ in {sorted(set(grouped) ^ set(names))}; "
        f"twice: {sorted({name for name in grouped if grouped.count(name) > 1})}"
    )


def undecayed_names(model: nn.Module) -> set[str]:
    """Parameters that weight decay leaves alone: biases, and all of the norms."""
    names = set()
    for prefix, module in model.named_modules():
        norm = "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False):
            if norm or name.split(".")[-1].endswith("bias"):
                names.add(f"{prefix}.{name}" if prefix else name)
    return names


def freeze(model: nn.Module, groups: Sequence[ResolvedGroup], config: TrialConfig) -> None:
    """Let exactly the parameters of groups with a rate require gradients."""
    parameters = dict(model.named_parameters())
    for group in groups:
        trained = config.learning_rates[group.spec.name] is not None
        for parameter in group.parameters:
            parameters[parameter.name].requires_grad_(trained)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise TunerError("groups: all of them are frozen, so there is nothing to train")


def renewed_optimizer(
    optimizer: AdamW | None,
    model: nn.Module,
    groups: Sequence[ResolvedGroup],
    config: TrialConfig,
    *,
    fused: bool = True,
) -> AdamW:
    """An AdamW at its start over the trained groups, each level in two parts: decayed and not.

    Each part carries its group's name and, as "rate", the rate that the schedule multiplies. The
    one of the trial before is set back in place where it is over the same tensors.
    """
    parts = _parts(model, groups, config)
    settings: dict[str, Any] = {
        "betas": (config.adam_beta1, config.adam_beta2),
        "eps": config.adam_epsilon,
    }
    if optimizer is not None and _tensors(optimizer.param_groups) == _tensors(parts):
        for old, new in zip(optimizer.param_groups, parts, strict=True):
            old.update(new | settings)
        torch._foreach_zero_(
            [tensor for state in optimizer.state.values() for tensor in state.values()]
        )
        return optimizer
    on_device = fused and parts[0]["params"][0].device.type in _FUSED
    optimizer = AdamW(parts, **settings, fused=on_device)
    for part in optimizer.param_groups:
        for parameter in part["params"]:
            optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device if on_device else "cpu"),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
    return optimizer


def _tensors(parts: Sequence[dict[str, Any]]) -> list[list[int]]:
    return [[id(parameter) for parameter in part["params"]] for part in parts]


def _parts(
    model: nn.Module, groups: Sequence[ResolvedGroup], config: TrialConfig
) -> list[dict[str, Any]]:
    parameters = dict(model.named_parameters())
    undecayed = undecayed_names(model)
    parts: list[dict[str, Any]] = []
    for level in rated_levels(groups, config):
        name, rate = level.group.name, level.lr
        if rate is None:
            continue
        names = [parameter.name for parameter in level.parameters]
        for decay, part in (
            (level.weight_decay, [n for n in names if n not in undecayed]),
            (0.0, [n for n in names if n in undecayed]),
        ):
            if part:
                tensors = [parameters[n] for n in part]
                parts.append(
                    {"params": tensors, "weight_decay": decay, "lr": rate}
                    | {"rate": rate, "name": name}
                )
    return parts


class Rates:
    """The rates of a trial: every part's own, times the schedule's factor.

    On CUDA a part's "lr" is a view of one vector on the device, which changes with one launch and
    without waiting; elsewhere it is a float.
    """

    def __init__(self, optimizer: AdamW, config: TrialConfig, updates: int) -> None:
        self._parts, self._config, self._updates = optimizer.param_groups, config, updates
        device = self._parts[0]["params"][0].device
        self._on_device = device.type in _RESIDENT and bool(optimizer.defaults["fused"])
        if self._on_device:
            factors = np.array([self._factor(update) for update in range(updates)])
            bases = np.array([part["rate"] for part in self._parts])
            self._factors, self._bases = upload(factors, device), upload(bases, device)
            self._now = torch.zeros(len(bases), device=device)
            for part, rate in zip(self._parts, self._now.unbind(), strict=True):
                part["lr"] = rate

    def apply(self, update: int) -> None:
        """Give every part its rate for this update (from 0)."""
        if self._on_device:
            torch.mul(self._bases, self._factors[update], out=self._now)
            return
        factor = self._factor(update)
        for part in self._parts:
            part["lr"] = part["rate"] * factor

    def by_group(self, update: int) -> dict[str, float]:
        """The rate of each trained group, where layers differ its top one's, at this update."""
        factor = self._factor(update)
        return {part["name"]: part["rate"] * factor for part in self._parts}

    def _factor(self, update: int) -> float:
        config = self._config
        return rate_factor(config.schedule, update, self._updates, config.warmup)


def decay_until(
    groups: Sequence[ResolvedGroup], config: TrialConfig, name: str, update: int, updates: int
) -> float:
    """What weight decay alone makes of a parameter over the updates before `update`: a factor.

    For a parameter that is decayed; Loshchilov & Hutter 2019, as AdamW in torch has it.
    """
    level = next(
        level
        for level in rated_levels(groups, config)
        if name in {parameter.name for parameter in level.parameters}
    )
    rate, decay = level.lr, level.weight_decay
    if rate is None or decay == 0.0:
        return 1.0
    return math.prod(
        1.0 - decay * rate * rate_factor(config.schedule, past, updates, config.warmup)
        for past in range(update)
    )


class Gradients:
    """The gradients of one update: their norms by group, and clipping to a total norm."""

    def __init__(self, optimizer: AdamW) -> None:
        self._names = [part["name"] for part in optimizer.param_groups for _ in part["params"]]
        self._parameters = [p for part in optimizer.param_groups for p in part["params"]]
        self._norms: torch.Tensor | None = None
        self._owners: list[str] = []

    def clip(self, most: float) -> torch.Tensor:
        """Scale all gradients so that their total norm is at most `most` (0: leave them).

        Returns the total norm before, on the device. The same arithmetic as clip_grad_norm_.
        """
        held = [
            (name, p.grad)
            for name, p in zip(self._names, self._parameters, strict=True)
            if p.grad is not None
        ]
        gradients = [gradient for _, gradient in held]
        self._owners = [name for name, _ in held]
        self._norms = torch.stack(torch._foreach_norm(gradients))
        total: torch.Tensor = torch.linalg.vector_norm(self._norms)
        if most > 0:
            factor = torch.clamp(most / (total + 1e-6), max=1.0)
            if factor.is_cuda or factor < 1.0:
                torch._foreach_mul_(gradients, factor)
        return total

    def by_group(self) -> dict[str, float]:
        """The norm of each group's gradient at the last `clip`, before clipping."""
        squares = dict.fromkeys(self._names, 0.0)
        norms = [] if self._norms is None else self._norms.tolist()
        for name, norm in zip(self._owners, norms, strict=True):
            squares[name] += norm * norm
        return {name: float(square**0.5) for name, square in squares.items()}
