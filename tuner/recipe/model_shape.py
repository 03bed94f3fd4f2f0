"""Type and size of the model that a name or folder stands for, without loading anything."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tuner.recipe.baselines import GENERAL_RECIPE, PublishedRecipe, published_recipe

_WIDTHS = ("hidden_size", "dim", "d_model", "n_embd")
_DEPTHS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
_FAMILIES: Final = {
    "minilm": "bert",
    "distilroberta": "roberta",
    "distilbert": "distilbert",
    "albert": "albert",
    "electra": "electra",
    "deberta-v2": "deberta-v2",
    "deberta-v3": "deberta-v2",
    "mdeberta": "deberta-v2",
    "xlm-roberta": "xlm-roberta",
    "roberta": "roberta",
    "bert": "bert",
}
"""What names have in them, the longer before those that they hold, and the type of such a model."""
_SIZES: Final = {
    "tiny": (128, 2),
    "mini": (256, 4),
    "minilm": (384, 6),
    "small": (256, 12),
    "medium": (512, 8),
    "base": (768, 12),
    "large": (1024, 24),
}
"""Hidden size and layers that go by these words."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Type, width and depth; `guessed` if only the name gave them away."""

    model_type: str
    hidden_size: int
    layers: int
    guessed: bool = False

    @property
    def published_recipe(self) -> PublishedRecipe:
        """Return the recipe that a session's baseline uses for such a model."""
        return published_recipe(self.model_type, self.hidden_size)


def infer_model_shape(name: str) -> ModelShape | None:
    """Read the shape from config.json in a folder or the hub's cache, else guess it by the name.

    None if nothing tells.
    """
    for folder in (Path(name), *_cached_snapshots(name)):
        shape = _read_config_shape(folder)
        if shape is not None:
            return shape
    return None if os.path.isabs(name) else _guess_shape_by_name(name)


def _read_config_shape(folder: Path) -> ModelShape | None:
    """Read a config; None if there is none, or one that the check will complain about."""
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        return None
    width, depth = _first_integer(config, _WIDTHS), _first_integer(config, _DEPTHS)
    return ModelShape(config["model_type"], width, depth) if width else None


def _first_integer(config: dict[str, Any], keys: tuple[str, ...]) -> int:
    numbers = (config[key] for key in keys if isinstance(config.get(key), int))
    return next(numbers, 0)


def _cached_snapshots(name: str) -> list[Path]:
    """Find the snapshots of a model in huggingface_hub's cache."""
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        return []
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    home = os.environ.get("HF_HOME") or str(cache / "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub")
    folder = Path(hub) / f"models--{name.replace('/', '--')}" / "snapshots"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _guess_shape_by_name(name: str) -> ModelShape | None:
    """Guess by the last part of an id such as google/electra-small-discriminator."""
    words = name.rpartition("/")[2].lower()
    family = next((word for word in _FAMILIES if word in words), None)
    parts = re.split(r"[-_.]", words)
    size = next((word for word in ("minilm", *_SIZES) if word in parts), "base")
    if family is None:
        return None
    width, depth = _SIZES[size]
    return ModelShape(_FAMILIES[family], width, depth, guessed=True)


def describe_rate_source(shape: ModelShape | None) -> str:
    """Say where the rate that ranges are laid around comes from."""
    if shape is None or shape.published_recipe is GENERAL_RECIPE:
        return "common practice"
    guess_note = ", judging by its name" if shape.guessed else ""
    source = shape.published_recipe.source.partition(";")[0]
    return f"published for models of its kind{guess_note}: {source}"
