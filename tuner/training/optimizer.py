"""From layer groups to an AdamW whose every parameter has the rate that was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW

from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.types import ResolvedGroup
from tuner.training.schedule import rate_factor

_FUSED = {"cpu", "cuda", "mps"}


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


def build_optimizer(
    model: nn.Module, groups: Sequence[ResolvedGroup], config: TrialConfig, *, fused: bool = True
) -> AdamW:
    """A fresh AdamW over the trained groups, each in two parts: decayed and not.

    Each part carries its group's name and, as "rate", the rate that the schedule multiplies.
    """
    parameters = dict(model.named_parameters())
    undecayed = undecayed_names(model)
    parts: list[dict[str, Any]] = []
    for group in groups:
        rate = config.learning_rates[group.spec.name]
        if rate is None:
            continue
        decay = config.weight_decays[group.spec.name]
        names = [parameter.name for parameter in group.parameters]
        for part_decay, part in (
            (decay, [name for name in names if name not in undecayed]),
            (0.0, [name for name in names if name in undecayed]),
        ):
            if part:
                parts.append(
                    {
                        "params": [parameters[name] for name in part],
                        "weight_decay": part_decay,
                        "lr": rate,
                        "rate": rate,
                        "name": group.spec.name,
                    }
                )
    return AdamW(
        parts,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        fused=fused and next(iter(parameters.values())).device.type in _FUSED,
    )


def set_rates(optimizer: AdamW, config: TrialConfig, update: int, updates: int) -> None:
    """Give every part of the optimizer its rate for this update (from 0)."""
    factor = rate_factor(config.schedule, update, updates, config.warmup)
    for part in optimizer.param_groups:
        part["lr"] = part["rate"] * factor


def decay_until(
    groups: Sequence[ResolvedGroup], config: TrialConfig, name: str, update: int, updates: int
) -> float:
    """What weight decay alone makes of a parameter over the updates before `update`: a factor.

    For a parameter that is decayed; Loshchilov & Hutter 2019, as AdamW in torch has it.
    """
    group = next(g.spec.name for g in groups if name in {p.name for p in g.parameters})
    rate, decay = config.learning_rates[group], config.weight_decays[group]
    if rate is None or decay == 0.0:
        return 1.0
    return math.prod(
        1.0 - decay * rate * rate_factor(config.schedule, past, updates, config.warmup)
        for past in range(update)
    )


def rates(optimizer: AdamW) -> dict[str, float]:
    """The rate of each trained group as the optimizer has it now."""
    return {part["name"]: float(part["lr"]) for part in optimizer.param_groups}


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
