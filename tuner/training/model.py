"""A model by name: its configuration, its shape without weights, its weights, its tokenizer."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tuner.errors import TunerError
from tuner.recipe.findings import ModelDescription
from tuner.recipe.groups import count_encoder_layers
from tuner.recipe.types import ModelSection, Parameter
from tuner.recipe.user_paths import near_path_hint, resolve_user_path, why_folder_is_unreadable
from tuner.training.hub import cache_trouble, error_chain, hub_is_reachable
from tuner.training.packages import unread_vocabulary_reason

SAFE_FILES = ("model.safetensors", "model.safetensors.index.json")
PICKLE_FILES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
ADAPTER_FILE = "adapter_config.json"
# In a tokenizer that tuner saved: the limit that it had before it was the recipe's max_length.
OWN_LIMIT = "tuner_original_max_length"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model's files come from: a folder, or a hub id; `options` are for loading."""

    name: str
    location: str
    folder: Path | None
    options: dict[str, Any]
    allow_pickle: bool


def quiet_transformers() -> None:
    """Silence what transformers says about newly initialised heads and loading bars."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def find_model_source(section: ModelSection, root: str | None = None) -> ModelSource:
    """Find a model: a folder (relative ones from `root`) or a hub id; TunerError for neither."""
    quiet_transformers()
    options: dict[str, Any] = {"trust_remote_code": section.trust_remote_code}
    folder = _existing_folder(section.name, root)
    if folder is not None:
        _check_model_folder(folder, section)
        return ModelSource(section.name, str(folder), folder, options, section.allow_pickle)
    _refuse_missing_path(section.name, root)
    if section.revision is not None:
        options["revision"] = section.revision
    source = ModelSource(section.name, section.name, None, options, section.allow_pickle)
    with explain_load_errors(source, "files"):
        if _is_in_hub_cache(section) or not hub_is_reachable():
            options["local_files_only"] = True
    return source


def _existing_folder(name: str, root: str | None) -> Path | None:
    path = resolve_user_path(name, "model.name", root)
    return path if why_folder_is_unreadable(path) is None else None


def _check_model_folder(folder: Path, section: ModelSection) -> None:
    if (folder / ADAPTER_FILE).is_file():
        raise TunerError(f"model.name: {adapter_message(str(folder), folder / ADAPTER_FILE)}")
    if not (folder / "config.json").is_file():
        raise TunerError(f"model.name: {folder} holds no config.json, so it is not a model folder")
    if any((folder / name).is_file() for name in SAFE_FILES):
        return
    if not any((folder / name).is_file() for name in PICKLE_FILES):
        raise TunerError(f"model.name: {folder} holds no weights (model.safetensors)")
    if not section.allow_pickle:
        raise TunerError(pickle_message(section.name))


def find_model_file(source: ModelSource, name: str) -> Path | None:
    """Find a file in the model's folder, or in the hub's cache, downloading it if need be."""
    if source.folder is not None:
        path = source.folder / name
        return path if path.is_file() else None
    from transformers.utils import cached_file

    options = {k: v for k, v in source.options.items() if k in ("revision", "local_files_only")}
    cached = cached_file(
        source.location, name, _raise_exceptions_for_missing_entries=False, **options
    )
    return None if cached is None else Path(cached)


def adapter_message(name: str, path: Path) -> str:
    """Say what to do with an adapter (PEFT), which is not a model by itself.

    `path` is its configuration.
    """
    base = ""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        base = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path") or ""
    adapter = f"an adapter (PEFT) for {base}" if base else "an adapter (PEFT)"
    whole = any((path.parent / name).is_file() for name in (*SAFE_FILES, *PICKLE_FILES))
    contents = f"{adapter} beside its weights" if whole else f"only {adapter}"
    return (
        f"{name} holds {contents}: merge it into its model first, with "
        "PeftModel.from_pretrained(…).merge_and_unload().save_pretrained(FOLDER), "
        "and give that folder"
    )


def pickle_message(name: str) -> str:
    """Say why a model whose weights are a pickle is not opened, and what would open it."""
    return (
        f"model.name: {name} has its weights as a pickle only, which can run any code; "
        "if you trust it, set model.allow_pickle = true"
    )


def _refuse_missing_path(name: str, root: str | None) -> None:
    if name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or "\\" in name:
        path = resolve_user_path(name, "model.name", root)
        hint = near_path_hint(name, path, Path.is_dir)
        hint = hint or "; give a hub id or a folder with config.json"
        raise TunerError(f"model.name: {path}: {why_folder_is_unreadable(path)}{hint}")


def _is_in_hub_cache(section: ModelSection) -> bool:
    """Return whether configuration and weights are in the hub's cache: no network is needed."""
    from huggingface_hub import try_to_load_from_cache

    def is_cached_file(file: str) -> bool:
        cached = try_to_load_from_cache(section.name, file, revision=section.revision)
        return isinstance(cached, str)

    return is_cached_file("config.json") and any(
        is_cached_file(file) for file in (*SAFE_FILES, *PICKLE_FILES)
    )


@contextlib.contextmanager
def explain_load_errors(source: ModelSource, what: str) -> Iterator[None]:
    """Turn what the loading libraries raise into one line that says what to do."""
    try:
        yield
    except (TunerError, MemoryError):
        raise
    except Exception as error:
        raise TunerError(
            f"model.name: {source.name}: {_load_error_reason(source, what, error)}"
        ) from error


def _load_error_reason(source: ModelSource, what: str, error: BaseException) -> str:
    cache = cache_trouble(error)
    if cache is not None:
        return cache
    text = " ".join(str(error).split())
    kinds = {type(cause).__name__ for cause in error_chain(error)}
    if "trust_remote_code" in text:
        return "it brings its own code; if you trust it, set model.trust_remote_code = true"
    if "GatedRepoError" in kinds:
        return "access is granted on the hub to those who ask for it; log in with `hf auth login`"
    if "RevisionNotFoundError" in kinds:
        return "there is no such revision on the hub; check model.revision"
    if "RepositoryNotFoundError" in kinds or "HFValidationError" in kinds:
        return "there is no folder and no hub model of this name"
    if what == "configuration" and (adapter := _cached_adapter(source)):
        return adapter_message("it", adapter)
    if source.options.get("local_files_only") and not hub_is_reachable():
        return (
            f"no such folder, and no network to ask the hub for its {what}; "
            "connect, or give a folder"
        )
    if what == "tokenizer" and (reason := unread_vocabulary_reason(text)):
        return reason
    if "safetensors" in text and not source.allow_pickle and not _has_safe_weights(source):
        return pickle_message(source.name).removeprefix(f"model.name: {source.name} ")
    if "Weights only load failed" in text:
        return (
            "its pickle holds more than tensors, which could run code; load it where you trust it "
            "and save it again (save_pretrained)"
        )
    kind = "" if len(text) > 40 else f"{type(error).__name__}: "
    return f"its {what} cannot be loaded: {kind}{text[:300]}"


def _cached_adapter(source: ModelSource) -> Path | None:
    """Find the adapter's configuration of a hub repository that has no model's, if any."""
    from huggingface_hub import try_to_load_from_cache

    if source.folder is not None:
        return None
    if not source.options.get("local_files_only"):
        with contextlib.suppress(OSError):
            return find_model_file(source, ADAPTER_FILE)
    revision = source.options.get("revision")
    cached = try_to_load_from_cache(source.location, ADAPTER_FILE, revision=revision)
    return Path(cached) if isinstance(cached, str) else None


def _has_safe_weights(source: ModelSource) -> bool:
    return source.folder is not None and any(
        (source.folder / name).is_file() for name in SAFE_FILES
    )


def load_model_config(source: ModelSource, labels: Sequence[str]) -> Any:
    """Load the model's configuration with a head for these labels."""
    from transformers import AutoConfig

    with explain_load_errors(source, "configuration"):
        return AutoConfig.from_pretrained(
            source.location,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: number for number, label in enumerate(labels)},
            problem_type="single_label_classification",
            **source.options,
        )


def checkpoint_config(source: ModelSource) -> Any:
    """Load the configuration as the checkpoint has it, with its own labels."""
    from transformers import AutoConfig

    with explain_load_errors(source, "configuration"):
        return AutoConfig.from_pretrained(source.location, **source.options)


def load_tokenizer(source: ModelSource) -> Any:
    """Load the model's tokenizer as it is saved. TunerError where the model has none."""
    from transformers import AutoTokenizer

    with explain_load_errors(source, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(source.location, **source.options)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise TunerError(f"model.name: {source.name} has no tokenizer; add tokenizer.json to it")
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path, max_length: int, side: str | None) -> None:
    """Write the tokenizer so that it cuts and pads as in training; `tokenizer` is left as it is.

    transformers cuts a text only when it is asked to (`truncation=True`), then at `max_length`.
    """
    saved = copy.deepcopy(tokenizer)
    own_limit = int(tokenizer.model_max_length)
    saved.init_kwargs.setdefault(OWN_LIMIT, own_limit)
    saved.model_max_length = max_length
    saved.padding_side = side or tokenizer.padding_side
    backend = getattr(saved, "backend_tokenizer", None)
    if backend is not None:
        backend.enable_truncation(max_length, direction=saved.truncation_side)
        backend.no_padding()
    saved.save_pretrained(folder)


def build_empty_model(source: ModelSource, config: Any) -> nn.Module:
    """Build the model on the meta device: names and shapes, no weights."""
    from transformers import AutoModelForSequenceClassification

    with explain_load_errors(source, "code"), torch.device("meta"):
        model: nn.Module = AutoModelForSequenceClassification.from_config(
            config, trust_remote_code=source.options["trust_remote_code"]
        )
    return model


def input_embedding(model: Any) -> Any:
    """Return the module that embeds token ids; None where a model does not name one."""
    try:
        return model.get_input_embeddings()
    except NotImplementedError:
        return None


def parameters_of(model: nn.Module) -> list[Parameter]:
    """List every parameter in the model's order, tied ones once."""
    return [Parameter(name, tuple(tensor.shape)) for name, tensor in model.named_parameters()]


def describe_model(source: ModelSource, labels: Sequence[str]) -> ModelDescription:
    """Describe a model's shape with a head for these labels; reads its configuration alone."""
    config = load_model_config(source, labels)
    return description_of(source, config, build_empty_model(source, config), labels)


def description_of(
    source: ModelSource, config: Any, model: nn.Module, labels: Sequence[str]
) -> ModelDescription:
    """Describe the shape of a model that is built, with or without weights."""
    parameters = parameters_of(model)
    layers = count_encoder_layers(parameters)
    declared = int(getattr(config, "num_hidden_layers", layers) or layers)
    return ModelDescription(
        name=source.name,
        model_type=str(config.model_type),
        layers=layers,
        shared_layers=0 < layers < declared,
        hidden_size=int(getattr(config, "hidden_size", 0) or 0),
        labels=list(labels),
        parameters=[(parameter.name, parameter.shape) for parameter in parameters],
    )


def position_limit(model: nn.Module, config: Any, tokenizer: Any) -> int | None:
    """Return the most tokens that the model has positions for; None where unlimited."""
    limits = [int(tokenizer.init_kwargs.get(OWN_LIMIT, tokenizer.model_max_length))]
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and positions > 0:
        limits.append(int(positions) - position_offset(model))
    limit = min(limits)
    return limit if limit < 1_000_000 else None


def position_offset(model: nn.Module) -> int:
    """Return the first position's number: RoBERTa and its kin count from padding_idx + 1.

    The position table holds so many fewer tokens.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return 0 if module.padding_idx is None else module.padding_idx + 1
    return 0
