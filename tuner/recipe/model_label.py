"""Short names of models for tables, skipping words that any folder of models may have."""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from pathlib import PurePath

_WORDS = (
    "models?|pretrained|finetuned|fine-tuned|trained|weights|assets|base|main|best|last|latest|"
    "final|outputs?|out|results?|runs?|trials?|checkpoints?|ckpt|epochs?|steps?|global_step|"
    "snapshots?|save|saved|saved_model|pytorch|hf|huggingface|fp16|bf16|version|v|tmp|export|fold"
)
_UNINFORMATIVE = re.compile(rf"(?:(?:best|last|final|my|the)[-_.]?)?(?:{_WORDS})?[-_.=]?\d*", re.I)
_REVISION = re.compile(r"[0-9a-f]{40}")
_CACHED = re.compile(r"models--(?:.*--)?(.+)")
_MOST_PARTS = 3


def short_model_label(name: str, root: str = "", more: int = 0) -> str:
    """Return the last part of a hub id or folder, with as many above it as are needed to tell.

    `root` is where a relative folder lies; `more` asks for that many further parts.
    """
    parts = _split_model_path(name, root)
    first = len(parts) - 1
    while first >= 0 and _UNINFORMATIVE.fullmatch(parts[first]):
        first -= 1
    if first < 0:
        full = os.path.join(root, name)
        return name.rstrip("/") or name if full == name else short_model_label(full, more=more)
    label_parts = parts[max(first - more, 0) :]
    if len(label_parts) > _MOST_PARTS + more:
        label_parts = [*label_parts[: 1 + more], "…", label_parts[-1]]
    return "/".join(label_parts)


def distinct_model_labels(names: Sequence[str]) -> list[str]:
    """Return a label for each model; where two would be alike, folders above them are added."""
    labels = [short_model_label(name) for name in names]
    for index, name in enumerate(names):
        rivals = {
            candidate
            for candidate in names
            if candidate != name and short_model_label(candidate) == labels[index]
        }
        more = 0
        while rivals and more < len(_split_model_path(name, "")):
            more += 1
            rivals = {
                o
                for o in rivals
                if short_model_label(o, more=more) == short_model_label(name, more=more)
            }
        labels[index] = short_model_label(name, more=more)
    return labels


def _split_model_path(name: str, root: str) -> list[str]:
    """Split a path, without the folders that the hub's cache adds."""
    path = os.path.normpath(os.path.join(root, name) if name.startswith(".") else name)
    parts = [part for part in PurePath(path).parts if part not in ("/", "//", ".")]
    cached = next((i for i, part in enumerate(parts) if _CACHED.fullmatch(part)), None)
    if cached is not None and len(parts) > cached + 2 and _REVISION.fullmatch(parts[cached + 2]):
        cache_match = _CACHED.fullmatch(parts[cached])
        assert cache_match is not None
        return [*parts[:cached], cache_match[1], *parts[cached + 3 :]]
    return parts
