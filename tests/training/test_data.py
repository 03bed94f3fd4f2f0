"""Division, sealing, tokens and their cache."""

from __future__ import annotations

import builtins
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tuner.training.data as data_module
import tuner.training.score as score_module
import tuner.training.tokens as tokens_module
from tests.training.conftest import (
    ContextMaker,
    RecipeMaker,
    learnable_rows,
    of_kind,
    request_of,
    run_through,
    write_jsonl,
)
from tuner.errors import TunerError
from tuner.pool.protocol import Evaluated
from tuner.recipe.load import parse_recipe
from tuner.training.data import load_session_data
from tuner.training.inputs import prepare_session_data
from tuner.training.model import find_model_source, load_tokenizer
from tuner.training.score import score_sealed_rows
from tuner.training.sealed import read_sealed_rows
from tuner.training.split import stratified_cut


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=6),
    share=st.floats(0.2, 0.8),
    seed=st.integers(0, 9),
)
def test_a_cut_is_a_stratified_partition(counts: list[int], share: float, seed: int) -> None:
    classes = np.repeat(np.arange(len(counts)), counts)
    kept_rows, cut = stratified_cut(classes, share, seed)
    assert np.array_equal(np.sort(np.concatenate([kept_rows, cut])), np.arange(len(classes)))
    for number, count in enumerate(counts):
        cut_count = int(np.sum(classes[cut] == number))
        assert abs(cut_count - count * share) <= 1
        assert cut_count < count
    again = stratified_cut(classes, share, seed)
    assert np.array_equal(again[1], cut)


@pytest.mark.parametrize("before", [None, 7])
def test_tokenizing_leaves_no_mark_on_the_tokenizer(
    make_recipe: RecipeMaker, before: int | None
) -> None:
    recipe = parse_recipe(make_recipe(), "")
    tokenizer = load_tokenizer(find_model_source(recipe.model, None))
    if before is not None:
        tokenizer.backend_tokenizer.enable_truncation(max_length=before)
    saved = tokenizer.backend_tokenizer.to_str()
    tokens_module.tokenize_rows(tokenizer, [["w1 w2 w3"]], np.zeros(1, np.int64), np.arange(1), 4)
    assert tokenizer.backend_tokenizer.to_str() == saved


def test_half_of_277_rows_is_138_and_139() -> None:
    classes = np.array([0] * 146 + [1] * 131)
    kept_rows, cut = stratified_cut(classes, 0.5, 4)
    assert (len(kept_rows), len(cut)) == (138, 139)
    assert not np.array_equal(stratified_cut(classes, 0.5, 5)[1], cut)


def test_too_small_a_share_is_refused() -> None:
    with pytest.raises(TunerError, match="leaves one side"):
        stratified_cut(np.array([0, 1, 0, 1]), 0.01, 0)


Loader = Callable[..., data_module.SessionData]


@pytest.fixture
def loaded(make_recipe: RecipeMaker, tmp_path: Path) -> Loader:
    """Return a loader for the data of a plain recipe with changes to its sections."""

    def load(**sections: Any) -> data_module.SessionData:
        recipe = parse_recipe(make_recipe("bert", **sections), "")
        tokenizer = load_tokenizer(find_model_source(recipe.model))
        return load_session_data(recipe, tokenizer, recipe.model.max_length, tmp_path / "session")

    return load


def test_tokens_are_those_of_the_tokenizer(loaded: Loader, make_recipe: RecipeMaker) -> None:
    recipe = parse_recipe(make_recipe(), "")
    tokenizer = load_tokenizer(find_model_source(recipe.model))
    split = loaded().train
    texts = [row["text"] for row in learnable_rows(64, 1)]
    for row in (0, 7, 63):
        token_slice = slice(split.offsets[row], split.offsets[row + 1])
        assert split.tokens[token_slice].tolist() == tokenizer(texts[row])["input_ids"]
    assert split.labels.tolist() == [number % 2 for number in range(64)]


def test_pairs_have_token_types_and_cut_rows_are_counted(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    rows = [{"a": "w1 " * 9, "b": "w2 " * n, "label": n % 2} for n in range(1, 21)]
    path = write_jsonl(tmp_path / "pairs.jsonl", rows)
    changes = {"train": str(path), "validation": 0.5, "text": ["a", "b"]}
    recipe = parse_recipe(make_recipe(data=changes, model={"max_length": 16}), "")
    tokenizer = load_tokenizer(find_model_source(recipe.model))
    data = load_session_data(recipe, tokenizer, 16, tmp_path / "session")
    assert set(data.train.types.tolist()) == {0, 1}
    assert int(data.train.lengths.max()) == 16
    cut = sum(9 + int(row) + 1 + 3 > 16 for row in data.train.rows)
    assert data.facts.texts["train"].cut.count == cut
    assert data.facts.labels == ["0", "1"]


def test_a_warm_cache_needs_neither_datasets_nor_the_files_contents(
    loaded: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = loaded()
    real_import = builtins.__import__

    def guarded_import(name: str, *args: Any, **kwargs: Any) -> Any:
        assert name.split(".")[0] not in ("datasets", "pandas", "pyarrow")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", guarded_import)
    monkeypatch.setattr(data_module, "read_source_rows", None)
    warm = loaded()
    assert np.array_equal(cold.train.tokens, warm.train.tokens)
    assert isinstance(warm.train.tokens, np.ndarray)


def test_importing_the_trainer_imports_no_heavy_library() -> None:
    program = "import sys, tuner.training.serve, tuner.training.__main__; print([m for m in "
    program += "('torch', 'transformers', 'datasets', 'numpy', 'optuna') if m in sys.modules])"
    import_check = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert import_check.stdout.strip() == "[]"


def test_a_damaged_cache_is_made_again(loaded: Loader, tmp_path: Path) -> None:
    first = loaded()
    path = tmp_path / "session" / "cache" / first.key / "train.tokens.npy"
    path.write_bytes(path.read_bytes()[:-8])
    assert np.array_equal(loaded().train.tokens, first.train.tokens)


def test_another_tokenizer_length_or_split_is_another_cache(loaded: Loader) -> None:
    keys = {
        loaded().key,
        loaded(model={"max_length": 10}).key,
        loaded(data={"holdout": 0.5}).key,
        loaded(data={"holdout": 0.5, "split_seed": 1}).key,
    }
    assert len(keys) == 4


def test_data_that_changed_under_a_session_is_refused(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", learnable_rows(20, 5))
    recipe = parse_recipe(make_recipe(data={"train": str(path)}), "")
    tokenizer = load_tokenizer(find_model_source(recipe.model))
    load_session_data(recipe, tokenizer, 24, tmp_path / "session")
    write_jsonl(path, learnable_rows(20, 6))
    with pytest.raises(TunerError, match="has changed since this session began"):
        load_session_data(recipe, tokenizer, 24, tmp_path / "session")
    load_session_data(recipe, tokenizer, 24, tmp_path / "another")


def test_a_label_that_train_lacks_is_noted(loaded: Loader, tmp_path: Path) -> None:
    rows = [*learnable_rows(10, 3), {"text": "w3", "label": "maybe"}]
    path = write_jsonl(tmp_path / "v.jsonl", rows)
    facts = loaded(data={"validation": str(path)}).facts
    assert facts.labels == ["maybe", "no", "yes"]
    assert facts.notes == ["no training row has the label 'maybe'"]


def test_sealed_rows_are_not_tokenized_before_they_are_scored(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenized: list[int] = []
    real = tokens_module.tokenize_rows

    def spying(tokenizer: Any, texts: Any, labels: Any, rows: Any, *more: Any) -> Any:
        tokenized.append(len(rows))
        return real(tokenizer, texts, labels, rows, *more)

    monkeypatch.setattr(data_module, "tokenize_rows", spying)
    context = make_context(data={"holdout": 0.5, "split_seed": 3})
    assert tokenized == [64, 15]
    assert context.ready_message().rows == {"train": 64, "validation": 15, "test": 15}
    cached = sorted(p.name for p in (context.session / "cache" / context.data.key).iterdir())
    assert not any("sealed" in name or "test" in name for name in cached)

    run_through(context, request_of(context))
    scored = score_sealed_rows(context, str(context.session / "trials" / "0000" / "model"))
    assert scored.n == sum(map(sum, scored.confusion)) == 15
    answers = json.loads(
        (context.session / "trials" / "0000" / "test_predictions.json").read_text()
    )
    assert not set(answers["rows"]) & set(context.data.validation.rows.tolist())


def test_the_saved_model_predicts_of_test_rows_what_its_trial_did(
    make_context: ContextMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "same.jsonl", learnable_rows(23, 8))
    context = make_context(data={"validation": str(path), "test": str(path)})
    # Packed like the trial's rows: nothing is padded.
    monkeypatch.delattr(score_module, "PaddedLayout")
    evaluations = of_kind(run_through(context, request_of(context, keep="last")), Evaluated)
    folder = context.session / "trials" / "0000"
    scored = score_sealed_rows(context, str(folder / "model"))
    assert scored.confusion == evaluations[-1].confusion
    assert scored.metrics == pytest.approx(evaluations[-1].metrics, rel=1e-5)


def test_a_test_file_is_not_opened_before_it_is_scored(
    make_context: ContextMaker, tmp_path: Path
) -> None:
    path = tmp_path / "test.jsonl"
    context = make_context(data={"test": str(path)})
    run_through(context, request_of(context))
    folder = str(context.session / "trials" / "0000" / "model")
    with pytest.raises(TunerError, match=r"data\.test: .*no such file"):
        score_sealed_rows(context, folder)
    write_jsonl(path, [*learnable_rows(6, 8), {"text": "w1", "label": "other"}])
    with pytest.raises(TunerError, match=r"no such label in the training data: .other."):
        score_sealed_rows(context, folder)
    write_jsonl(path, learnable_rows(6, 8))
    assert score_sealed_rows(context, folder).n == 6


def test_without_a_sealed_part_there_is_nothing_to_score(make_context: ContextMaker) -> None:
    with pytest.raises(TunerError, match="nothing is sealed"):
        score_sealed_rows(make_context(), "anywhere")


def test_a_session_of_an_older_version_keeps_its_rows_or_says_why_not(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    recipe = parse_recipe(make_recipe(data={"validation": 0.3, "holdout": 0.5}), "")
    source = find_model_source(recipe.model)
    tokenizer = load_tokenizer(source)
    unfitted = data_module.tokenizer_key(tokenizer)
    session, cache = tmp_path / "session", tmp_path / "session" / "cache"
    other_recipe = replace(recipe, data=replace(recipe.data, split_seed=5))
    older = load_session_data(other_recipe, tokenizer, 24, session)
    sources = json.loads((cache / "sources.json").read_text())
    del sources[data_module._READER]
    (cache / "sources.json").write_text(json.dumps(sources))
    (key, _) = data_module.older_content_keys(recipe.data, sources, unfitted, 24)
    (cache / older.key).rename(cache / key)

    # The way a trainer reads, with the tokenizer fitted to the model.
    at_most = replace(recipe, model=replace(recipe.model, max_length=24))
    data = prepare_session_data(at_most, source, tokenizer, session).data
    assert data.validation.rows.tolist() == older.validation.rows.tolist()
    sealed = read_sealed_rows(recipe.data, data.facts.labels, data).numbers.tolist()
    used = {*data.validation.rows.tolist(), *data.train.rows.tolist()}
    assert sorted([*sealed, *used]) == list(range(64))
    assert sealed == read_sealed_rows(other_recipe.data, older.facts.labels, older).numbers.tolist()

    shutil.rmtree(cache / key)
    with pytest.raises(TunerError, match=r"began with an older version .* its cache is gone"):
        load_session_data(recipe, tokenizer, 24, session)


def test_no_class_is_left_out_by_every_seed() -> None:
    classes = np.repeat(np.arange(30), 4)
    cut_classes = [
        set(classes[stratified_cut(classes, 0.1, seed)[1]].tolist()) for seed in range(40)
    ]
    assert all(len(present) == 12 for present in cut_classes)
    assert set().union(*cut_classes) == set(range(30))
    rows = Counter(number for present in cut_classes for number in present)
    assert max(rows.values()) < 3 * min(rows.values())


def test_rows_without_a_label_are_in_no_part_and_names_are_those_of_the_recipe(
    loaded: Loader, tmp_path: Path
) -> None:
    rows = [{"text": f"w{n % 9} w3", "label": None if n % 5 == 0 else n % 2} for n in range(40)]
    path = write_jsonl(tmp_path / "named.jsonl", rows)
    section = {
        "train": str(path), "validation": 0.3, "unlabelled": [""],
        "label_names": {"0": "bad", "1": "good"},
    }  # fmt: skip
    data = loaded(data=section)
    assert data.facts.labels == ["bad", "good"]
    assert not any(row % 5 == 0 for part in (data.train, data.validation) for row in part.rows)
    assert len(data.train) + len(data.validation) == 32
    assert "8 train rows without a label are left out (data.unlabelled)" in data.facts.notes
