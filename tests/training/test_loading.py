"""What becomes of a checkpoint's tensors: matched by name, drawn anew, or refused; never silent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.training.conftest import ContextMaker, config_of, make_tokenizer
from tuner.errors import TunerError
from tuner.recipe.types import ModelSection
from tuner.training.heads import match_head_labels
from tuner.training.loading import LoadedModel, load_model_weights
from tuner.training.model import find_model_source, load_model_config

DATA = ["no", "yes"]
SIZE: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32,
    "num_hidden_layers": 2, "max_position_embeddings": 40,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "bert": SIZE,
    "roberta": SIZE,
    "distilbert": {"vocab_size": 64, "dim": 16, "n_heads": 2, "hidden_dim": 32, "n_layers": 2},
    "xlnet": {"vocab_size": 64, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
    "gpt2": {"vocab_size": 64, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40},
    "llama": SIZE,
    "t5": {
        "vocab_size": 64, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2,
    },
    "deberta-v2": SIZE,
}  # fmt: skip
PROJECTIONS = {
    "bert": ("classifier.weight", "classifier.bias"),
    "roberta": ("classifier.out_proj.weight", "classifier.out_proj.bias"),
    "distilbert": ("classifier.weight", "classifier.bias"),
    "xlnet": ("logits_proj.weight", "logits_proj.bias"),
    "gpt2": ("score.weight",),
    "llama": ("score.weight",),
    "t5": ("classification_head.out_proj.weight", "classification_head.out_proj.bias"),
    "deberta-v2": ("classifier.weight", "classifier.bias"),
}


def save_classifier(folder: Path, kind: str, names: list[str] | None, **config: Any) -> Path:
    """Save a random classifier with these label names (None: two default ones) and no tokenizer."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    labels: dict[str, Any] = {}
    if names is not None:
        labels["id2label"] = dict(enumerate(names))
        labels["label2id"] = {name: number for number, name in enumerate(names)}
    torch.manual_seed(5)
    model = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model(kind, **SHAPES[kind], **labels, **config)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("bert") / "model", "bert", ["yes", "no"])


def load(folder: Path, labels: list[str] | None = None, **section: Any) -> LoadedModel:
    source = find_model_source(ModelSection(str(folder), **section))
    return load_model_weights(source, load_model_config(source, labels or DATA))


def change_tensors(
    folder: Path, target_folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> Path:
    """Copy the model with other tensors in its file."""
    shutil.copytree(folder, target_folder)
    path = target_folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    return target_folder


def head_line(loaded: LoadedModel) -> str:
    """Return what is said of the head; a head that was there and is not used is a warning."""
    report = loaded.report
    assert len(report.warnings) == (report.head == "dropped")
    return [*report.lines, *report.warnings][1]


# --- the head is matched by names


@pytest.mark.parametrize("kind", SHAPES)
def test_rows_go_by_label_names_whatever_their_order(kind: str, tmp_path: Path) -> None:
    folder = save_classifier(tmp_path / "model", kind, ["yes", "no", "maybe"])
    before = load_file(folder / "model.safetensors")
    loaded = load(folder)
    tensors = loaded.model.state_dict()
    for name in PROJECTIONS[kind]:
        assert torch.equal(tensors[name], before[name][[1, 0]])
    assert not loaded.fresh
    assert loaded.report.head == "kept"
    assert head_line(loaded) == (
        "head: kept from the checkpoint, its rows matched by label names (2 of its 3)"
    )


@pytest.mark.parametrize("kind", SHAPES)
def test_a_head_of_other_labels_is_drawn_anew_and_no_more_than_that(
    kind: str, tmp_path: Path
) -> None:
    folder = save_classifier(tmp_path / "model", kind, ["entailment", "neutral"])
    loaded = load(folder)
    assert loaded.fresh == set(PROJECTIONS[kind])
    assert loaded.report.fresh == sorted(PROJECTIONS[kind])
    assert 'its labels ("entailment", "neutral") are not the data\'s ("no", "yes")' in (
        head_line(loaded)
    )


@pytest.mark.parametrize(
    ("own", "labels", "rows"),
    [
        (["no", "yes"], ["no", "yes"], (0, 1)),
        (["yes", "no"], ["no", "yes"], (1, 0)),
        (["c", "b", "a"], ["a", "c"], (2, 0)),
        (["Not_Entailment", "ENTAILMENT "], ["entailment", "not entailment"], (1, 0)),
        (["cafe\u0301", "tea"], ["caf\u00e9", "tea"], (0, 1)),
        (["Yes", "yes", "no"], ["yes", "no"], (1, 2)),
        (["Yes", "YES", "no"], ["yes", "no"], None),
        (["no", "no"], ["no", "yes"], None),
        (["x", "x", "no", "yes"], ["no", "yes"], (2, 3)),
        (["no", "yes"], ["no", "yes", "maybe"], None),
        (["entailment", "neutral", "contradiction"], ["entailment", "not_entailment"], None),
        (["LABEL_0", "LABEL_1"], ["no", "yes"], None),
        (["LABEL_0", "LABEL_1"], ["0", "1"], (0, 1)),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["0", "2"], (0, 2)),
        (["LABEL_0", "LABEL_1"], ["1", "2"], None),
        (["LABEL_1", "LABEL_0"], ["LABEL_0", "LABEL_1"], (1, 0)),
        (["negative", "positive"], ["0", "1"], None),
        (["1", "0"], ["0", "1"], (1, 0)),
    ],
)
def test_label_names(own: list[str], labels: list[str], rows: tuple[int, ...] | None) -> None:
    match = match_head_labels(own, labels)
    assert match.rows == rows
    assert match.reason


def test_numbers_can_be_given_the_names_of_the_checkpoint() -> None:
    assert "data.label_names" in match_head_labels(["negative", "positive"], ["0", "1"]).reason
    assert "data.label_names" not in match_head_labels(["negative", "positive"], ["no", "1"]).reason


def test_names_in_label2id_alone_are_names(classifier: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(classifier, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"yes": 0, "no": 1}}
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder).report.head == "kept"


@pytest.mark.parametrize(
    ("config", "names", "reason"),
    [
        ({}, None, "its classes have no names"),
        ({"num_labels": 1}, None, "it predicts a number, not labels"),
        ({"problem_type": "regression"}, DATA, "it predicts a number, not labels"),
    ],
)
def test_heads_that_say_nothing_of_labels_are_drawn_anew(
    tmp_path: Path, config: dict[str, Any], names: list[str] | None, reason: str
) -> None:
    loaded = load(save_classifier(tmp_path / "model", "bert", names, **config))
    assert loaded.fresh == {"classifier.weight", "classifier.bias"}
    assert reason in head_line(loaded)
    assert "bert.pooler.dense before it comes from the checkpoint" in head_line(loaded)


@pytest.mark.parametrize("lost", ["classifier.bias", "bert.pooler.dense.weight"])
def test_rows_without_what_they_were_trained_with_are_drawn_anew(
    classifier: Path, tmp_path: Path, lost: str
) -> None:
    changed_folder = change_tensors(
        classifier, tmp_path / "m", lambda tensors: {n: t for n, t in tensors.items() if n != lost}
    )
    loaded = load(changed_folder)
    assert loaded.fresh >= {lost, "classifier.weight", "classifier.bias"}
    assert "its classifier is built differently" in head_line(loaded)


def test_a_head_of_another_task_is_drawn_anew(classifier: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(classifier, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForTokenClassification"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "a BertForTokenClassification" in head_line(load(folder))


# --- names that a wrapper has changed


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "module._orig_mod.",
        "net.model.",
        "0.auto_model.",
        "encoder.",
    ],
)
def test_a_known_prefix_is_taken_off_and_said(
    classifier: Path, tmp_path: Path, prefix: str
) -> None:
    changed_folder = change_tensors(
        classifier, tmp_path / "m", lambda t: {f"{prefix}{n}": value for n, value in t.items()}
    )
    loaded, plain = load(changed_folder), load(classifier)
    assert loaded.report.prefix == prefix
    assert f'without the prefix "{prefix}" of their names' in loaded.report.lines[0]
    assert all(map(torch.equal, loaded.model.parameters(), plain.model.parameters()))
    loaded.model.save_pretrained(tmp_path / "again")  # type: ignore[operator]
    saved = load_file(tmp_path / "again" / "model.safetensors")
    assert saved.keys() == load_file(classifier / "model.safetensors").keys()


def test_wrappers_inside_of_the_names_are_taken_off(classifier: Path, tmp_path: Path) -> None:
    def wrap(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {n.replace("bert.enc", "bert._orig_mod.enc"): t for n, t in tensors.items()}

    assert not load(change_tensors(classifier, tmp_path / "m", wrap)).fresh


def test_models_whose_own_names_begin_like_a_wrapper_stay_as_they_are(tmp_path: Path) -> None:
    loaded = load(save_classifier(tmp_path / "model", "llama", DATA))
    assert loaded.report.prefix == ""
    assert not loaded.fresh


# --- what does not fit is refused, with counts and the likely reason


Tensors = dict[str, Tensor]
WORDS = "bert.embeddings.word_embeddings.weight"
QUERY = "bert.encoder.layer.0.attention.self.query.weight"
MISFITS: dict[str, tuple[Callable[[Tensors], Tensors], list[str]]] = {
    "an unknown prefix": (
        lambda t: {f"student.{n}": v for n, v in t.items()},
        ["missing 37 of 41 tensors", 'they are there under "student.bert."'],
    ),
    "two of them": (
        lambda t: {f"{p}.{n}": v.clone() for n, v in t.items() for p in ("a", "b")},
        ['under "a.bert." or "b.bert."'],
    ),
    "too few layers": (
        lambda t: {n: v for n, v in t.items() if "layer.1." not in n},
        ["missing 16 of 41", "the file holds 1 layers, config.json says 2"],
    ),
    "too many layers": (
        lambda t: t | {n.replace("r.1.", "r.2."): v.clone() for n, v in t.items() if "r.1." in n},
        ["unknown to the model 16", "the file holds 3 layers, config.json says 2"],
    ),
    "another vocabulary": (
        lambda t: t | {WORDS: t[WORDS][:-3].clone()},
        ["of another shape 1", "61 × 16 in the file, 64 × 16", "of 61 tokens"],
    ),
    "one tensor": (
        lambda t: {n: v for n, v in t.items() if n != QUERY},
        [f"missing 1 of 41 tensors ({QUERY})"],
    ),
    "an adapter": (
        lambda t: t | {QUERY.replace(".weight", ".lora_A.default.weight"): torch.ones(2, 16)},
        ["unknown to the model 1", "merge_and_unload()"],
    ),
    "another architecture": (
        lambda t: {n.replace("encoder.layer", "stack"): v for n, v in t.items()},
        ["missing 32 of 41", "model_type bert"],
    ),
}


@pytest.mark.parametrize("change", MISFITS)
def test_tensors_that_do_not_fit_are_an_error(
    classifier: Path, tmp_path: Path, change: str
) -> None:
    spoil, words = MISFITS[change]
    with pytest.raises(TunerError) as caught:
        load(change_tensors(classifier, tmp_path / "m", spoil))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_values_that_are_no_numbers_are_an_error(classifier: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(classifier, tmp_path / "nan"))
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("layer.1.output.dense.bias"))
    tensors[name][3] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    source = find_model_source(ModelSection(str(folder)))
    with pytest.raises(TunerError, match=f"1 tensor holds values that are not finite .* {name}"):
        load_model_weights(source, load_model_config(source, DATA))


def test_what_a_classifier_has_no_use_for_is_left_out_and_said(
    classifier: Path, tmp_path: Path
) -> None:
    def extend(tensors: Tensors) -> Tensors:
        return tensors | {
            "cls.predictions.bias": torch.ones(64),
            "bert.embeddings.position_ids": torch.arange(40)[None],
            "bert.encoder.layer.0.attention.bias": torch.ones(1, 1, 4, 4),
            "lm_head.weight": torch.ones(4, 4),
        }

    loaded = load(change_tensors(classifier, tmp_path / "m", extend))
    assert "that a classifier does not need are left out" in loaded.report.lines[0]
    assert "cls" in loaded.report.lines[0]
    assert not loaded.fresh


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_it_is(
    classifier: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    changed_folder = change_tensors(
        classifier, tmp_path / "m", lambda t: {n: v.to(dtype) for n, v in t.items()}
    )
    before, loaded = load_file(changed_folder / "model.safetensors"), load(changed_folder)
    weight = loaded.model.get_parameter("classifier.weight")
    assert weight.dtype == torch.float32
    assert torch.equal(weight, before["classifier.weight"].float()[[1, 0]])


@pytest.mark.parametrize("nested", [False, True])
def test_pickles_and_shards_are_read_like_one_file(
    classifier: Path, tmp_path: Path, nested: bool
) -> None:
    from transformers import AutoModelForSequenceClassification

    pickled = Path(shutil.copytree(classifier, tmp_path / "pickled"))
    tensors = load_file(pickled / "model.safetensors")
    (pickled / "model.safetensors").unlink()
    torch.save(
        {"state_dict": {f"model.{n}": t for n, t in tensors.items()}} if nested else tensors,
        pickled / "pytorch_model.bin",
    )
    model = AutoModelForSequenceClassification.from_pretrained(classifier)
    model.save_pretrained(tmp_path / "shards", max_shard_size="10KB")
    for loaded in (load(pickled, allow_pickle=True), load(tmp_path / "shards")):
        weight = loaded.model.get_parameter("classifier.weight")
        assert torch.equal(weight, tensors["classifier.weight"][[1, 0]])
    next((tmp_path / "shards").glob("model-*")).unlink()
    with pytest.raises(TunerError, match=r"1 of its \d+ files of weights"):
        load(tmp_path / "shards")


@pytest.mark.parametrize(
    ("content", "reason"),
    [([1, 2], "hold no tensors"), ({"epoch": 3}, "hold no tensors"), (Path("x"), "more than tens")],
)
def test_pickles_of_something_else_are_told_plainly(
    classifier: Path, tmp_path: Path, content: object, reason: str
) -> None:
    folder = Path(shutil.copytree(classifier, tmp_path / "pickled"))
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(TunerError, match=reason):
        load(folder, allow_pickle=True)


@pytest.mark.parametrize("beside", [False, True])
def test_an_adapter_is_told_as_that(classifier: Path, tmp_path: Path, beside: bool) -> None:
    folder = tmp_path / "adapter"
    if beside:
        shutil.copytree(classifier, folder)
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "some/base"}')
    with pytest.raises(TunerError, match="merge_and_unload") as caught:
        load(folder)
    adapter = "an adapter (PEFT) for some/base"
    folder_content = f"{adapter} beside its weights" if beside else f"only {adapter}"
    assert f"{folder} holds {folder_content}: merge it" in str(caught.value)


def test_an_adapter_on_the_hub_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--me--lora"
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc" / "adapter_config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("tuner.training.model.hub_is_reachable", lambda: False)
    source = find_model_source(ModelSection("me/lora"))
    with pytest.raises(TunerError, match=r"me/lora: it holds only an adapter \(PEFT\): merge it"):
        load_model_config(source, DATA)


# --- a trainer


def test_a_trainer_says_what_it_loaded_and_begins_trials_with_the_matched_head(
    classifier: Path, make_context: ContextMaker, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(classifier, tmp_path / "model"))
    make_tokenizer(folder)
    context = make_context(model={"name": str(folder)})
    report = context.ready_message().loading
    assert report is not None
    assert report.head == "kept"
    before = load_file(folder / "model.safetensors")["classifier.weight"][[1, 0]]
    assert torch.equal(context.model.get_parameter("classifier.weight"), before)
    with torch.no_grad():
        context.model.get_parameter("classifier.weight").zero_()
    context.restart_for_trial(config_of(context, seed=7))
    assert torch.equal(context.model.get_parameter("classifier.weight"), before)
    context.save_pretrained(tmp_path / "best")
    again = load(tmp_path / "best", ["yes", "no"])
    assert torch.equal(again.model.get_parameter("classifier.weight"), before[[1, 0]])
