"""Permissions that a recipe grants beyond reading: code and pickles that come with a model."""

from __future__ import annotations

from tuner.recipe.types import Recipe

_PERMISSIONS = {
    "trust_remote_code": "runs the code that the model brings",
    "allow_pickle": "may open weights as a pickle, which can run any code",
}


def describe_permissions(recipe: Recipe | None) -> list[str]:
    """Return one line for each such permission; usually []."""
    if recipe is None:
        return []
    return [
        f"{says} (model.{key})" for key, says in _PERMISSIONS.items() if getattr(recipe.model, key)
    ]
