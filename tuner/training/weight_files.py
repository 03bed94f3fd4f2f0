"""A checkpoint's tensors by name, as they lie in its files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from torch import Tensor

from tuner.errors import TunerError
from tuner.training.model import (
    ADAPTER_FILE,
    PICKLE_FILES,
    SAFE_FILES,
    ModelSource,
    adapter_message,
    find_model_file,
    pickle_message,
)

# What wraps a model gives its tensors' names a prefix: DistributedDataParallel, torch.compile,
# FSDP, activation checkpointing, Lightning and modules of one's own.
_INNER = re.compile(
    r"(?:(?<=^)|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)
_OUTER = re.compile(
    r"(?:module|model|_forward_module|net|network|backbone|encoder|transformer|language_model"
    r"|(?:0\.)?auto_model)\."
)
_MOST_WRAPPERS = 5
# Where training frameworks put the tensors inside a pickle.
_NESTED = ("state_dict", "model_state_dict", "model")


def checkpoint_tensors(source: ModelSource) -> dict[str, Tensor]:
    """Map every tensor of the checkpoint from its files. TunerError where one is missing."""
    tensors: dict[str, Tensor] = {}
    for path in _weight_files(source):
        tensors |= _read_tensors(path)
    if not tensors:
        raise TunerError(f"model.name: {source.name}: its files of weights hold no tensors by name")
    return tensors


def _weight_files(source: ModelSource) -> list[Path]:
    if adapter := find_model_file(source, ADAPTER_FILE):
        raise TunerError(f"model.name: {adapter_message(source.name, adapter)}")
    for name in (*SAFE_FILES, *(PICKLE_FILES if source.allow_pickle else ())):
        path = find_model_file(source, name)
        if path is not None:
            return _shard_paths(source, path) if name.endswith(".json") else [path]
    if any(find_model_file(source, name) for name in PICKLE_FILES):
        raise TunerError(pickle_message(source.name))
    raise TunerError(f"model.name: {source.name} holds no weights (model.safetensors)")


def _shard_paths(source: ModelSource, index: Path) -> list[Path]:
    names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    paths = {name: find_model_file(source, name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise TunerError(
            f"model.name: {source.name}: {len(missing)} of its {len(names)} files of weights "
            f"are missing ({missing[0]})"
        )
    return [path for path in paths.values() if path is not None]


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    from transformers.modeling_utils import load_state_dict

    # Reads tensors and plain containers, and no code: `weights_only` of torch.load.
    return _find_named_tensors(load_state_dict(str(path), map_location="cpu", weights_only=True))


def _find_named_tensors(content: Any) -> dict[str, Tensor]:
    """Return the tensors by name, wherever a training framework put them."""
    items = content if isinstance(content, Mapping) else {}
    for key in _NESTED:
        if isinstance(items.get(key), Mapping):
            return _find_named_tensors(items[key])
    return {name: value for name, value in items.items() if isinstance(value, Tensor)}


def strip_wrappers(
    tensors: dict[str, Tensor], expected: Set[str], body: str
) -> tuple[dict[str, Tensor], str]:
    """Rename tensors that were saved from inside a wrapper; also return the prefix taken off.

    Of all ways to take off known wrappers the one that fits most `expected` names; none if that
    fits as many. `body` is the prefix of the encoder's names, which checkpoints have or not.
    """
    fitting = expected | {name.removeprefix(body) for name in expected}
    candidates = [list(tensors), [_INNER.sub("", name) for name in tensors]]
    for _ in range(_MOST_WRAPPERS):
        candidates.append([_strip_outer_prefix(name) for name in candidates[-1]])

    def count_fitting(names: list[str]) -> int:
        return len(fitting & set(names)) if len(set(names)) == len(names) else -1

    best = max(candidates, key=count_fitting)
    renamed = dict(zip(best, tensors.values(), strict=True))
    return renamed, _common_prefix(tensors, best)


def _strip_outer_prefix(name: str) -> str:
    return name[match.end() :] if (match := _OUTER.match(name)) else name


def _common_prefix(before: Mapping[str, Tensor], after: list[str]) -> str:
    """Return what most of the changed names have lost."""
    lost = Counter(
        old.removesuffix(new) if old.endswith(new) else _INNER.findall(old)[0]
        for old, new in zip(before, after, strict=True)
        if old != new
    )
    return lost.most_common(1)[0][0] if lost else ""
