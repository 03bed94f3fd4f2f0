"""A model's shape for a recipe, before any weight is loaded."""

from __future__ import annotations

from typing import Any

from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import parse_recipe
from tuner.recipe.types import ModelSection


def answer_describe_request(request: dict[str, Any]) -> ModelDescription:
    """Answer {"recipe": …} with the data's labels, or {"model": NAME, "labels": […]} as given.

    Raises TunerError where the model, or for a recipe the data, cannot be read.
    """
    from tuner.training.model import describe_model, find_model_source

    if "recipe" in request:
        from tuner.training.data import read_labelled_rows

        recipe = parse_recipe(request["recipe"], "recipe")
        source = find_model_source(recipe.model, recipe.data.root)
        return describe_model(source, read_labelled_rows(recipe.data).labels)
    source = find_model_source(ModelSection(name=request["model"]))
    return describe_model(source, request.get("labels") or ["0", "1"])
