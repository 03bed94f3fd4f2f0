"""How this model's batches are laid out: only in ways that are proven to change no prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn

from tuner.errors import TunerError
from tuner.recipe.kernels import PLAIN_KERNELS, Kernels
from tuner.training.batches import Indices, Layout, PaddedLayout, PaddingSide, SingleRowLayout
from tuner.training.data import SessionData
from tuner.training.dropout import make_dropout_cheap
from tuner.training.model import position_offset
from tuner.training.packing import NotPackable, PackedLayout, Packing
from tuner.training.parity import (
    Disagrees,
    Outcome,
    check_dropout,
    check_kernels,
    check_packing,
    check_padding,
    check_precision,
    exact_outcome,
    usual_differences,
)
from tuner.training.products import autocast_for_kernels, install_products
from tuner.training.static import ResidentSplit, StaticLayout
from tuner.training.techniques import Techniques
from tuner.training.tokens import TokenizedSplit
from tuner.training.varlen import reference_attention, verifying_kernel

# Lengths of the proof's rows: from the shortest on, short of outliers that would take long.
_PROOF_QUANTILES = (0.0, 0.3, 0.6, 0.9)
# Plain attention takes the square of it, in every layer.
_PROOF_TOKENS = 1_024
_PROOF_FILLER = 8
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Padding:
    """The padding token and the side that it goes to; without a side nothing is padded."""

    token: int
    side: PaddingSide | None = "right"


@dataclass(frozen=True, slots=True)
class ChosenLayouts:
    """Both splits on the device, a line that says how, and the packing if there is one.

    `padding` changes no prediction where rows are padded. `warning` is what a user has to know
    about it, "" where that is nothing. `kernels_problem` says why the model's linear layers have
    plain kernels instead of those asked for.
    """

    train: Layout
    validation: Layout
    note: str
    padding: Padding
    packing: Packing | None = None
    warning: str = ""
    kernels_problem: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Rows of a split and the outcome of each by itself."""

    split: TokenizedSplit
    rows: Indices
    alone: Outcome


def choose_layouts(
    model: nn.Module,
    data: SessionData,
    padding: Padding,
    device: torch.device,
    techniques: Techniques,
    kernels: Kernels = PLAIN_KERNELS,
) -> ChosenLayouts:
    """Choose packed rows where logits and gradients are proven those of single rows, else padding.

    Padded batches are sorted by length and padded on the side of `padding`, or on the other one, or
    not at all, whichever is proven first. On a CPU the host packs, with CUDA the device. Then the
    `kernels` of training are installed in the model and proven as well. Raises TunerError where a
    row's prediction depends on its batch in any case.
    """
    if device.type == "cpu" and techniques.cheap_dropout:
        make_dropout_cheap(model)
    # Each row alone defines what is right. Everything else is compared with that, on this machine,
    # with this model's code: transformers has hundreds of models, and not all of them mask padding
    # wherever they should.
    proof = prepare_proof(model, data, padding.token)
    used, warning = find_exact_padding(model, proof, padding)
    layouts = _choose_batches(model, data, proof, used, device, techniques, kernels)
    problem = _install_proven_kernels(model, proof, layouts, kernels)
    if layouts.packing is not None:
        layouts.packing.switch_on_packing()
    return replace(layouts, warning=warning, kernels_problem=problem)


def _choose_batches(
    model: nn.Module,
    data: SessionData,
    proof: Proof,
    used: Padding,
    device: torch.device,
    techniques: Techniques,
    kernels: Kernels,
) -> ChosenLayouts:
    pack = PACKERS.get(device.type)
    why = "" if pack else f"; {device.type} has no attention for packed rows"
    if pack and techniques.packed:
        try:
            packing = Packing(model, first_token_only=techniques.first_token_only)
            return pack(model, data, proof, used, packing, kernels)
        except NotPackable as reason:
            why = f": packing is not possible, {reason}"
    how = "length-sorted and padded" if used.side else "of rows of equal length"
    train, validation = (
        PaddedLayout(split, used.token, device, used.side)
        for split in (data.train, data.validation)
    )
    return ChosenLayouts(train, validation, f"batches are {how}{why}", used)


def _install_proven_kernels(
    model: nn.Module, proof: Proof, layouts: ChosenLayouts, kernels: Kernels
) -> str:
    """Install the kernels of training; where their proof fails plain ones, and return why.

    The device's own attention is proven with its packing; plain kernels are what everything else
    was proven with.
    """
    device = next(model.parameters()).device
    if device.type != "cpu" or kernels == PLAIN_KERNELS:
        return ""
    padding, packing, rows = layouts.padding, layouts.packing, proof.rows
    autocast = partial(autocast_for_kernels, kernels, device)
    padded = PaddedLayout(proof.split, padding.token, device, padding.side)
    usual = usual_differences(model, proof.alone, padded, rows, autocast)
    install_products(model, kernels)
    packed = None if packing is None else _packed_on_host(model, proof.split, kernels)
    try:
        check_kernels(model, packing, proof.alone, packed or padded, rows, autocast, usual)
    except Disagrees as difference:
        install_products(model, PLAIN_KERNELS)
        return str(difference)
    return ""


# --- padding


def prepare_proof(model: nn.Module, data: SessionData, pad: int) -> Proof:
    """Compute the outcome of a few real rows, each by itself.

    They come from a split whose lengths differ, so that there is padding to prove; where all texts
    are cut at one length, some are cut more.
    """
    device = next(model.parameters()).device
    most = _PROOF_TOKENS if device.type == "cuda" else None
    split = data.train if np.ptp(data.train.lengths) else data.validation
    if not np.ptp(split.lengths):
        split = _vary_row_lengths(data.train)
    rows = choose_proof_rows(split, pad, most)
    return Proof(split, rows, exact_outcome(model, SingleRowLayout(split, device), rows))


def _vary_row_lengths(split: TokenizedSplit) -> TokenizedSplit:
    """Drop the second token of every second row, where there are more than special ones."""
    length = int(split.lengths[0])
    keep_mask = np.ones((len(split), length), dtype=bool)
    keep_mask[::2, 1] = length < _SHORTEST
    return TokenizedSplit(
        tokens=split.tokens[keep_mask.ravel()],
        offsets=np.concatenate([[0], np.cumsum(keep_mask.sum(axis=1))]).astype(np.int64),
        types=split.types[keep_mask.ravel()] if len(split.types) else split.types,
        labels=split.labels,
        rows=split.rows,
    )


def find_exact_padding(model: nn.Module, proof: Proof, padding: Padding) -> tuple[Padding, str]:
    """Find a padding under which rows give what they give alone; also return a warning, or ""."""
    device, reason = next(model.parameters()).device, ""
    opposite_side: PaddingSide = "left" if padding.side == "right" else "right"
    for side in (padding.side, opposite_side):
        layout = PaddedLayout(proof.split, padding.token, device, side)
        try:
            check_padding(model, proof.alone, layout, proof.rows)
        except Disagrees as difference:
            reason = reason or str(difference)
            continue
        return Padding(padding.token, side), _opposite_side_warning(padding.side, side, reason)
    return Padding(padding.token, None), _no_padding_warning(model, proof, reason)


def _opposite_side_warning(
    tokenizer_side: PaddingSide | None, side: PaddingSide | None, reason: str
) -> str:
    if side == tokenizer_side:
        return ""
    return (
        f"the tokenizer pads on the {tokenizer_side}, which changes this model's predictions "
        f"({reason}): tuner pads on the {side}, and so does the tokenizer saved with the best model"
    )


def _no_padding_warning(model: nn.Module, proof: Proof, reason: str) -> str:
    """Say that any padding changes predictions. TunerError where other rows do, too."""
    device = next(model.parameters()).device
    unpadded = PaddedLayout(proof.split, 0, device, side=None)
    # Rows of the proof may all differ in length: every one once more makes batches of two.
    twice = np.repeat(proof.rows, 2)
    alone = exact_outcome(model, SingleRowLayout(proof.split, device), twice)
    try:
        check_padding(model, alone, unpadded, twice)
    except Disagrees as difference:
        raise TunerError(
            "model.name: this model's prediction for a row depends on the other rows of its batch "
            f"({difference}), so no score of it would hold for single texts; choose another model"
        ) from None
    return (
        f"padding changes this model's predictions ({reason}): batches only hold rows of equal "
        "length, and a pipeline gives the same predictions only with batch_size=1"
    )


# --- packing


def pack_on_host(
    model: nn.Module,
    data: SessionData,
    proof: Proof,
    padding: Padding,
    packing: Packing,
    kernels: Kernels,
) -> ChosenLayouts:
    """Lay out rows that the host packs. Raises NotPackable where that is not proven exact."""
    packed = _packed_on_host(model, proof.split, kernels)
    check_packing(model, packing, proof.alone, packed, proof.rows)
    train, validation = (
        _packed_on_host(model, split, kernels) for split in (data.train, data.validation)
    )
    return ChosenLayouts(train, validation, "batches are packed: no padding", padding, packing)


def _packed_on_host(model: nn.Module, split: TokenizedSplit, kernels: Kernels) -> PackedLayout:
    long_dtype = torch.bfloat16 if kernels.attention == "bf16" else torch.float32
    return PackedLayout(split, position_offset(model), torch.device("cpu"), long_dtype)


def packed_like_proven(
    model: nn.Module, proven: Packing, kernels: Kernels
) -> Callable[[TokenizedSplit], Layout]:
    """Switch another model of a proven architecture to packed rows and `kernels`.

    Returns what lays a split out for it.
    """
    install_products(model, kernels)
    Packing(model, first_token_only=proven.first_token_only).switch_on_packing()
    device = next(model.parameters()).device
    if device.type == "cpu":
        return lambda split: _packed_on_host(model, split, kernels)
    offset = position_offset(model)
    return lambda split: StaticLayout(ResidentSplit.from_split(split, device), offset)


def pack_on_device(
    model: nn.Module,
    data: SessionData,
    proof: Proof,
    padding: Padding,
    packing: Packing,
    kernels: Kernels,
) -> ChosenLayouts:
    """Lay out rows that the device packs. Raises NotPackable where that is not proven exact.

    Three proofs, one for each thing that can go wrong: the layout, with plain attention in full
    precision; the attention kernel, by itself and in the model, in the precision of training;
    dropout.
    """
    offset, device = position_offset(model), next(model.parameters()).device
    autocast = partial(autocast_for_kernels, kernels, device)
    resident, rows = ResidentSplit.from_split(proof.split, device), proof.rows
    # Longer than these rows together, so that spare sequences take part in the proof.
    grain = int(proof.split.lengths[rows].sum()) + _PROOF_FILLER
    plain = StaticLayout(resident, offset, kernel=reference_attention, grain=grain)
    watched = StaticLayout(resident, offset, kernel=verifying_kernel(), grain=grain)
    used = StaticLayout(resident, offset, grain=grain)
    padded = PaddedLayout(proof.split, padding.token, device, padding.side)
    check_packing(model, packing, proof.alone, plain, rows)
    check_precision(model, packing, proof.alone, padded, watched, rows, autocast)
    check_dropout(model, packing, used, rows, autocast)
    train, validation = (
        StaticLayout(ResidentSplit.from_split(split, device), offset)
        for split in (data.train, data.validation)
    )
    note = "batches are packed on the device into rows of a few lengths"
    return ChosenLayouts(train, validation, note, padding, packing)


PACKERS: dict[
    str, Callable[[nn.Module, SessionData, Proof, Padding, Packing, Kernels], ChosenLayouts]
] = {
    "cpu": pack_on_host,
    "cuda": pack_on_device,
}


def choose_proof_rows(split: TokenizedSplit, pad: int, most_tokens: int | None = None) -> Indices:
    """Choose a few rows, from the shortest to long ones, and one with the padding token, if any.

    At least two, even if they have more than `most_tokens`.
    """
    order = np.argsort(split.lengths, kind="stable")
    places = {int(quantile * (len(order) - 1)) for quantile in _PROOF_QUANTILES}
    rows = [int(order[place]) for place in sorted(places)]
    # A text can contain the padding token's id (where another token stands in for it): models that
    # derive positions or masks from ids rather than from the attention mask go wrong there.
    padlike = np.flatnonzero(split.tokens == pad)
    if len(padlike):
        rows.insert(0, int(np.searchsorted(split.offsets, padlike[0], side="right")) - 1)
    selected = np.array(list(dict.fromkeys(rows)), dtype=np.int64)
    if most_tokens is None:
        return selected
    fitting = np.searchsorted(np.cumsum(split.lengths[selected]), most_tokens, side="right")
    return selected[: max(2, int(fitting))]
