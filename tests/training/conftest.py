"""Tiny random models, a tokenizer, and data that a tiny model can learn."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tuner.pool.protocol import Evaluated, Go, Reply, Setup, Train
from tuner.recipe.config import TrialConfig
from tuner.training.loop import Decision, train_trial
from tuner.training.trainer_context import TrainerContext

WORDS = [f"w{number}" for number in range(60)]
KINDS = ("bert", "roberta", "electra", "distilbert")
GROUPS: list[dict[str, Any]] = [
    {"name": "embeddings", "part": "embeddings", "lr": 1e-4},
    {"name": "lower", "layers": "0", "lr": 2e-4},
    {"name": "upper", "layers": "1", "lr": 3e-4, "weight_decay": 0.1},
    {"name": "rest", "rest": True, "lr": 1e-3},
]
_SHAPES: dict[str, dict[str, Any]] = {
    kind: {
        "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 40,
    }
    for kind in KINDS
}  # fmt: skip
_SHAPES["electra"]["embedding_size"] = 8
_SHAPES["distilbert"] = {
    "n_layers": 2, "dim": 16, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40,
}  # fmt: skip


# Where tests of a GPU run; "cpu" is for a rehearsal of those that have something to say there.
TEST_DEVICE = os.environ.get("TUNER_TEST_DEVICE", "cuda")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests of a GPU where there is none."""
    marker = item.get_closest_marker("cuda")
    if marker is None or torch.cuda.is_available():
        return
    if TEST_DEVICE != "cpu" or not marker.kwargs.get("on_cpu_too"):
        pytest.skip("needs CUDA")


def print_measured(text: str) -> None:
    """Print what a test on a GPU measured, on a line of its own that benchmarks/gpu.sh collects."""
    print(f"\nmeasured: {text}")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def make_tokenizer(folder: Path) -> int:
    """Save a word tokenizer; returns its vocabulary's size."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=32,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    return len(vocabulary)


def make_model(folder: Path, kind: str) -> Path:
    """Save a tiny random encoder without a head, and its tokenizer."""
    from transformers import AutoConfig, AutoModel

    size = make_tokenizer(folder)
    config = AutoConfig.for_model(kind, vocab_size=size, pad_token_id=0, **_SHAPES[kind])
    torch.manual_seed(3)
    AutoModel.from_config(config).save_pretrained(folder)
    if kind in ("roberta", "distilbert"):
        path = folder / "tokenizer_config.json"
        settings = json.loads(path.read_text())
        settings["model_input_names"] = ["input_ids", "attention_mask"]
        path.write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that makes a tiny model of a kind at its first use and gives its folder."""
    root = tmp_path_factory.mktemp("models")

    def model(kind: str) -> Path:
        folder = root / kind
        return folder if folder.exists() else make_model(folder, kind)

    return model


def learnable_rows(count: int, seed: int) -> list[dict[str, str]]:
    """Rows whose label tells whether the text holds w0; 1 to 12 words long."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        words = draw.choices(WORDS[1:], k=draw.randint(1, 12))
        if number % 2:
            words[draw.randrange(len(words))] = "w0"
        rows.append({"text": " ".join(words), "label": "yes" if number % 2 else "no"})
    return rows


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with train.jsonl (64 rows) and validation.jsonl (30 rows)."""
    folder = tmp_path_factory.mktemp("data")
    write_jsonl(folder / "train.jsonl", learnable_rows(64, 1))
    write_jsonl(folder / "validation.jsonl", learnable_rows(30, 2))
    return folder


RecipeMaker = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def make_recipe(models: Callable[[str], Path], data: Path) -> RecipeMaker:
    """Return a maker of plain recipes by kind of model; keyword arguments go over the sections."""

    def recipe(kind: str = "bert", **sections: Any) -> dict[str, Any]:
        recipe_sections: dict[str, Any] = {
            "model": {"name": str(models(kind)), "max_length": 24},
            "data": {
                "train": str(data / "train.jsonl"),
                "validation": str(data / "validation.jsonl"),
                "text": ["text"],
                "label": "label",
            },
            # Figures that tests compare do not hang on what a machine would choose.
            "training": {"epochs": 2, "batch_size": 8, "warmup": 0.25, "kernels": "torch"},
            "groups": [dict(group) for group in GROUPS],
        }
        for name, section in sections.items():
            recipe_sections[name] = (
                section if name == "groups" else recipe_sections.get(name, {}) | section
            )
        return recipe_sections

    return recipe


ContextMaker = Callable[..., TrainerContext]


@pytest.fixture
def make_context(make_recipe: RecipeMaker, tmp_path: Path) -> Iterator[ContextMaker]:
    """Yield a maker of trainer contexts in this process, their session in tmp_path/session."""

    def context(kind: str = "bert", device: str = "cpu", **sections: Any) -> TrainerContext:
        setup = Setup(
            session=str(tmp_path / "session"),
            recipe=make_recipe(kind, **sections),
            device=device,
            threads=1,
        )
        return TrainerContext(setup, lambda _level, _text: None)

    yield context
    torch.set_flush_denormal(False)


def config_of(context: TrainerContext, **changes: Any) -> TrialConfig:
    """Return the configuration that a context's recipe means, changed."""
    import msgspec

    from tuner.recipe.space import build_trial_config

    return msgspec.structs.replace(build_trial_config(context.recipe, {}, 0), **changes)


def request_of(context: TrainerContext, trial: int = 0, **changes: Any) -> Train:
    """Make a request to train, by accuracy."""
    best = changes.pop("best_value", None)
    metric = changes.pop("metric", "accuracy")
    natural = "minimize" if metric == "loss" else "maximize"
    direction = changes.pop("direction", natural)
    return Train(
        trial=trial,
        config=config_of(context, **changes),
        metric=metric,
        direction=direction,
        best_value=best,
    )


def run_through(
    context: TrainerContext, request: Train, decide: Callable[[Reply], Decision] | None = None
) -> list[Reply]:
    """All messages of a trial; `decide` answers every one (by default: Go)."""
    conversation = train_trial(context, request)
    messages: list[Reply] = []
    decision: Decision = None
    while True:
        try:
            message = conversation.send(decision)
        except StopIteration:
            return messages
        decision = None
        if message is not None:
            messages.append(message)
            if decide is not None:
                decision = decide(message)
            if isinstance(message, Evaluated) and decision is None:
                decision = Go(trial=request.trial)


def of_kind(messages: list[Reply], kind: type[Any]) -> list[Any]:
    """Return the messages of one class."""
    return [message for message in messages if isinstance(message, kind)]
