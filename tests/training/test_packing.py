"""Packed rows give what padded batches give, or the model is refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tuner.training.batches import PaddedLayout, SingleRowLayout
from tuner.training.dropout import CheapDropout, make_dropout_cheap, random_keep_mask
from tuner.training.model import position_offset
from tuner.training.packing import NotPackable, PackedLayout, Packing
from tuner.training.parity import Outcome, check_packing, exact_outcome
from tuner.training.spans import HostSpans
from tuner.training.tokens import TokenizedSplit

LENGTHS = np.array([5, 17, 9, 30, 12, 3])
SIZE: dict[str, Any] = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "max_position_embeddings": 80,
}
DISTIL = {"vocab_size": 200, "dim": 32, "n_heads": 4, "hidden_dim": 64, "n_layers": 3}
PACKS = {
    "bert": SIZE,
    "roberta": SIZE,
    "electra": SIZE | {"embedding_size": 16},
    "camembert": SIZE,
    "distilbert": DISTIL,
}
REFUSED = {
    "albert": SIZE | {"embedding_size": 16},
    "deberta-v2": SIZE | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "mpnet": SIZE,
    "modernbert": SIZE | {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2},
}


def tiny(model_type: str, sizes: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, num_labels=3, **sizes)
    return AutoModelForSequenceClassification.from_config(config)


def split() -> TokenizedSplit:
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)])
    tokens = np.random.default_rng(0).integers(10, 200, int(LENGTHS.sum())).astype(np.int32)
    labels = np.array([0, 1, 2, 0, 1, 2])
    return TokenizedSplit(tokens, offsets, np.zeros(0, np.uint8), labels, np.arange(6))


def alone(model: Any) -> Outcome:
    """Run each of the six rows by itself."""
    return exact_outcome(model, SingleRowLayout(split(), torch.device("cpu")), np.arange(6))


def check(model: Any, *, first_token_only: bool = True) -> Packing:
    device, rows = torch.device("cpu"), split()
    packing = Packing(model, first_token_only=first_token_only)
    packed = PackedLayout(rows, position_offset(model), device)
    check_packing(model, packing, alone(model), packed, np.arange(6))
    return packing


@pytest.mark.parametrize("model_type", PACKS)
@pytest.mark.parametrize("first_token_only", [True, False])
def test_logits_and_gradients_are_those_of_rows_alone(
    model_type: str, first_token_only: bool
) -> None:
    model = tiny(model_type, PACKS[model_type])
    packing = check(model, first_token_only=first_token_only)
    if not first_token_only:
        assert not packing.first_token_only
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("model_type", REFUSED)
def test_a_model_that_would_be_wrong_in_silence_is_refused(model_type: str) -> None:
    model = tiny(model_type, REFUSED[model_type])
    with pytest.raises(NotPackable) as reason:
        check(model)
    assert str(reason.value)
    assert "\n" not in str(reason.value)


def test_wrong_positions_are_noticed() -> None:
    model, device, rows = tiny("bert", SIZE), torch.device("cpu"), split()
    packed = PackedLayout(rows, 3, device)
    with pytest.raises(NotPackable, match="differ from those of rows alone"):
        check_packing(model, Packing(model), alone(model), packed, np.arange(6))


def test_switched_off_a_model_is_what_it_was() -> None:
    model = tiny("bert", SIZE).eval()
    piece = next(
        PaddedLayout(split(), 0, torch.device("cpu")).iter_micro_batches(np.arange(6), 1 << 40)
    )[1]
    before = piece.compute_logits(model)
    packing = check(model)
    packing.switch_on_packing()
    with packing.packing_switched_off():
        assert torch.equal(piece.compute_logits(model), before)
    packing.switch_off_packing()
    assert torch.equal(piece.compute_logits(model), before)


@pytest.mark.parametrize("firsts", [False, True])
def test_attention_within_spans_has_the_right_values_and_gradients(firsts: bool) -> None:
    torch.manual_seed(1)
    spans = HostSpans.from_lengths([3, 1, 4], torch.device("cpu"))
    key, value = (torch.randn(8, 2, 5, dtype=torch.float64, requires_grad=True) for _ in "kv")
    query = torch.randn(3 if firsts else 8, 2, 5, dtype=torch.float64, requires_grad=True)
    attention = spans.attend(query, key, value, 0.4, 0.0)
    row = 0
    for start, length in zip(spans.starts, spans.lengths, strict=True):
        key_slice, query_count = slice(start, start + length), 1 if firsts else length
        rows = slice(row, row + query_count)
        scores = torch.einsum("qhd,khd->hqk", query[rows], key[key_slice]) * 0.4
        expected = torch.einsum("hqk,khd->qhd", scores.softmax(-1), value[key_slice])
        assert torch.allclose(attention[rows], expected)
        row += query_count

    def attend_spans(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return spans.attend(q, k, v, 0.4, 0.0)

    assert torch.autograd.gradcheck(attend_spans, (query, key, value))


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_that_it_says(probability: float) -> None:
    torch.manual_seed(3)
    keep, scale = random_keep_mask(400_001, probability, torch.float32)
    assert set(torch.unique(keep).tolist()) == {0.0, 1.0}
    assert float(keep.mean()) == pytest.approx(1 - probability, abs=0.004)
    assert scale == pytest.approx(1 / (1 - probability), rel=1e-4)
    lag = float((keep[:-1] * keep[1:]).mean())
    assert lag == pytest.approx((1 - probability) ** 2, abs=0.004)


def test_cheap_dropout_scales_its_gradient_like_its_output() -> None:
    torch.manual_seed(4)
    model = torch.nn.Sequential(torch.nn.Dropout(0.3))
    assert make_dropout_cheap(model) == 1
    assert isinstance(model[0], CheapDropout)
    x = torch.ones(1000, requires_grad=True)
    output = model(x)
    output.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, output.detach())
    assert torch.equal(model.eval()(x), x)
