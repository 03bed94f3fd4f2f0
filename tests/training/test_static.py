"""Rows packed on the device: what they hold, and that they give what padded batches give."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.conftest import KINDS, ContextMaker
from tests.training.host_sync import NoWaiting
from tests.training.test_packing import PACKS, REFUSED, SIZE, alone, split, tiny
from tuner.recipe.kernels import Kernels
from tuner.training import layouts as layouts_module
from tuner.training.batches import PaddedLayout
from tuner.training.data import DatasetFacts, SessionData
from tuner.training.evaluate import score_split
from tuner.training.layouts import Padding, pack_on_device, prepare_proof
from tuner.training.model import position_offset
from tuner.training.packing import NotPackable, Packing
from tuner.training.parity import check_dropout, check_packing, check_precision
from tuner.training.static import ResidentSplit, StaticLayout
from tuner.training.tokens import TokenizedSplit
from tuner.training.varlen import Kernel, SequenceBounds, reference_attention, verifying_kernel

CPU = torch.device("cpu")
ALL = np.arange(6)
WORDPIECES = 76
BF16 = partial(torch.autocast, "cpu", torch.bfloat16)
HALF = Kernels(precision="bf16", attention="bf16")


def layout_of(model: Any, kernel: Kernel | None = None, grain: int = 200) -> StaticLayout:
    """All six rows and more than four spare sequences of the longest one's length."""
    return StaticLayout(
        ResidentSplit.from_split(split(), CPU), position_offset(model), kernel, grain
    )


def padded_of(model: Any) -> PaddedLayout:
    return PaddedLayout(split(), model.config.pad_token_id or 0, CPU)


@pytest.mark.parametrize("model_type", PACKS)
@pytest.mark.parametrize("first_token_only", [True, False])
@pytest.mark.parametrize("grain", [WORDPIECES, 200])
def test_logits_and_gradients_are_those_of_rows_alone(
    model_type: str, first_token_only: bool, grain: int
) -> None:
    model = tiny(model_type, PACKS[model_type])
    packing = Packing(model, first_token_only=first_token_only)
    check_packing(model, packing, alone(model), layout_of(model, grain=grain), ALL)


@pytest.mark.parametrize("model_type", PACKS)
def test_bf16_and_dropout_pass_the_proof_too(model_type: str) -> None:
    model = tiny(model_type, PACKS[model_type])
    packing, layout = Packing(model), layout_of(model, kernel=verifying_kernel())
    rates = [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    check_precision(model, packing, alone(model), padded_of(model), layout, ALL, BF16)
    check_dropout(model, packing, layout, ALL, BF16)
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == rates
    assert model.training


@pytest.mark.parametrize("model_type", REFUSED)
def test_a_model_that_would_be_wrong_in_silence_is_refused(model_type: str) -> None:
    model = tiny(model_type, REFUSED[model_type])
    with pytest.raises(NotPackable):
        check_packing(model, Packing(model), alone(model), layout_of(model), ALL)


def _blind(
    q: Tensor, k: Tensor, v: Tensor, query_bounds: Any, key_bounds: Any, *other_arguments: Any
) -> Tensor:
    """Attention that does not see where one sequence ends."""
    first, second = (
        SequenceBounds(bounds.cu_seqlens[[0, -1]], 1) for bounds in (query_bounds, key_bounds)
    )
    return reference_attention(q, k, v, first, second, *other_arguments)


def _broken(q: Tensor, *_: Any) -> Tensor:
    return q * float("inf")


def test_a_kernel_that_looks_into_other_rows_is_noticed_in_half_precision_too() -> None:
    model = tiny("bert", SIZE)
    packing = Packing(model, first_token_only=False)
    blind = layout_of(model, kernel=verifying_kernel(_blind))
    with pytest.raises(NotPackable, match="its attention is off by"):
        check_precision(model, packing, alone(model), padded_of(model), blind, ALL, BF16)


def test_a_kernel_that_fails_with_dropout_alone_is_noticed() -> None:
    model = tiny("bert", SIZE)
    with pytest.raises(NotPackable, match="infinite"):
        check_dropout(model, Packing(model), layout_of(model, kernel=_broken), ALL, BF16)

    def unable(*_: Any) -> Tensor:
        raise RuntimeError("no dropout for such heads\nlong explanation")

    with pytest.raises(NotPackable, match=r"no dropout for such heads$"):
        check_dropout(model, Packing(model), layout_of(model, kernel=unable), ALL, BF16)


def test_a_piece_holds_the_rows_and_then_text_that_nobody_reads() -> None:
    data = split()
    typed = TokenizedSplit(
        data.tokens, data.offsets, (np.arange(76) % 2).astype(np.uint8), data.labels, data.rows
    )
    layout = StaticLayout(ResidentSplit.from_split(typed, CPU), position_offset=2)
    rows = np.array([3, 0, 5])
    piece = layout.build_micro_batch(torch.from_numpy(rows), 120)
    inputs = {name: tensor[0].numpy() for name, tensor in piece.inputs.items()}
    assert {len(values) for values in inputs.values()} == {120}
    start = 0
    for row in rows:
        source_slice = slice(data.offsets[row], data.offsets[row + 1])
        length = source_slice.stop - source_slice.start
        packed_slice = slice(start, start + length)
        assert inputs["input_ids"][packed_slice].tolist() == data.tokens[source_slice].tolist()
        assert inputs["token_type_ids"][packed_slice].tolist() == typed.types[source_slice].tolist()
        assert inputs["position_ids"][packed_slice].tolist() == list(range(2, 2 + length))
        start += length
    assert piece.spans.first.tolist() == [0, 30, 35]
    assert piece.labels.tolist() == data.labels[rows].tolist()

    spans: Any = piece.spans
    assert spans.is_filler.tolist() == [False] * 38 + [True] * 82
    ends = spans.all_sequences.cu_seqlens.tolist()
    assert ends[:4] == spans.real_sequences.cu_seqlens.tolist() == [0, 30, 35, 38]
    assert ends[-1] == 120
    assert max(np.diff(ends)) <= spans.all_sequences.max_seqlen == 30
    assert inputs["position_ids"].max() < 2 + 30


def test_the_shape_of_a_piece_follows_from_rows_and_length_alone() -> None:
    layout = StaticLayout(ResidentSplit.from_split(split(), CPU), 0)
    shapes = set()
    for rows in ([0, 5], [3, 1], [5, 5]):
        spans: Any = layout.build_micro_batch(torch.tensor(rows), 64).spans
        shapes.add((tuple(spans.all_sequences.cu_seqlens.shape), tuple(spans.is_filler.shape)))
    assert len(shapes) == 1


def test_few_lengths_hold_nearly_all_batches_with_little_left_over() -> None:
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.lognormal(4.1, 0.55, 2500), 12, 256).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    data = TokenizedSplit(
        np.ones(offsets[-1], np.int32), offsets, np.zeros(0, np.uint8),
        np.zeros(2500, np.int64), np.arange(2500),
    )  # fmt: skip
    layout = StaticLayout(ResidentSplit.from_split(data, CPU), 0)
    batches = [draw.choice(2500, 16, replace=False) for _ in range(1000)]
    static_lengths = np.array([layout.static_length(rows) for rows in batches])
    real = np.array([lengths[rows].sum() for rows in batches])
    assert (static_lengths >= real).all()
    assert (static_lengths % 64 == 0).all()
    assert static_lengths.sum() / real.sum() < 1.08
    counts = np.sort(np.unique(static_lengths, return_counts=True)[1])[::-1]
    assert counts[:8].sum() >= 985


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_a_step_waits_for_the_device(kind: str) -> None:
    model = tiny(kind, PACKS[kind])
    layout, packing, rows = layout_of(model), Packing(model), torch.arange(6)
    packing.switch_on_packing()
    with NoWaiting():  # type: ignore[no-untyped-call]
        piece = layout.build_micro_batch(rows, 128)
        logits = piece.compute_logits(model)
        torch.nn.functional.cross_entropy(logits, piece.labels).backward()  # type: ignore[no-untyped-call]


def test_what_is_packed_on_the_device_is_proven_first() -> None:
    data = SessionData("", DatasetFacts(["a", "b", "c"], {}, []), split(), split())
    model = tiny("roberta", SIZE)
    packing, padding = Packing(model), Padding(0)
    proof = prepare_proof(model, data, 0)
    device_packing = pack_on_device(model, data, proof, padding, packing, HALF)
    assert isinstance(device_packing.train, StaticLayout)
    assert isinstance(device_packing.validation, StaticLayout)
    assert device_packing.packing is packing
    assert "packed on the device" in device_packing.note
    assert all(parameter.grad is None for parameter in model.parameters())

    refused = tiny("mpnet", REFUSED["mpnet"])
    with pytest.raises(NotPackable, match="does not receive the spans"):
        pack_on_device(
            refused, data, prepare_proof(refused, data, 0), padding, Packing(refused), HALF
        )


def test_where_packing_is_not_possible_batches_are_padded_and_a_note_says_why(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    assert context.packing is not None
    context.packing.switch_off_packing()
    monkeypatch.setattr(layouts_module, "PACKERS", {})
    arguments = (context.model, context.data, context.padding)
    on_mps = layouts_module.choose_layouts(*arguments, CPU, context.techniques)
    assert isinstance(on_mps.train, PaddedLayout)
    assert on_mps.note.endswith("padded; cpu has no attention for packed rows")


def test_a_split_is_scored_as_from_host_packed_rows(make_context: ContextMaker) -> None:
    context = make_context()
    validation = context.data.validation
    static = StaticLayout(ResidentSplit.from_split(validation, CPU), 0)
    scores = [
        score_split(
            context.model, layout, validation, context.labels, CPU, context.autocast_context
        )
        for layout in (context.validation_layout, static)
    ]
    assert np.allclose(scores[0].logits, scores[1].logits, atol=1e-5)
    assert scores[0].confusion == scores[1].confusion
