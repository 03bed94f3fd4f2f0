"""The packaged data and model: what `python -m tuner.demo.build` makes, small, and loadable."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

from tuner.demo import demo_data_folder, demo_model_folder
from tuner.demo.build import (
    SPLITS,
    Pretraining,
    build_data_splits,
    build_demo_model,
    largest_difference,
    tokenizer_vocabulary,
)
from tuner.demo.message_generator import LABELS, generate_messages

MEGABYTE = 2**20


def _rows(name: str) -> list[dict[str, str]]:
    lines = (demo_data_folder() / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_rebuilt_data_are_the_packaged_bytes(tmp_path: Path) -> None:
    build_data_splits(tmp_path)
    for name in SPLITS:
        assert (tmp_path / name).read_bytes() == (demo_data_folder() / name).read_bytes()


@pytest.mark.parametrize("name", SPLITS)
def test_rows_have_text_and_label(name: str) -> None:
    rows = _rows(name)
    assert len(rows) == SPLITS[name][0]
    assert all(row.keys() == {"text", "label"} for row in rows)
    labels = Counter(row["label"] for row in rows)
    assert set(labels) == set(LABELS)
    assert 0.26 < labels[LABELS[0]] / len(rows) < 0.33


def test_splits_share_no_text() -> None:
    texts = [row["text"] for name in SPLITS for row in _rows(name)]
    assert len(texts) == len(set(texts))


def test_assets_are_small() -> None:
    assert (demo_model_folder() / "model.safetensors").stat().st_size <= 4 * MEGABYTE
    files = [file for file in demo_model_folder().parent.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 4 * MEGABYTE


def test_model_loads_as_a_classifier_with_a_fresh_head() -> None:
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        demo_model_folder(), num_labels=6
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(demo_model_folder())
    batch = tokenizer(["The tap is leaking.", "Hello"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**batch).logits
    assert model.config.model_type == "bert"
    assert model.config.hidden_dropout_prob == 0.1
    assert logits.shape == (2, 6)
    assert torch.isfinite(logits).all()


def test_tokenizer_knows_the_messages_and_spells_other_words() -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(demo_model_folder())
    assert tokenizer.get_vocab() == {token: i for i, token in enumerate(tokenizer_vocabulary())}
    texts = [row.text for row in generate_messages(300, seed=9)]
    assert all(tokenizer.unk_token_id not in ids for ids in tokenizer(texts)["input_ids"])
    assert max(len(ids) for ids in tokenizer(texts)["input_ids"]) <= tokenizer.model_max_length
    assert tokenizer.tokenize("Taps") == ["tap", "##s"]
    assert "[UNK]" not in tokenizer.tokenize("My xylophone squeaks!")


def test_pretraining_was_learned() -> None:
    model: Any = AutoModelForMaskedLM.from_pretrained(demo_model_folder())
    tokenizer: Any = AutoTokenizer.from_pretrained(demo_model_folder())
    batch = tokenizer("The pothole on the [MASK] damaged my tyre.", return_tensors="pt")
    with torch.inference_mode():
        scores = model(**batch).logits[batch["input_ids"] == tokenizer.mask_token_id][0]
    likeliest = tokenizer.convert_ids_to_tokens(scores.topk(3).indices.tolist())
    assert set(likeliest) & {"hill", "bridge", "corner", "avenue"}


def test_pretraining_is_deterministic(tmp_path: Path) -> None:
    short = Pretraining(steps=3, warmup=1, batch_size=8)
    build_demo_model(tmp_path / "one", short)
    torch.rand(1)
    build_demo_model(tmp_path / "two", short)
    assert largest_difference(tmp_path / "one", tmp_path / "two") == 0.0
    assert largest_difference(tmp_path / "one", demo_model_folder()) > 0.01


def test_folders_are_known_without_torch() -> None:
    code = "import sys, tuner.demo, tuner.demo.message_generator; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
