"""Word embeddings of the rows in use: exact, whole on disk, and left alone where they must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.training.conftest import (
    GROUPS,
    ContextMaker,
    RecipeMaker,
    request_of,
    run_through,
    write_jsonl,
)
from tuner.pool.protocol import Completed, Setup
from tuner.training.row_gradients import RowGradients
from tuner.training.techniques import Techniques
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial
from tuner.training.vocabulary import UsedRowsEmbedding, UsedVocabulary, shrink_to_used_rows

FEW = [
    {"text": f"w0 w{number % 7 + 20} w{number % 5 + 30}", "label": "yes" if number % 2 else "no"}
    for number in range(24)
]
DECAYED: list[dict[str, Any]] = [
    {**group, "weight_decay": 0.3} if group["name"] == "embeddings" else group for group in GROUPS
]


@pytest.fixture
def few(tmp_path: Path) -> dict[str, str]:
    """Write data that needs 13 words of 60."""
    return {
        "train": str(write_jsonl(tmp_path / "train.jsonl", FEW)),
        "validation": str(write_jsonl(tmp_path / "validation.jsonl", FEW[:10])),
    }


def train_and_save_model(
    make_recipe: RecipeMaker, folder: Path, few: dict[str, str], **kind: Any
) -> Path:
    """Train a model for two epochs; return its folder."""
    recipe = make_recipe(kind["kind"], data=few, groups=DECAYED)
    setup = Setup(session=str(folder), recipe=recipe, device="cpu", threads=1)
    context = TrainerContext(setup, lambda *_: None, Techniques(used_rows=kind["used_rows"]))
    assert (context.vocabulary is not None) == kind["used_rows"]
    # The last evaluation is kept, whatever it is worth, so that both end at the same step.
    messages = run_through(context, request_of(context, keep="last", dropout=0.0))
    assert isinstance(messages[-1], Completed)
    return folder / "trials" / "0000" / "model"


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_the_saved_model_is_the_one_of_the_whole_vocabulary(
    kind: str, make_recipe: RecipeMaker, tmp_path: Path, few: dict[str, str]
) -> None:
    saved = [
        load_file(
            train_and_save_model(make_recipe, tmp_path / str(used), few, kind=kind, used_rows=used)
            / "model.safetensors"
        )
        for used in (False, True)
    ]
    assert saved[0].keys() == saved[1].keys()
    for name, tensor in saved[0].items():
        torch.testing.assert_close(saved[1][name], tensor, rtol=1e-4, atol=2e-6)


def test_rows_out_of_use_decay_as_adamw_would_have_it(
    make_recipe: RecipeMaker, models: Callable[[str], Path], tmp_path: Path, few: dict[str, str]
) -> None:
    folder = train_and_save_model(make_recipe, tmp_path / "s", few, kind="bert", used_rows=True)
    name = "embeddings.word_embeddings.weight"
    before = load_file(models("bert") / "model.safetensors")[name]
    after = load_file(folder / "model.safetensors")[f"bert.{name}"]
    unused = 4 + 50
    ratio = after[unused] / before[unused]
    assert 0.99 < float(ratio.mean()) < 1.0
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-6, atol=0.0)


def test_training_goes_on_with_the_same_tensors_after_a_save(
    make_context: ContextMaker, tmp_path: Path, few: dict[str, str]
) -> None:
    context = make_context("roberta", data=few)
    trial = Trial(context, request_of(context))
    trial.train_one_update()
    embedding: Any = context.model.get_input_embeddings()  # type: ignore[operator]
    weight, ids = embedding.weight, torch.from_numpy(np.array(context.data.train.tokens[:5])).long()
    vectors = embedding(ids)
    context.save_pretrained(tmp_path / "model")
    assert type(embedding) is UsedRowsEmbedding
    assert embedding.weight is weight
    assert embedding.num_embeddings == len(weight)
    assert torch.equal(embedding(ids), vectors)
    trial.train_one_update()


def test_counts_and_groups_are_those_of_the_whole_model(
    make_context: ContextMaker, few: dict[str, str]
) -> None:
    whole, small = (
        make_context("bert").ready_message(),
        make_context("bert", data=few).ready_message(),
    )
    assert (whole.parameters, whole.groups) == (small.parameters, small.groups)
    assert whole.model == small.model


class Shared(nn.Module):
    """A model with two names for its word embeddings."""

    def __init__(self, embedding: nn.Embedding, *, twice: bool) -> None:
        super().__init__()
        self.words = embedding
        self.out = nn.Linear(4, 64, bias=False)
        if twice:
            self.out.weight = embedding.weight

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words


@pytest.mark.parametrize(
    ("embedding", "twice", "fresh", "taken"),
    [
        (nn.Embedding(64, 4), False, set(), True),
        (nn.Embedding(64, 4), True, set(), False),
        (nn.Embedding(64, 4), False, {"words.weight"}, False),
        (nn.Embedding(64, 4, max_norm=1.0), False, set(), False),
        (type("Scaled", (nn.Embedding,), {})(64, 4), False, set(), False),
    ],
)
def test_only_a_plain_embedding_of_its_own_is_cut(
    embedding: nn.Embedding,
    twice: bool,
    fresh: set[str],
    taken: bool,
    make_context: ContextMaker,
    few: dict[str, str],
) -> None:
    data = make_context("bert", data=few).data
    used_vocabulary = shrink_to_used_rows(Shared(embedding, twice=twice), data, 0, fresh)
    assert isinstance(used_vocabulary, UsedVocabulary) == taken
    assert len(embedding.weight) == (len(used_vocabulary) if used_vocabulary is not None else 64)


def test_an_id_that_no_row_has_is_refused(make_context: ContextMaker, few: dict[str, str]) -> None:
    context = make_context("bert", data=few)
    embedding: Any = context.model.get_input_embeddings()  # type: ignore[operator]
    with pytest.raises(IndexError):
        embedding(torch.tensor([4 + 50]))


def gradient_of(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def test_row_gradients_are_those_of_an_embedding_update_after_update() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Embedding(9, 4, padding_idx=2)
    weight = torch.nn.Parameter(plain.weight.detach().clone())
    row_gradients = RowGradients(weight, padding=2)
    updates = [[[1, 2, 1]], [[5, 1]], [[7, 7], [2, 0]]]
    for micro_batches in updates:
        plain.zero_grad()
        weight.grad = None
        for rows in micro_batches:
            factors = torch.randn(1, len(rows), 4)
            places = torch.tensor([rows])
            assert torch.equal(row_gradients.look_up_rows(places), plain(places))
            (row_gradients.look_up_rows(places) * factors).sum().backward()  # type: ignore[no-untyped-call]
            (plain(places) * factors).sum().backward()
        assert torch.equal(gradient_of(weight), gradient_of(plain.weight))
