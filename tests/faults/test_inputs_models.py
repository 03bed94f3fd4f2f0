"""Model folders that are wrong in every way: refused in one line, and no pickle is ever opened."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.fault_counts import count_event
from tests.training.conftest import make_model
from tuner.errors import TunerError
from tuner.recipe.types import ModelSection
from tuner.training.loading import load_model_weights
from tuner.training.model import (
    build_empty_model,
    describe_model,
    find_model_source,
    load_model_config,
    load_tokenizer,
)

WEIGHTS = "model.safetensors"
Spoil = Callable[[Path], None]


class Trap:
    """What runs when somebody unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("pickle-was-run",)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("sound") / "model", "bert")


@pytest.fixture
def model(tmp_path: Path, sound: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(sound, tmp_path / "model"))


def load_fresh_tensor_names(folder: Path, **more: bool) -> set[str]:
    """As the trainer opens a model; the names of the tensors that were made anew."""
    source = find_model_source(ModelSection(str(folder), **more))  # type: ignore[arg-type]
    load_tokenizer(source)
    config = load_model_config(source, ["no", "yes"])
    describe_model(source, ["no", "yes"])
    build_empty_model(source, config)
    return load_model_weights(source, config).fresh


def _without(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def _with(name: str, content: bytes) -> Spoil:
    return lambda folder: _ignore((folder / name).write_bytes(content))


def _ignore(_: object) -> None:
    """Discard a result, as a spoiler returns nothing."""


def _both(first: Spoil, second: Spoil) -> Spoil:
    def spoil(folder: Path) -> None:
        first(folder)
        second(folder)

    return spoil


def _cut(name: str, share: float) -> Spoil:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return spoil


def _config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return spoil


def _head_of_weights(length: int, head: bytes) -> Spoil:
    return _with(WEIGHTS, struct.pack("<Q", length) + head)


def _pickle_only(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


def _index_of_nothing(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def _own_code(folder: Path) -> None:
    _config(auto_map={"AutoConfig": "mine.Config"}, model_type="mine")(folder)
    (folder / "mine.py").write_text("import os; os.mkdir('code-was-run')\n")


REFUSED: dict[str, Spoil] = {
    "no config": _without("config.json"),
    "no weights": _without(WEIGHTS),
    "pickle only": _pickle_only,
    "own code": _own_code,
    "an empty config": _with("config.json", b""),
    "a torn config": _cut("config.json", 0.5),
    "a config of a list": _with("config.json", b"[1]"),
    "a config of a number": _with("config.json", b"7"),
    "a config of bytes": _with("config.json", bytes(range(256))),
    "a config without a type": _with("config.json", b"{}"),
    "a type that nobody knows": _config(model_type="nonsense"),
    "a type of another sort": _config(model_type=17),
    "a generator": _config(model_type="t5"),
    "half a layer": _config(num_hidden_layers=0.5),
    "a size that is text": _config(hidden_size="big"),
    "heads that do not divide": _config(num_attention_heads=7),
    "no heads": _config(num_attention_heads=0),
    "a negative vocabulary": _config(vocab_size=-3),
    "a size of nothing": _config(hidden_size=0),
    "an activation that nobody knows": _config(hidden_act="wobble"),
    "empty weights": _with(WEIGHTS, b""),
    "torn weights": _cut(WEIGHTS, 0.5),
    "weights without their end": _cut(WEIGHTS, 0.99),
    "weights of a few bytes": _cut(WEIGHTS, 0.0005),
    "weights that are text": _with(WEIGHTS, b"not tensors at all"),
    "weights that are a pickle": _with(WEIGHTS, pickle.dumps(Trap())),
    "a head beyond the file": _head_of_weights(2**40, b"{}"),
    "a head that is no JSON": _head_of_weights(4, b"oops"),
    "offsets beyond the file": _head_of_weights(
        70, b'{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}    '
    ),
    "an index of nothing": _index_of_nothing,
    "an index of bytes": _both(_without(WEIGHTS), _with(f"{WEIGHTS}.index.json", b"\x00")),
    "no tokenizer": _both(_without("tokenizer.json"), _without("tokenizer_config.json")),
    "a torn tokenizer": _cut("tokenizer.json", 0.5),
    "an empty tokenizer": _with("tokenizer.json", b"{}"),
    "a tokenizer of a list": _with("tokenizer.json", b"[]"),
    "a torn tokenizer's settings": _cut("tokenizer_config.json", 0.5),
}  # fmt: skip


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_cannot_be_used_is_refused_in_one_line(
    model: Path, tmp_path: Path, spoil: Spoil
) -> None:
    spoil(model)
    with pytest.raises(TunerError) as caught:
        load_fresh_tensor_names(model)
    message = str(caught.value)
    assert message.startswith("model.name: "), message
    assert message.isprintable()
    assert len(message) < 700
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith("was-run")]
    count_event("model folders that cannot be used")


def test_a_sound_one_is_opened(model: Path) -> None:
    assert all(
        name.startswith(("classifier", "bert.pooler")) for name in load_fresh_tensor_names(model)
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_size": 32}, "of a model of another size"),
        ({"vocab_size": 999}, "embeddings of 64 tokens, config.json says 999"),
        ({"num_hidden_layers": 5}, "the file holds 2 layers, config.json says 5"),
        ({"num_hidden_layers": 1}, "the file holds 2 layers, config.json says 1"),
    ],
)
def test_tensors_that_do_not_fit_are_counted_and_the_likely_reason_is_given(
    model: Path, changes: dict[str, object], reason: str
) -> None:
    _config(**changes)(model)
    with pytest.raises(TunerError, match="its weights do not fit: ") as caught:
        load_fresh_tensor_names(model)
    assert reason in str(caught.value)
