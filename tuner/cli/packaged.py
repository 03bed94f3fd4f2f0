"""The model and data that come with tuner, where a recipe names them as `demo:…`."""

from __future__ import annotations

from tuner.demo import data_folder, model_folder
from tuner.recipe.document import RecipeDocument

PACKAGED = "demo:"
MODEL = "demo:model"


def use_packaged_paths(document: RecipeDocument) -> None:
    """Replace `demo:model` and `demo:SPLIT` by the files as they are installed here."""
    if document.get("model.name") == MODEL:
        document.set("model.name", str(model_folder()))
    for key in ("data.train", "data.validation", "data.test"):
        source = document.get(key)
        if isinstance(source, str) and source.startswith(PACKAGED):
            split = source.removeprefix(PACKAGED)
            document.set(key, str(data_folder() / f"{split}.jsonl"))
