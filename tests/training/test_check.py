"""What can be known before training: `describe` and `check`, and what a wrong model says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

import tuner.training.model as model_module
from tests.training.conftest import ContextMaker, RecipeMaker, learnable_rows, write_jsonl
from tests.training.trainer_process import ForkedProcess
from tuner.errors import TunerError
from tuner.recipe.findings import CheckReport, ModelDescription
from tuner.recipe.groups import count_encoder_layers
from tuner.recipe.types import ModelSection
from tuner.training.__main__ import main
from tuner.training.data import read_labelled_rows
from tuner.training.describe import answer_describe_request
from tuner.training.forecast import two_layer_model
from tuner.training.loading import load_model_weights
from tuner.training.model import find_model_source, load_model_config, load_tokenizer, parameters_of
from tuner.training.recipe_check import answer_check_request
from tuner.training.rehearsal import rehearse_odd_rows


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """Stop flushing denormals, which a trainer's set-up turns on for its whole process."""
    yield
    torch.set_flush_denormal(False)


def texts(report: CheckReport, level: str) -> str:
    """All findings of a level, one a line."""
    return "\n".join(f"{f.topic}: {f.text}" for f in report.findings if f.level == level)


def check(recipe: dict[str, Any], rehearse: bool = True) -> CheckReport:
    """Check a recipe; return the report."""
    request = {"recipe": recipe, "session": None, "rehearse": rehearse}
    return answer_check_request(request, lambda _stage: None)


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_a_good_recipe_has_only_good_findings(make_recipe: RecipeMaker, kind: str) -> None:
    report = check(make_recipe(kind, data={"holdout": 0.5}))
    few = [text for text in texts(report, "warning").splitlines() if "only 15 rows" in text]
    assert (texts(report, "error"), texts(report, "warning")) == ("", "\n".join(few))
    good = texts(report, "ok")
    assert "rows: 64 train, 15 validation, 15 test" in good
    assert '"no" 50.0 %, "yes" 50.0 %' in good
    assert 'group "lower": ' in good
    assert report.labels == ["no", "yes"]
    assert report.rows == {"train": 64, "validation": 15, "test": 15}
    assert report.model is not None
    assert (report.model.layers, report.model.shared_layers) == (2, False)


def twenty_layers(folder: Path, **changes: Any) -> Path:
    """Make a model's folder that of a deep one whose weights nobody can read."""
    config = json.loads((folder / "config.json").read_text())
    name = "n_layers" if "n_layers" in config else "num_hidden_layers"
    (folder / "config.json").write_text(json.dumps(config | {name: 20} | changes))
    (folder / "model.safetensors").write_bytes(b"not read")
    return folder


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_whether_batches_will_be_packed_is_told_by_two_layers_without_weights(
    make_recipe: RecipeMaker, models: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    folder = twenty_layers(Path(shutil.copytree(models(kind), tmp_path / "deep")))
    source = find_model_source(ModelSection(str(folder)))
    layers = count_encoder_layers(parameters_of(two_layer_model(source, ["a", "b"], 0)))
    assert layers == 2
    recipe = make_recipe(kind, model={"name": str(folder)})
    assert "model: batches are packed" in texts(check(recipe, rehearse=False), "ok")


def test_why_batches_cannot_be_packed_is_told(
    make_recipe: RecipeMaker, models: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = twenty_layers(
        Path(shutil.copytree(models("bert"), tmp_path / "deep")), is_decoder=True
    )
    recipe = make_recipe(model={"name": str(folder)})
    assert "model: batches are length-sorted and padded: packing is not possible, " in texts(
        check(recipe, rehearse=False), "ok"
    )


def test_what_cannot_be_proven_is_decided_at_start(
    make_recipe: RecipeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ImportError("no such kernel")

    monkeypatch.setattr("tuner.training.forecast.choose_layouts", broken)
    report = check(make_recipe(), rehearse=False)
    assert "whether batches are packed is decided at start" in texts(report, "ok")
    assert texts(report, "error") == ""


def test_everything_wrong_with_the_data_is_found(make_recipe: RecipeMaker, tmp_path: Path) -> None:
    train = [*learnable_rows(100, 1), {"text": " ", "label": "no"}, {"text": "w1", "label": "rare"}]
    validation_rows = [
        *train[:3],
        {"text": "w1 " * 30, "label": "new"},
        {"text": "w2", "label": "no"},
    ]
    data = {
        "train": str(write_jsonl(tmp_path / "t.jsonl", train)),
        "validation": str(write_jsonl(tmp_path / "v.jsonl", validation_rows)),
    }
    recipe = make_recipe(data=data, model={"max_length": 100}, search={"metric": "f1.jes"})
    report = check(recipe)
    warnings, errors = texts(report, "warning"), texts(report, "error")
    assert 'validation has 1 rows of "new", train has none' in warnings
    assert 'validation has no row of "rare"' in warnings
    assert '"rare" is rare' in warnings
    assert "train: 1 row (the first is row 101 of" in warnings
    assert "without text: the model only sees special tokens" in warnings
    assert "3 of 5 validation rows are in train too" in warnings
    assert "max_length is 100, but the model has 32 positions" in warnings
    assert errors == "" or "f1.jes" in errors
    assert 'the data has no "f1.jes"; did you mean "f1.yes"?' in errors


def test_a_wrong_file_a_wrong_group_and_a_wrong_model_are_each_one_error(
    make_recipe: RecipeMaker, tmp_path: Path
) -> None:
    groups = [
        {"name": "one", "params": ["classifer.*"], "lr": 1e-5},
        {"name": "rest", "rest": True, "lr": 1e-5},
    ]
    report = check(make_recipe(data={"validation": str(tmp_path / "v.csv")}, groups=groups))
    errors = texts(report, "error")
    assert "no such file" in errors
    assert 'groups: groups.one.params: "classifer.*" matches no parameter' in errors
    assert report.labels == []

    report = check(make_recipe(model={"name": str(tmp_path / "nothing" / "here")}))
    assert "no such folder" in texts(report, "error")
    assert report.model is None


def test_uncovered_doubled_and_frozen_groups_are_errors(make_recipe: RecipeMaker) -> None:
    only = [{"name": "head", "part": "head", "lr": 1e-3}]
    assert "in no group" in texts(check(make_recipe(groups=only)), "error")
    double = [*only, {"name": "c", "params": ["classifier.*"], "lr": 1e-3}]
    assert "in two groups" in texts(check(make_recipe(groups=double)), "error")


def test_a_step_is_tried_and_said(make_recipe: RecipeMaker) -> None:
    recipe = make_recipe(training={"batch_size": {"choices": [4, 12]}})
    good = texts(check(recipe), "ok")
    assert "a step on 12 rows and predictions were tried with the longest rows (14 tokens)" in good
    assert "weights: " in good
    assert "a step" not in texts(check(recipe, rehearse=False), "ok")


def test_a_token_without_an_embedding_is_an_error_with_its_row(
    make_recipe: RecipeMaker, models: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(models("bert"), tmp_path / "model"))
    tokenizer = load_tokenizer(find_model_source(ModelSection(str(folder))))
    tokenizer.add_tokens(["<url>"])
    tokenizer.save_pretrained(folder)
    warnings = texts(check(make_recipe(model={"name": str(folder)})), "warning")
    assert "the tokenizer has 65 tokens, the model has embeddings for 64 only" in warnings
    rows = [*learnable_rows(20, 1), {"text": "see <url>", "label": "no"}]
    train = str(write_jsonl(tmp_path / "t.jsonl", rows))
    report = check(make_recipe(model={"name": str(folder)}, data={"train": train}))
    errors = texts(report, "error")
    assert "its tokenizer has 65 tokens, the model has embeddings for 64 only" in errors
    assert "1 row has such tokens, the first is row 21 of" in errors
    assert "resize_token_embeddings" in errors


def test_odd_texts_are_said_with_their_first_row(make_recipe: RecipeMaker, tmp_path: Path) -> None:
    odd = ["w1 [SEP] w2", "", "zz qq", "[PAD]"]
    rows = [*learnable_rows(20, 1), *({"text": text, "label": "no"} for text in odd)]
    train = str(write_jsonl(tmp_path / "t.jsonl", rows))
    report = check(make_recipe(data={"train": train}))
    assert texts(report, "error") == ""
    warnings = texts(report, "warning")
    assert f"train: 2 rows (the first is row 21 of {train}) with special tokens in the" in warnings
    assert f"train: 1 row (the first is row 22 of {train}) without text" in warnings
    assert f"train: 2 rows (the first is row 23 of {train}) with only unknown" in warnings


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_row_that_breaks_is_named(
    make_context: ContextMaker, split: str, tmp_path: Path
) -> None:
    rows = [*learnable_rows(20, 1), {"text": "w1 \U0001f600 w2", "label": "no"}]
    path = write_jsonl(tmp_path / "odd.jsonl", rows)
    context = make_context(data={split: str(path)})

    def break_at_unknown(_model: Any, _args: Any, inputs: dict[str, Any]) -> None:
        if bool((inputs["input_ids"] == context.tokenizer.unk_token_id).any()):
            raise RuntimeError("cannot do that\nat all")

    context.model.register_forward_pre_hook(break_at_unknown, with_kwargs=True)
    with pytest.raises(TunerError) as caught:
        rehearse_odd_rows(context, read_labelled_rows(context.recipe.data))
    expected_error = f'{split} row 21 of {path} ("w1 \U0001f600 w2"): RuntimeError: cannot do that'
    assert str(caught.value) == expected_error


@pytest.mark.parametrize(
    ("sampler", "settings", "level", "says"),
    [
        ("cmaes", {"batch_size": {"choices": [4, 8]}}, "error", "at least two searched numbers"),
        ("cmaes", {"epochs": {"low": 1, "high": 3}}, "error", "there is 1"),
        ("grid", {"warmup": {"low": 0.0, "high": 0.5}}, "warning", "there are 4 different"),
        ("tpe", {"batch_size": {"choices": [4, 8]}}, "warning", "search.trials is 40"),
    ],
)
def test_what_the_sampler_cannot_search_is_found(
    make_recipe: RecipeMaker, sampler: str, settings: dict[str, Any], level: str, says: str
) -> None:
    report = check(make_recipe(training=settings, search={"sampler": sampler}), rehearse=False)
    assert says in texts(report, level)


def test_a_full_disk_is_an_error(make_recipe: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10, 10, 0))
    assert "disk: models and checkpoints need about" in texts(check(make_recipe()), "error")


def test_albert_has_one_layer_that_all_share(tmp_path: Path) -> None:
    from transformers import AlbertConfig

    from tests.training.conftest import make_tokenizer

    size = make_tokenizer(tmp_path)
    AlbertConfig(
        vocab_size=size, hidden_size=16, num_attention_heads=2, intermediate_size=32,
        num_hidden_layers=4, embedding_size=8,
    ).save_pretrained(tmp_path)  # fmt: skip
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    described = answer_describe_request({"model": str(tmp_path), "labels": ["a", "b", "c"]})
    assert (described.layers, described.shared_layers) == (1, True)
    assert described.labels == ["a", "b", "c"]
    assert dict(described.parameters)["classifier.weight"] == (3, 16)


def ask(command: str, request: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run `python -m tuner.training COMMAND`."""
    return subprocess.run(
        [sys.executable, "-m", "tuner.training", command],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )


def test_describe_as_a_process(make_recipe: RecipeMaker) -> None:
    answer = ask("describe", {"recipe": make_recipe("distilbert")})
    assert answer.returncode == 0, answer.stderr
    described = msgspec.json.decode(answer.stdout, type=ModelDescription)
    assert (described.model_type, described.hidden_size) == ("distilbert", 16)


@pytest.mark.usefixtures("fork_server")
def test_a_wrong_model_as_a_process_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    process = ForkedProcess(partial(main, ["describe"]), tmp_path / "log")
    with process.stdin as stdin:
        stdin.write(json.dumps({"model": "nobody/no-such-model", "labels": []}).encode())
    assert process.stdout.read() == b""
    assert process.wait(60.0) == 2
    [error] = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert "no such folder, and no network" in error


# --- models that cannot be loaded


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "hub_is_reachable", lambda: False)


def message_of(section: ModelSection, load: Callable[[Any], Any]) -> str:
    """Return the one line of the error that loading raises."""
    with pytest.raises(TunerError) as caught:
        load(find_model_source(section))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("offline")
def test_unknown_models_are_told_plainly(tmp_path: Path) -> None:
    def config(source: Any) -> Any:
        return load_model_config(source, ["a", "b"])

    assert "no such folder, and no network" in message_of(ModelSection("no/such"), config)
    assert "no folder and no hub model" in message_of(ModelSection("a b?"), config)
    (tmp_path / "model").mkdir()
    near = message_of(ModelSection(str(tmp_path / "modle")), config)
    assert "no such folder" in near
    assert f'did you mean "{tmp_path}/model"?' in near
    assert "holds no config.json" in message_of(ModelSection(str(tmp_path / "model")), config)
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    assert "holds no weights" in message_of(ModelSection(str(tmp_path / "model")), config)


def test_pickled_weights_are_loaded_only_on_request(
    models: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    folder = tmp_path / "pickled"
    shutil.copytree(models("bert"), folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    refused = message_of(ModelSection(str(folder)), lambda source: source)
    assert "set model.allow_pickle = true" in refused
    source = find_model_source(ModelSection(str(folder), allow_pickle=True))
    fresh = load_model_weights(source, load_model_config(source, ["a", "b"])).fresh
    assert fresh == {"classifier.weight", "classifier.bias"}


def test_foreign_code_runs_only_on_request(tmp_path: Path, models: Callable[[str], Path]) -> None:
    folder = tmp_path / "foreign"
    shutil.copytree(models("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard", "auto_map": {"AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    message = message_of(
        ModelSection(str(folder)), lambda source: load_model_config(source, ["a", "b"])
    )
    assert "set model.trust_remote_code = true" in message


def test_a_model_without_a_tokenizer_says_so(models: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "mute"
    shutil.copytree(models("bert"), folder)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    message = message_of(ModelSection(str(folder)), load_tokenizer)
    assert "tokenizer" in message


def test_damaged_weights_are_told_plainly(models: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(models("bert"), folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    section = ModelSection(str(folder))
    message = message_of(section, lambda s: load_model_weights(s, load_model_config(s, ["a", "b"])))
    assert "weights cannot be loaded" in message


def test_many_empty_groups_are_one_warning(make_recipe: RecipeMaker) -> None:
    slices = [{"name": f"slice {n}", "layers": f"{n}/9", "lr": 1e-5} for n in range(1, 10)]
    report = check(make_recipe(groups=[*slices, {"name": "rest", "rest": True, "lr": 1e-5}]))
    empty_warnings = [line for line in texts(report, "warning").splitlines() if "empty" in line]
    assert len(empty_warnings) == 1
    assert '"slice 4", "slice 6" and 2 more are empty in this model' in empty_warnings[0]
