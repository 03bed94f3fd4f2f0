"""Back to the start of a trial by copying, without loading anything again."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_DROPOUT_NUMBERS = (
    "dropout",
    "attention_dropout",
    "attn_dropout",
    "dropout_prob",
    "hidden_dropout",
)

# transformers' own mark on tensors and modules that need no initialisation.
_LOADED = "_is_hf_initialized"


class Restart:
    """Keeps a model's base weights; `fresh` names the tensors that every trial initialises anew."""

    def __init__(self, model: nn.Module, fresh: set[str]) -> None:
        self._model: Any = model
        tensors = dict(model.named_parameters()) | dict(model.named_buffers())
        self._fresh = sorted(fresh & tensors.keys())
        self._loaded_tensors = [tensor for name, tensor in tensors.items() if name not in fresh]
        self._base_weights = [tensor.detach().clone() for tensor in self._loaded_tensors]
        for name, tensor in tensors.items():
            setattr(tensor, _LOADED, name not in fresh)
        self._dropouts = _find_dropout_rates(model)

    def restart_model(self, dropout: float | None) -> None:
        """Initialise the fresh tensors, copy the others, set dropout (None: the model's own)."""
        # Before the copy, which undoes whatever an initialisation touched besides the fresh
        # tensors.
        self._draw_fresh_tensors()
        with torch.no_grad():
            # In place: param groups, recorded steps and hooks keep referring to the same tensors.
            torch._foreach_copy_(
                [tensor.detach() for tensor in self._loaded_tensors], self._base_weights
            )
        for module, attribute, original in self._dropouts:
            setattr(module, attribute, original if dropout is None else dropout)
        self._model.train()

    def _draw_fresh_tensors(self) -> None:
        """Initialise through the model's own code, which leaves alone what is marked as loaded.

        Modules are marked from within: all that hold a fresh tensor somewhere are initialised
        again.
        """
        if not self._fresh:
            return
        for name, module in self._model.named_modules():
            prefix = f"{name}." if name else ""
            setattr(module, _LOADED, not any(fresh.startswith(prefix) for fresh in self._fresh))
        self._model.initialize_weights()


def _find_dropout_rates(model: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """Find every place where a dropout rate is kept: (module, attribute, rate)."""
    places: list[tuple[nn.Module, str, float]] = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            places.append((module, "p", module.p))
            continue
        for attribute in _DROPOUT_NUMBERS:
            value = vars(module).get(attribute)
            if isinstance(value, float):
                places.append((module, attribute, value))
    return places
