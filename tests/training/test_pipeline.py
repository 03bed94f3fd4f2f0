"""What tuner predicts is what transformers' own pipeline predicts from best/, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tests.training.conftest import learnable_rows, make_tokenizer, write_jsonl
from tuner.errors import TunerError
from tuner.pool.protocol import Setup
from tuner.recipe.types import ModelSection
from tuner.training.evaluate import score_split
from tuner.training.layouts import choose_layouts
from tuner.training.model import find_model_source, load_tokenizer, position_limit, save_tokenizer
from tuner.training.trainer_context import TrainerContext

MAX_LENGTH = 8
SIZE: dict[str, Any] = {
    "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2,
    "max_position_embeddings": 40,
}  # fmt: skip
XLNET = {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}
BART: dict[str, Any] = {
    "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    "max_position_embeddings": 40, "eos_token_id": 3, "decoder_start_token_id": 3,
}  # fmt: skip
DISTIL = {"dim": 16, "n_heads": 2, "hidden_dim": 32, "n_layers": 2}
T5: dict[str, Any] = {
    "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "eos_token_id": 3,
    "decoder_start_token_id": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A kind of model, the side its tokenizer pads on, and the side that is right."""

    kind: str
    config: dict[str, Any]
    own_side: str = "right"
    pipeline_side: str | None = "right"
    pairs: bool = False
    pad_token: str | None = "[PAD]"

    @property
    def name(self) -> str:
        """For the test's report."""
        return f"{self.kind} {self.own_side} {self.pad_token} {self.config.get('pad_token_id', '')}"


CASES = (
    Case("bert", SIZE, pairs=True),
    Case("roberta", SIZE | {"pad_token_id": 0}),
    Case("electra", SIZE | {"embedding_size": 8}, pairs=True),
    Case("distilbert", DISTIL),
    Case("albert", SIZE | {"embedding_size": 8}, pairs=True),
    Case("deberta-v2", SIZE | {"relative_attention": True, "pos_att_type": ["p2c"]}),
    Case("mpnet", SIZE, pairs=True),
    Case("modernbert", SIZE),
    Case("esm", SIZE | {"mask_token_id": 1}),
    Case(
        "bloom",
        {"hidden_size": 16, "n_layer": 2, "n_head": 2},
        own_side="left",
        pipeline_side="left",
    ),
    Case("xlnet", XLNET, own_side="left", pipeline_side="left", pairs=True),
    Case("xlnet", XLNET, own_side="right", pipeline_side="left"),
    Case("gpt2", GPT2),
    Case("gpt2", GPT2, own_side="left", pipeline_side="right", pairs=True),
    Case("gpt2", GPT2 | {"pad_token_id": 7}),
    Case("gpt2", GPT2 | {"pad_token_id": None}, pad_token=None),
    Case("llama", SIZE, own_side="left", pipeline_side="left"),
    Case("opt", SIZE | {"ffn_dim": 32, "word_embed_proj_dim": 16}, pairs=True),
    Case("t5", T5),
    Case("bart", BART, pairs=True),
    Case("fnet", SIZE, pipeline_side=None),
    Case("fnet", SIZE, pipeline_side=None, pairs=True),
    Case("convbert", SIZE | {"embedding_size": 16}, pipeline_side=None, pairs=True),
)


def make_model(folder: Path, case: Case) -> Path:
    """Make a tiny random model of a kind with a word tokenizer."""
    from transformers import AutoConfig, AutoModel

    size = make_tokenizer(folder)
    torch.manual_seed(3)
    config = {"vocab_size": size, "pad_token_id": 0} | case.config
    model = AutoModel.from_config(AutoConfig.for_model(case.kind, **config))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | {"padding_side": case.own_side}
    settings |= {"pad_token": case.pad_token, "eos_token": "[SEP]"}
    if case.kind not in ("bert", "electra", "albert", "xlnet"):
        settings["model_input_names"] = ["input_ids", "attention_mask"]
    path.write_text(json.dumps(settings))
    return folder


def make_context(folder: Path, case: Case, tell: Callable[[str, str], None]) -> TrainerContext:
    """Make a trainer for the rows in `folder`."""
    recipe = {
        "model": {"name": str(make_model(folder / "model", case)), "max_length": MAX_LENGTH},
        "data": {
            "train": str(folder / "train.jsonl"), "validation": str(folder / "validation.jsonl"),
            "text": ["text", "other"] if case.pairs else ["text"], "label": "label",
        },
        "groups": [{"name": "rest", "rest": True, "lr": 1e-3}],
        # As the pipeline computes, whatever is faster here.
        "training": {"precision": "fp32", "kernels": "torch"},
    }  # fmt: skip
    setup = Setup(session=str(folder / "session"), recipe=recipe, device="cpu", threads=1)
    return TrainerContext(setup, tell)


def write_rows(folder: Path, pairs: bool) -> list[Any]:
    """Rows of many lengths, longer ones than are kept, too, and one with special tokens in it.

    Returns what a pipeline takes.
    """
    rows: list[dict[str, str]] = []
    for name, seed in (("train", 1), ("validation", 2)):
        rows = learnable_rows(24, seed)
        rows[3]["text"] = "w1 [SEP] w0 [PAD][CLS]"
        rows = [
            row | {"other": paired_row["text"]}
            for row, paired_row in zip(rows, rows[::-1], strict=True)
        ]
        write_jsonl(folder / f"{name}.jsonl", rows)
    if pairs:
        return [{"text": row["text"], "text_pair": row["other"]} for row in rows]
    return [row["text"] for row in rows]


def probabilities(answers: list[Any], labels: list[str]) -> npt.NDArray[np.float64]:
    """Rows × labels, from what a pipeline returns with `top_k=None`."""
    by_name = [{entry["label"]: entry["score"] for entry in row} for row in answers]
    return np.array([[row[label] for label in labels] for row in by_name])


def move_weights(context: TrainerContext) -> None:
    """As if it had been trained: answers that differ from row to row."""
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in context.model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pipeline_answers_as_tuner_does(case: Case, tmp_path: Path) -> None:
    from transformers import pipeline

    inputs = write_rows(tmp_path, case.pairs)
    warnings: list[str] = []
    context = make_context(tmp_path, case, lambda _level, text: warnings.append(text))
    assert context.padding.side == case.pipeline_side
    assert len(warnings) == (case.own_side != case.pipeline_side)
    move_weights(context)
    expected = score_split(
        context.model, context.validation_layout, context.data.validation, context.labels,
        context.device, context.autocast_context,
    )  # fmt: skip
    context.save_pretrained(tmp_path / "best")
    card = (tmp_path / "best" / "README.md").read_text(encoding="utf-8")
    assert f"cut at {MAX_LENGTH} tokens" in card
    assert ("batch_size` at 1" in card) == (case.pipeline_side is None)
    classify = pipeline("text-classification", str(tmp_path / "best"), device="cpu")
    for batch_size in (1, 5) if case.pipeline_side else (1,):
        answers = classify(inputs, top_k=None, truncation=True, batch_size=batch_size)
        pipeline_probabilities = probabilities(answers, context.labels)
        assert np.ptp(pipeline_probabilities[:, 0]) > 1e-3
        assert np.allclose(pipeline_probabilities, expected.probabilities, atol=1e-5)


class Neighbours(torch.nn.Module):
    """Adds what is peculiar to the batch to every answer, as a norm over a batch does."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Unscaled scores, rows × classes."""
        return scores + float(len(scores))


def test_a_model_whose_rows_see_each_other_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path, pairs=False)
    context = make_context(tmp_path, Case("bert", SIZE), lambda *_: None)
    assert context.packing is not None
    context.packing.switch_off_packing()
    model: Any = context.model
    model.classifier = torch.nn.Sequential(model.classifier, Neighbours())
    with pytest.raises(
        TunerError, match="prediction for a row depends on the other rows of its batch"
    ):
        choose_layouts(model, context.data, context.padding, context.device, context.techniques)


def test_texts_of_one_length_prove_padding_all_the_same(tmp_path: Path) -> None:
    for name in ("train", "validation"):
        rows = [{"text": f"w{n} w2 w3 w{n + 5}", "label": str(n % 2)} for n in range(8)]
        write_jsonl(tmp_path / f"{name}.jsonl", [row | {"other": "w1"} for row in rows])
    assert make_context(tmp_path, Case("fnet", SIZE), lambda *_: None).padding.side is None


def test_the_tokenizer_in_best_limits_no_later_session(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    write_rows(tmp_path, pairs=False)
    context = make_context(tmp_path, Case("xlnet", XLNET), lambda *_: None)
    context.save_pretrained(tmp_path / "best")
    source = find_model_source(ModelSection(str(tmp_path / "best")))
    tokenizer = load_tokenizer(source)
    assert tokenizer.model_max_length == MAX_LENGTH
    assert position_limit(context.model, context.model.config, tokenizer) == 32
    save_tokenizer(tokenizer, tmp_path / "again", 16, "left")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again.model_max_length == 16
    assert position_limit(context.model, context.model.config, again) == 32
    assert json.loads((tmp_path / "best" / "tokenizer.json").read_text())["truncation"] == {
        "direction": "Right", "max_length": MAX_LENGTH, "strategy": "LongestFirst", "stride": 0,
    }  # fmt: skip
