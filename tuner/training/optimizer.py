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
from tuner.recipe.rates import rated_param_groups
from tuner.recipe.schedule import learning_rate_factor
from tuner.recipe.types import ResolvedGroup
from tuner.training.batches import copy_to_device

# Devices that have AdamW as one kernel for all tensors instead of a dozen operations for each.
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
    """Name the parameters that weight decay leaves alone: biases, and all of the norms."""
    names = set()
    for prefix, module in model.named_modules():
        norm = "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False):
            if norm or name.split(".")[-1].endswith("bias"):
                names.add(f"{prefix}.{name}" if prefix else name)
    return names


def set_trainable_parameters(
    model: nn.Module, groups: Sequence[ResolvedGroup], config: TrialConfig
) -> None:
    """Let exactly the parameters of groups with a rate require gradients."""
    parameters = dict(model.named_parameters())
    for group in groups:
        trained = config.learning_rates[group.spec.name] is not None
        for parameter in group.parameters:
            parameters[parameter.name].requires_grad_(trained)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise TunerError("groups: all of them are frozen, so there is nothing to train")


def build_or_reset_optimizer(
    optimizer: AdamW | None,
    model: nn.Module,
    groups: Sequence[ResolvedGroup],
    config: TrialConfig,
    *,
    fused: bool = True,
) -> AdamW:
    """Return an AdamW in its initial state over the trained groups, decayed and undecayed apart.

    Each param group carries its layer group's name and, as "rate", the rate that the schedule
    multiplies. The previous trial's optimizer is reset in place where it has the same tensors:
    steps that were recorded as CUDA graphs know their addresses.
    """
    torch_groups = _torch_param_groups(model, groups, config)
    settings: dict[str, Any] = {
        "betas": (config.adam_beta1, config.adam_beta2),
        "eps": config.adam_epsilon,
    }
    if optimizer is not None and _tensor_identities(optimizer.param_groups) == _tensor_identities(
        torch_groups
    ):
        for old, new in zip(optimizer.param_groups, torch_groups, strict=True):
            old.update(new | settings)
        # Moments and step counts in place: the addresses stay, nothing is allocated.
        torch._foreach_zero_(
            [tensor for state in optimizer.state.values() for tensor in state.values()]
        )
        return optimizer
    on_device = fused and torch_groups[0]["params"][0].device.type in _FUSED
    optimizer = AdamW(torch_groups, **settings, fused=on_device)
    # torch makes this state lazily at the first step. Made here, a checkpoint can be restored
    # before any step, and the first step is like all others. The fused kernel wants the step count
    # on the parameter's device.
    for torch_group in optimizer.param_groups:
        for parameter in torch_group["params"]:
            optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device if on_device else "cpu"),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }
    return optimizer


def _tensor_identities(torch_groups: Sequence[dict[str, Any]]) -> list[list[int]]:
    return [[id(parameter) for parameter in torch_group["params"]] for torch_group in torch_groups]


def _torch_param_groups(
    model: nn.Module, groups: Sequence[ResolvedGroup], config: TrialConfig
) -> list[dict[str, Any]]:
    parameters = dict(model.named_parameters())
    undecayed = undecayed_names(model)
    torch_groups: list[dict[str, Any]] = []
    for param_group in rated_param_groups(groups, config):
        name, rate = param_group.group.name, param_group.lr
        if rate is None:
            continue
        names = [parameter.name for parameter in param_group.parameters]
        for decay, part_names in (
            (param_group.weight_decay, [n for n in names if n not in undecayed]),
            (0.0, [n for n in names if n in undecayed]),
        ):
            if part_names:
                tensors = [parameters[n] for n in part_names]
                torch_groups.append(
                    {"params": tensors, "weight_decay": decay, "lr": rate}
                    | {"rate": rate, "name": name}
                )
    return torch_groups


class LrScheduler:
    """The rates of a trial: each param group's own, times the schedule's factor.

    On CUDA a group's "lr" is a view of one vector on the device, which changes with one launch and
    without waiting; elsewhere it is a float.
    """

    def __init__(self, optimizer: AdamW, config: TrialConfig, updates: int) -> None:
        self._torch_groups, self._config, self._updates = optimizer.param_groups, config, updates
        device = self._torch_groups[0]["params"][0].device
        self._on_device = device.type in _RESIDENT and bool(optimizer.defaults["fused"])
        if self._on_device:
            # All factors of the schedule at once, so that no update computes or uploads any. In
            # double precision, as Python floats on the host; the product is rounded to fp32 once.
            factors = np.array([self._schedule_factor(update) for update in range(updates)])
            bases = np.array([torch_group["rate"] for torch_group in self._torch_groups])
            self._factors, self._base_rates = (
                copy_to_device(factors, device),
                copy_to_device(bases, device),
            )
            self._current_rates = torch.zeros(len(bases), device=device)
            # Views of one vector: writing the vector sets every group's rate in one launch.
            for torch_group, rate in zip(
                self._torch_groups, self._current_rates.unbind(), strict=True
            ):
                torch_group["lr"] = rate

    def set_rates_for_update(self, update: int) -> None:
        """Give every param group its rate for this update (from 0)."""
        if self._on_device:
            torch.mul(self._base_rates, self._factors[update], out=self._current_rates)
            return
        factor = self._schedule_factor(update)
        for torch_group in self._torch_groups:
            torch_group["lr"] = torch_group["rate"] * factor

    def rates_by_group(self, update: int) -> dict[str, float]:
        """Return each trained group's rate at this update, of its top layer where layers differ."""
        factor = self._schedule_factor(update)
        return {
            torch_group["name"]: torch_group["rate"] * factor for torch_group in self._torch_groups
        }

    def _schedule_factor(self, update: int) -> float:
        config = self._config
        return learning_rate_factor(config.schedule, update, self._updates, config.warmup)


def decay_factor_until(
    groups: Sequence[ResolvedGroup], config: TrialConfig, name: str, update: int, updates: int
) -> float:
    """Return the factor that weight decay alone makes of a parameter before `update`.

    For a parameter that is decayed; decoupled weight decay (Loshchilov & Hutter 2019) as AdamW in
    torch has it.
    """
    param_group = next(
        param_group
        for param_group in rated_param_groups(groups, config)
        if name in {parameter.name for parameter in param_group.parameters}
    )
    rate, decay = param_group.lr, param_group.weight_decay
    if rate is None or decay == 0.0:
        return 1.0
    # AdamW multiplies a parameter by (1 - rate × decay) before each step; a row without gradients
    # has zero moments, so that nothing else moves it.
    return math.prod(
        1.0 - decay * rate * learning_rate_factor(config.schedule, past, updates, config.warmup)
        for past in range(update)
    )


class Gradients:
    """The gradients of one update: their norms by group, and clipping to a total norm."""

    def __init__(self, optimizer: AdamW) -> None:
        self._names = [
            torch_group["name"]
            for torch_group in optimizer.param_groups
            for _ in torch_group["params"]
        ]
        self._parameters = [
            p for torch_group in optimizer.param_groups for p in torch_group["params"]
        ]
        self._norms: torch.Tensor | None = None
        self._owners: list[str] = []

    def clip_total_norm(self, max_norm: float) -> torch.Tensor:
        """Scale all gradients so that their total norm is at most `max_norm` (0: leave them).

        Returns the total norm before, on the device. The same arithmetic as clip_grad_norm_.
        """
        named_gradients = [
            (name, p.grad)
            for name, p in zip(self._names, self._parameters, strict=True)
            if p.grad is not None
        ]
        gradients = [gradient for _, gradient in named_gradients]
        self._owners = [name for name, _ in named_gradients]
        self._norms = torch.stack(torch._foreach_norm(gradients))
        total: torch.Tensor = torch.linalg.vector_norm(self._norms)
        if max_norm > 0:
            # On CUDA comparing the factor would wait for the device, so gradients are multiplied
            # always; by 1.0 that changes nothing. On a CPU the comparison is free and usually saves
            # the pass.
            factor = torch.clamp(max_norm / (total + 1e-6), max=1.0)
            if factor.is_cuda or factor < 1.0:
                torch._foreach_mul_(gradients, factor)
        return total

    def norms_by_group(self) -> dict[str, float]:
        """Return the norm of each group's gradient at the last clipping, before it was clipped."""
        squares = dict.fromkeys(self._names, 0.0)
        norms = [] if self._norms is None else self._norms.tolist()
        for name, norm in zip(self._owners, norms, strict=True):
            squares[name] += norm * norm
        return {name: float(square**0.5) for name, square in squares.items()}
