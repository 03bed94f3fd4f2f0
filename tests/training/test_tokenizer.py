"""Tokenizers of every kind: no text gives a control token, and what is lacking is made up for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    ByT5Tokenizer,
)
from transformers import PreTrainedTokenizerFast as Fast

import tuner.training.tokens as tokens_module
from tuner.errors import TunerError
from tuner.recipe.types import ModelSection
from tuner.training.model import find_model_source, load_tokenizer
from tuner.training.text_facts import RowCount
from tuner.training.tokenizer import (
    adapt_tokenizer,
    control_token_ids,
    encode_control_tokens_as_text,
)
from tuner.training.tokens import tokenize_rows

CORPUS = ["the bin is full of <paper> and [glass] / | s e p", "a mask on a pad ends of text"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[CLS]", "[SEP]", "[PAD]", "<|endoftext|>"]
ROLES = {
    "bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>",
    "mask_token": "<mask>", "cls_token": "[CLS]", "sep_token": "[SEP]",
}  # fmt: skip
ODD = [
    "</s>", "a</s>b", "<s><s>", "x [SEP] y", "[sep]", "</S>", "<mask> </s>", "<pad>", " <pad> ",
    "a\n</s>\n", "<unk>", "[CLS][CLS]",
]  # fmt: skip


def word_level(tokenizer: Tokenizer) -> Any:
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return trainers.WordLevelTrainer(special_tokens=SPECIAL)


def word_piece(tokenizer: Tokenizer) -> Any:
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return trainers.WordPieceTrainer(special_tokens=SPECIAL)


def byte_pairs(tokenizer: Tokenizer) -> Any:
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trainers.BpeTrainer(special_tokens=SPECIAL, initial_alphabet=alphabet)


def unigram(tokenizer: Tokenizer) -> Any:
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return trainers.UnigramTrainer(special_tokens=SPECIAL, unk_token="<unk>", vocab_size=60)


def unigram_with_blanks_replaced(tokenizer: Tokenizer) -> Any:
    trainer = unigram(tokenizer)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    blanks = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    tokenizer.normalizer = normalizers.Sequence(blanks)
    return trainer


KINDS: dict[str, tuple[Any, Callable[[Tokenizer], Any]]] = {
    "words": (models.WordLevel(unk_token="<unk>"), word_level),
    "pieces": (models.WordPiece(unk_token="<unk>"), word_piece),
    "byte pairs": (models.BPE(unk_token="<unk>"), byte_pairs),
    "unigram": (models.Unigram(), unigram),
    "blanks replaced": (models.Unigram(), unigram_with_blanks_replaced),
}


def make(kind: str, roles: dict[str, str] = ROLES, **more: Any) -> Any:
    """Train a tokenizer on a few words, its template <s> … </s>."""
    model, prepare = KINDS[kind]
    tokenizer = Tokenizer(model)
    tokenizer.train_from_iterator(CORPUS, prepare(tokenizer))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return Fast(tokenizer_object=tokenizer, **roles, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_gives_a_control_token(kind: str, tmp_path: Path) -> None:
    tokenizer = make(kind)
    before = tokenizer(CORPUS)["input_ids"]
    encode_control_tokens_as_text(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    saved = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer(CORPUS)["input_ids"] == before
    for text in ODD:
        first, *content_ids, last = tokenizer(text)["input_ids"]
        assert (first, last) == (0, 2)
        assert not set(content_ids) & set(control_token_ids(tokenizer)), text
        assert saved(text)["input_ids"] == [first, *content_ids, last], text


def test_markers_and_ordinary_added_tokens_are_still_found(tmp_path: Path) -> None:
    tokenizer = make("byte pairs", additional_special_tokens=["<e1>"])
    tokenizer.add_tokens(["<url>"])
    markers = tokenizer.convert_tokens_to_ids(["<e1>", "<url>"])
    encode_control_tokens_as_text(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    for checked_tokenizer in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        ids = checked_tokenizer("a <e1> b <url> </s>")["input_ids"]
        assert [i for i in ids[1:-1] if i in markers] == markers
        assert 2 not in ids[1:-1]


def test_a_tokenizer_written_in_python_gives_up_its_special_tokens_or_none(tmp_path: Path) -> None:
    tokenizer = ByT5Tokenizer(extra_ids=2)
    encode_control_tokens_as_text(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    for checked_tokenizer in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        assert checked_tokenizer("a</s>")["input_ids"] == [*(byte + 3 for byte in b"a</s>"), 1]
    texts = [["a", "<extra_id_0>", "</s>b"]]
    facts = tokenize_rows(tokenizer, texts, np.arange(3), np.arange(3), 30)[1]
    assert (facts.control, facts.leaked) == (RowCount(2, 1), RowCount())
    url = ByT5Tokenizer(extra_ids=0)
    url.add_tokens(["<url>"])
    encode_control_tokens_as_text(url)
    assert url("<url>")["input_ids"] == [url.convert_tokens_to_ids("<url>"), 1]
    assert tokenize_rows(url, texts, np.arange(3), np.arange(3), 30)[1].leaked == RowCount(1, 2)


def test_making_it_so_twice_changes_nothing(tmp_path: Path) -> None:
    tokenizer = make("unigram")
    encode_control_tokens_as_text(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    encode_control_tokens_as_text(again)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_odd_rows_are_counted_and_rows_without_a_token_left_out() -> None:
    tokenizer = make("words")
    encode_control_tokens_as_text(tokenizer)
    texts = ["the bin", "", "qqq", "bin </s>", "bin " * 9, "\u200b"]
    labels, rows = np.arange(6), np.arange(6)
    split, facts = tokenize_rows(tokenizer, [texts], labels, rows, 6)
    assert len(split) == 6
    assert (facts.no_text, facts.cut) == (RowCount(1, 1), RowCount(1, 4))
    assert (facts.all_unknown, facts.control) == (RowCount(2, 2), RowCount(1, 3))
    assert (facts.no_tokens, facts.leaked) == (RowCount(), RowCount())
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A")
    split, facts = tokenize_rows(tokenizer, [texts], labels, rows, 6)
    assert facts.no_tokens == RowCount(1, 1)
    assert split.rows.tolist() == split.labels.tolist() == [0, 2, 3, 4, 5]
    assert split.lengths.tolist() == [2, 1, 3, 6, 1]


def test_half_a_character_is_read_as_a_question_mark() -> None:
    tokenizer = make("byte pairs")
    texts = ["bin", "bin \ud83d", "bin ?", "\U0001f600"]
    split, facts = tokenize_rows(tokenizer, [texts], np.arange(4), np.arange(4), 30)
    assert facts.halves == RowCount(1, 1)
    first, second = split.offsets[1:3], split.offsets[2:4]
    assert split.tokens[slice(*first)].tolist() == split.tokens[slice(*second)].tolist()


def test_a_row_that_cannot_be_tokenized_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = make("words")
    encode = tokens_module._encode_texts

    def refuse(tokenizer: Any, columns: Any, max_length: int, with_types: bool) -> Any:
        if "bad" in columns[0]:
            raise ValueError("no such character\nanywhere")
        return encode(tokenizer, columns, max_length, with_types)

    monkeypatch.setattr(tokens_module, "_encode_texts", refuse)
    with pytest.raises(TunerError, match=r"^row 3 of t.csv cannot be tokenized: ValueError: no"):
        tokenize_rows(
            tokenizer, [["a", "bin", "bad"]], np.arange(3), np.array([0, 1, 2]), 9, "t.csv"
        )


def test_the_template_of_pairs_is_not_taken_for_text() -> None:
    tokenizer = make("words")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    encode_control_tokens_as_text(tokenizer)
    texts = [["the bin", "bin", "", "a </s>"], ["a pad", "", "", "a"]]
    _, facts = tokenize_rows(tokenizer, texts, np.arange(4), np.arange(4), 9)
    assert (facts.no_text, facts.control) == (RowCount(1, 2), RowCount(1, 3))
    assert (facts.leaked, facts.all_unknown) == (RowCount(), RowCount())


# --- fitted to a model


def fit(tokenizer: Any, kind: str = "bert", **config: Any) -> list[str]:
    """Fit it to a small model of a kind without weights; returns the warnings."""
    sizes = {
        "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32,
        "num_hidden_layers": 1, "pad_token_id": 1, "vocab_size": len(tokenizer),
    }  # fmt: skip
    model_config = AutoConfig.for_model(kind, **sizes | config)
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(model_config)
    return adapt_tokenizer(tokenizer, model, model_config, "tiny")


def without(*roles: str) -> Any:
    """Make a tokenizer that lacks these roles."""
    return make("words", {role: token for role, token in ROLES.items() if role not in roles})


ALL_BUT_UNKNOWN = tuple(role for role in ROLES if role != "unk_token")


def test_a_tokenizer_that_fits_is_left_as_it_is() -> None:
    assert fit(make("words")) == []


@pytest.mark.parametrize(
    ("missing", "spare", "pad"),
    [
        (["pad_token"], 0, "</s>"),
        (["pad_token", "eos_token"], 0, "[SEP]"),
        (ALL_BUT_UNKNOWN, 3, "[PAD]"),
        (ALL_BUT_UNKNOWN, 0, "<unk>"),
    ],
)
def test_something_safe_stands_in_for_a_padding_token(
    missing: list[str], spare: int, pad: str
) -> None:
    tokenizer = without(*missing)
    warnings = fit(tokenizer, vocab_size=len(tokenizer) + spare)
    assert "no padding token" in warnings[0]
    assert f'"{pad}"' in warnings[0]
    assert tokenizer.pad_token == pad
    assert tokenizer.pad_token_id < len(tokenizer) + spare


def test_where_nothing_can_be_padded_with_it_is_said() -> None:
    with pytest.raises(TunerError, match="no padding token"):
        fit(without(*ROLES))


def test_two_padding_ids_are_said_and_one_is_used() -> None:
    tokenizer = make("words")
    assert "pads with id 1, the model with 4: 1 is used" in fit(tokenizer, pad_token_id=4)[0]
    # RoBERTa counts positions from its padding.
    assert "4 is used" in fit(tokenizer, "roberta", pad_token_id=4)[0]
    assert tokenizer.pad_token_id == 4


def test_a_tokenizer_of_another_size_is_said() -> None:
    tokenizer = make("words")
    size = len(tokenizer)
    assert f"the model has embeddings for {size - 1} only" in fit(tokenizer, vocab_size=size - 1)[0]
    assert "is it another model's?" in fit(tokenizer, vocab_size=3 * size)[0]
    tokenizer.add_special_tokens({"pad_token": "<new>"})
    with pytest.raises(TunerError, match='padding token "<new>" has id'):
        fit(tokenizer, vocab_size=size)


@pytest.mark.parametrize(
    ("kind", "config", "kept"),
    [
        ("bert", {}, True),
        ("roberta", {"type_vocab_size": 1}, False),
        ("roberta", {"type_vocab_size": 2}, True),
        ("distilbert", {"dim": 16, "n_heads": 2}, False),
    ],
)
def test_token_types_are_for_models_that_have_some(
    kind: str, config: dict[str, Any], kept: bool, tmp_path: Path
) -> None:
    names = ["input_ids", "token_type_ids", "attention_mask"]
    tokenizer = make("words", model_input_names=names)
    fit(tokenizer, kind, **config)
    tokenizer.save_pretrained(tmp_path)
    for checked_tokenizer in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        assert ("token_type_ids" in checked_tokenizer("the bin")) == kept


@pytest.mark.parametrize(
    ("installed", "says"),
    [
        ((), "pip install sentencepiece protobuf"),
        (("sentencepiece",), "pip install protobuf"),
        (("sentencepiece", "google.protobuf"), "the file is damaged"),
    ],
)
def test_a_vocabulary_that_cannot_be_read_is_told_by_its_cause(
    installed: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.training.packages._is_installed", lambda module: module in installed)
    AutoConfig.for_model("t5").save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    (tmp_path / "spiece.model").write_bytes(b"no sentencepiece model")
    with pytest.raises(TunerError) as caught:
        load_tokenizer(find_model_source(ModelSection(str(tmp_path))))
    assert says in str(caught.value)
