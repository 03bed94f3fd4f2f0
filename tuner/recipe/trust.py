"""Permissions that a recipe grants beyond reading: code and pickles that come with a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PERMISSIONS = {
    "trust_remote_code": "runs the code that the model brings",
    "allow_pickle": "may open weights as a pickle, which can run any code",
}


def describe_permissions(recipe: Mapping[str, Any]) -> list[str]:
    """Return one line for each such permission in a recipe of plain values; usually []."""
    model = recipe.get("model")
    if not isinstance(model, Mapping):
        return []
    return [f"{says} (model.{key})" for key, says in _PERMISSIONS.items() if model.get(key) is True]
