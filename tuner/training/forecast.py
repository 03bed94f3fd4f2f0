"""How batches will be laid out, known before the weights are loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tuner.recipe.kernels import plain_kernels
from tuner.training.data import DatasetFacts, SessionData
from tuner.training.kernel_choice import has_fast_bf16
from tuner.training.layouts import Padding, choose_layouts
from tuner.training.model import ModelSource, load_model_config
from tuner.training.techniques import ALL
from tuner.training.tokens import TokenizedSplit
from tuner.training.trainer_context import resolve_device

_LAYERS = 2
_UNKNOWN = "whether batches are packed is decided at start"


def forecast_batches(
    source: ModelSource,
    tokenizer: Any,
    labels: Sequence[str],
    train: TokenizedSplit,
    precision: str,
) -> str:
    """Return what a trainer will say about its batches of these rows.

    Whether packed rows give what padded ones give depends on the model's code, not on its weights,
    so that two layers with random weights prove it.
    """
    pad = int(tokenizer.pad_token_id or 0)
    data = SessionData("", DatasetFacts(list(labels), {}, []), train, train)
    device = resolve_device("auto")
    try:
        model = two_layer_model(source, labels, pad).to(device)
        return choose_layouts(
            model,
            data,
            Padding(pad, tokenizer.padding_side),
            device,
            ALL,
            plain_kernels(precision, auto_bf16=has_fast_bf16(device)),
        ).note
    except Exception:  # noqa: BLE001 - a model's own code may fail in any way; the start will tell
        return _UNKNOWN


def two_layer_model(source: ModelSource, labels: Sequence[str], pad: int) -> nn.Module:
    """Build the model with two random layers, or with all where it cannot have fewer."""
    config = load_model_config(source, labels)
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = pad
    whole = int(getattr(config, "num_hidden_layers", 0) or 0)
    if whole > _LAYERS:
        with contextlib.suppress(AttributeError, TypeError, ValueError):
            config.num_hidden_layers = _LAYERS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _model_with_random_weights(source, config)


def _model_with_random_weights(source: ModelSource, config: Any) -> nn.Module:
    from transformers import AutoModelForSequenceClassification

    model: nn.Module = AutoModelForSequenceClassification.from_config(
        config, dtype=torch.float32, trust_remote_code=source.options["trust_remote_code"]
    )
    return model
