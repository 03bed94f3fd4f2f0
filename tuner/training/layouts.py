"""How this model's batches are laid out: packed where that is proven right, else padded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tuner.training.batches import Indices, Layout, PaddedLayout
from tuner.training.data import Data
from tuner.training.dropout import make_dropout_cheap
from tuner.training.model import position_offset
from tuner.training.packing import NotPackable, PackedLayout, Packing
from tuner.training.parity import check_packing
from tuner.training.techniques import Techniques
from tuner.training.tokens import Split

_PROOF_QUANTILES = (0.0, 0.3, 0.6, 0.9)


@dataclass(frozen=True, slots=True)
class Layouts:
    """Both splits on the device, a line that says how, and the packing if there is one."""

    train: Layout
    validation: Layout
    note: str
    packing: Packing | None = None


def choose_layouts(
    model: nn.Module, data: Data, pad: int, device: torch.device, techniques: Techniques
) -> Layouts:
    """Packed rows on a CPU if logits and gradients agree with padded ones, else sorted batches."""
    padded = PaddedLayout(data.train, pad, device)
    fallback = PaddedLayout(data.validation, pad, device)
    if device.type == "cpu" and techniques.cheap_dropout:
        make_dropout_cheap(model)
    if device.type != "cpu" or not techniques.packed:
        return Layouts(padded, fallback, "batches are length-sorted and padded")
    offset = position_offset(model)
    packed = PackedLayout(data.train, offset, device)
    try:
        packing = Packing(model, first_token_only=techniques.first_token_only)
        check_packing(model, packing, padded, packed, _proof_rows(data.train))
    except NotPackable as reason:
        return Layouts(
            padded,
            fallback,
            f"batches are length-sorted and padded: packed is not possible, {reason}",
        )
    packing.on()
    validation = PackedLayout(data.validation, offset, device)
    return Layouts(packed, validation, "batches are packed: no padding", packing)


def _proof_rows(split: Split) -> Indices:
    """A few rows, from the shortest to long ones."""
    order = np.argsort(split.lengths, kind="stable")
    places = {int(quantile * (len(order) - 1)) for quantile in _PROOF_QUANTILES}
    return np.array([order[place] for place in sorted(places)], dtype=np.int64)
