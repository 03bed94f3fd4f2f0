"""What to try where no sampled trial was better than the baseline."""

from __future__ import annotations

from tuner.recipe.space import keep_present_groups
from tuner.results.baseline_coverage import rates_out_of_range
from tuner.session.best_document import load_cached_model
from tuner.session.folder import Session
from tuner.session.view import SessionView


def advice_after_search(session: Session, view: SessionView) -> str:
    """Name ranges that exclude the baseline first: no trial inside of them can match it."""
    outside = _rates_outside(session, view)
    if outside:
        more = f" (and {len(outside) - 1} more)" if len(outside) > 1 else ""
        where = next(iter(outside.values()))
        return f"{where[0].upper()}{where[1:]}{more}: widen it with tuner set and add trials."
    return (
        "Its rates lie inside of all ranges: add trials, or narrow the ranges around it "
        "(tuner set)."
    )


def _rates_outside(session: Session, view: SessionView) -> dict[str, str]:
    model = load_cached_model(session)
    recipe = view.recipe
    if model is None or recipe is None:
        return {}
    names = {group.name for group in recipe.groups} & view.group_sizes.keys()
    present = keep_present_groups(recipe, names)
    return rates_out_of_range(present, model.model_type, model.hidden_size, model.layers)
