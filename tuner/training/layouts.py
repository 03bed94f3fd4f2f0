"""How this model's batches are laid out: packed where that is proven right, else padded."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tuner.training.batches import Indices, Layout, PaddedLayout
from tuner.training.data import Data
from tuner.training.dropout import make_dropout_cheap
from tuner.training.model import position_offset
from tuner.training.packing import NotPackable, PackedLayout, Packing
from tuner.training.parity import Autocast, check_dropout, check_packing, check_precision
from tuner.training.static import Resident, StaticLayout
from tuner.training.techniques import Techniques
from tuner.training.tokens import Split
from tuner.training.varlen import proven, reference

_PROOF_QUANTILES = (0.0, 0.3, 0.6, 0.9)
# Plain attention takes the square of it, in every layer.
_PROOF_WORDPIECES = 1_024
_PROOF_SPARE = 8


@dataclass(frozen=True, slots=True)
class Layouts:
    """Both splits on the device, a line that says how, and the packing if there is one."""

    train: Layout
    validation: Layout
    note: str
    packing: Packing | None = None


def choose_layouts(
    model: nn.Module,
    data: Data,
    pad: int,
    device: torch.device,
    techniques: Techniques,
    autocast: Autocast = nullcontext,
) -> Layouts:
    """Packed rows where logits and gradients are proven those of padded ones, else sorted batches.

    On a CPU the host packs, with CUDA the device. `autocast` gives the precision that trains.
    """
    padded = PaddedLayout(data.train, pad, device)
    fallback = PaddedLayout(data.validation, pad, device)
    if device.type == "cpu" and techniques.cheap_dropout:
        make_dropout_cheap(model)
    make = {"cpu": host_packed, "cuda": device_packed}.get(device.type)
    if make is None or not techniques.packed:
        why = f"; {device.type} has no attention for packed rows" if make is None else ""
        return Layouts(padded, fallback, f"batches are length-sorted and padded{why}")
    try:
        packing = Packing(model, first_token_only=techniques.first_token_only)
        layouts = make(model, data, padded, packing, autocast)
    except NotPackable as reason:
        return Layouts(
            padded,
            fallback,
            f"batches are length-sorted and padded: packed is not possible, {reason}",
        )
    packing.on()
    return layouts


def host_packed(
    model: nn.Module, data: Data, padded: PaddedLayout, packing: Packing, autocast: Autocast
) -> Layouts:
    """Rows that the host puts together. Raises NotPackable where that is not proven right."""
    del autocast
    offset, device = position_offset(model), torch.device("cpu")
    packed = PackedLayout(data.train, offset, device)
    check_packing(model, packing, padded, packed, _proof_rows(data.train))
    validation = PackedLayout(data.validation, offset, device)
    return Layouts(packed, validation, "batches are packed: no padding", packing)


def device_packed(
    model: nn.Module, data: Data, padded: PaddedLayout, packing: Packing, autocast: Autocast
) -> Layouts:
    """Rows that the device puts together. Raises NotPackable where that is not proven right.

    First the layout, with plain attention in full precision, then the attention that is used, by
    itself and in the model, in the precision that is used, at last with dropout.
    """
    offset, device = position_offset(model), next(model.parameters()).device
    train = Resident.of(data.train, device)
    rows = _proof_rows(data.train, _PROOF_WORDPIECES)
    # Longer than these rows together, so that spare sequences take part in the proof.
    grain = int(data.train.lengths[rows].sum()) + _PROOF_SPARE
    plain = StaticLayout(train, offset, kernel=reference, grain=grain)
    watched = StaticLayout(train, offset, kernel=proven(), grain=grain)
    used = StaticLayout(train, offset, grain=grain)
    check_packing(model, packing, padded, plain, rows)
    check_precision(model, packing, padded, watched, rows, autocast)
    check_dropout(model, packing, used, rows, autocast)
    validation = StaticLayout(Resident.of(data.validation, device), offset)
    note = "batches are packed on the device into rows of a few lengths"
    return Layouts(StaticLayout(train, offset), validation, note, packing)


def _proof_rows(split: Split, wordpieces: int | None = None) -> Indices:
    """A few rows, from the shortest to long ones; two may always be more than `wordpieces`."""
    order = np.argsort(split.lengths, kind="stable")
    places = {int(quantile * (len(order) - 1)) for quantile in _PROOF_QUANTILES}
    rows = np.array([order[place] for place in sorted(places)], dtype=np.int64)
    if wordpieces is None:
        return rows
    fitting = np.searchsorted(np.cumsum(split.lengths[rows]), wordpieces, side="right")
    return rows[: max(2, int(fitting))]
