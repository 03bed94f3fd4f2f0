"""What differs between two recipes of one session."""

from __future__ import annotations

from tuner.recipe.load import section_to_dict
from tuner.recipe.space import settings_by_name
from tuner.recipe.types import Recipe, Setting

_UNCHANGEABLE = ("model", "data")
METRIC = "search.metric"
TEST = "data.test"
"""No trial was trained or chosen by its rows: others may take their place until it is opened."""


def incomparable_key(before: Recipe, now: Recipe) -> str:
    """Return the first key that makes trials of both recipes incomparable, "" if there is none.

    Model, data and metric are fixed as soon as a session has trials; the test file is not.
    """
    for section in _UNCHANGEABLE:
        old = section_to_dict(getattr(before, section))
        new = section_to_dict(getattr(now, section))
        for key in sorted({*old, *new}):
            name = f"{section}.{key}"
            if old.get(key) != new.get(key) and name != TEST:
                return name
    return METRIC if before.search.metric != now.search.metric else ""


def changed_settings(
    before: Recipe, now: Recipe
) -> dict[str, tuple[Setting | None, Setting | None]]:
    """Map each flat name that differs to its settings (before, now); None where there is none."""
    old, new = settings_by_name(before), settings_by_name(now)
    return {
        name: (old.get(name), new.get(name))
        for name in (*old, *(name for name in new if name not in old))
        if old.get(name) != new.get(name)
    }
