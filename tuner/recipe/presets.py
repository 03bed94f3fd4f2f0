"""The recipes that come with tuner."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.demo import demo_data_folder, demo_model_folder
from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value, spelling_hint

if TYPE_CHECKING:
    from tuner.recipe.document import RecipeDocument

_FOLDER = Path(__file__).parent / "presets"
_PACKAGED = "demo:"


@cache
def preset_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def preset_document(name: str) -> RecipeDocument:
    """Return a fresh copy of a preset; TunerError with the nearest name if there is none.

    Presets for any model and data leave those out: `parse_recipe()` then says which key is missing.
    What comes with tuner (`demo:model`, `demo:train`) is replaced by its path in this installation.
    """
    from tuner.recipe.document import RecipeDocument

    if name not in preset_names():
        raise TunerError(f"no preset {quote_value(name)}; {spelling_hint(name, preset_names())}")
    text = (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    document = RecipeDocument.from_text(text, source=f"preset {name}")
    _resolve_packaged_files(document)
    return document


def _resolve_packaged_files(document: RecipeDocument) -> None:
    if document.get_value("model.name") == f"{_PACKAGED}model":
        document.set_value("model.name", str(demo_model_folder()))
    for key in ("data.train", "data.validation", "data.test"):
        source = document.get_value(key)
        if isinstance(source, str) and source.startswith(_PACKAGED):
            split = source.removeprefix(_PACKAGED)
            document.set_value(key, str(demo_data_folder() / f"{split}.jsonl"))
