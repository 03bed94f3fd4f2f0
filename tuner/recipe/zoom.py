"""Other ends for what is searched, written into a recipe's text."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.document import RecipeDocument
from tuner.recipe.nearest import suggestion
from tuner.recipe.readers import Place
from tuner.recipe.space import LR, TIMES_OF, settings
from tuner.recipe.types import Range, Scalar

Ends = tuple[float, float]


def key_of(name: str) -> str:
    """The dotted key of a recipe at which a flat setting is written."""
    prefix, dot, group = name.partition(".")
    if not dot:
        return f"training.{name}"
    key = {LR: "lr", TIMES_OF: "lr.times"}.get(prefix + dot, prefix)
    return f'groups."{group}".{key}'


def zoom(document: RecipeDocument, ranges: Mapping[str, Ends], source: str = "") -> None:
    """Writes other ends of searched numbers into a recipe, by flat name; comments stay.

    Scales stay as they are, two equal ends fix the value. TunerError for names that are no number
    of this recipe, and for ends that the recipe refuses.
    """
    known = settings(document.recipe())
    for name, (low, high) in ranges.items():
        at = Place(source, name)
        setting = known.get(name)
        if setting is None:
            raise at.refuse(f"no such setting; {suggestion(name, known)}")
        if not isinstance(setting, Range):
            raise at.refuse("has no range in this recipe; tuner set gives it one")
        document.set(key_of(name), _zoomed(setting, low, high), source)
    document.recipe()


def _zoomed(setting: Range, low: float, high: float) -> Range | Scalar:
    if setting.integer and low == int(low) and high == int(high):
        low, high = int(low), int(high)
    return low if low == high else Range(low, high, setting.scale, setting.integer)
