"""What a session has done so far: what may still change, and the rates that trials had."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tuner.errors import TunerError
from tuner.recipe.rates import find_rate_owner
from tuner.recipe.space import LR_PREFIX, TIMES_PREFIX, settings_by_name
from tuner.recipe.types import GroupSpec, Recipe, Setting, TiedRate
from tuner.results.format import count_in_words
from tuner.results.state_glyphs import GLYPHS
from tuner.session.budget import count_trials_left, reason_for_immediate_end
from tuner.session.folder import Session
from tuner.session.generations import (
    NextGeneration,
    describe_next_generation,
    next_generation,
    reason_key_is_locked,
    reason_recipe_refused,
)
from tuner.session.lifecycle import reason_not_allowed
from tuner.session.status import load_current_session
from tuner.session.view import (
    ALIVE_STATES,
    ENDED_STATES,
    SessionState,
    SessionView,
    TrialState,
    TrialView,
)

GOOD_SHARE = 0.2
"""The share of complete trials that count as good."""


@dataclass(frozen=True, slots=True)
class TriedRates:
    """The rates that ended trials had in a group, and those of the good ones among them."""

    rates: tuple[float, ...]
    good: tuple[float, ...]


class SessionHistory:
    """A session's view and state when its setup was opened.

    `recipe` is that of the last start, None for a draft; TunerError where it can no longer be read.
    """

    def __init__(self, view: SessionView, state: SessionState) -> None:
        self.view, self.state = view, state
        started = self.has_trials and view.has_recipe
        self.recipe = view.require_recipe() if started else None

    @classmethod
    def from_session(cls, session: Session) -> SessionHistory:
        return cls(*load_current_session(session))

    @property
    def has_live_worker(self) -> bool:
        """Whether a worker is running: a changed recipe waits for the next start."""
        return self.state in ALIVE_STATES

    @property
    def has_trials(self) -> bool:
        """Whether there are trials that a changed recipe has to be comparable with."""
        return bool(self.view.trials)

    @property
    def read_only_reason(self) -> str:
        """Why nothing may be changed, "" otherwise."""
        if self.has_live_worker:  # what is changed here waits for the next start
            return ""
        reason = reason_not_allowed("change", self.view.name, self.state)
        return reason and f"read-only: {reason}"

    @property
    def state_with_glyph(self) -> str:
        return f"{GLYPHS[self.state.value]} {self.state}"

    def lock_reason(self, key: str) -> str:
        return reason_key_is_locked(self.view, key)

    def refuse_incomparable(self, recipe: Recipe) -> None:
        """Raise TunerError for a recipe whose trials could not be compared with these."""
        reason = reason_recipe_refused(self.view, recipe)
        if reason:
            raise TunerError(reason)

    def generation_to_open(self, recipe: Recipe) -> NextGeneration | None:
        """Return the generation that a start with this recipe opens, None for none."""
        return next_generation(self.view, recipe)

    def start_forecast(self, recipe: Recipe) -> str:
        """Say in one line what a start will do; "" for a draft."""
        if not self.has_trials:
            return ""
        spent = reason_for_immediate_end(self.view, recipe)
        if spent is not None:
            return spent.describe_with_advice(" (4 Search)")
        trials_to_go = count_trials_left(self.view, recipe)
        consequence = (
            describe_next_generation(self.generation_to_open(recipe))
            or f"continues in generation {self.view.generation}"
        )
        return f"the next start {consequence}; {count_in_words(trials_to_go, 'trial')} to go"

    def start_question(self, recipe: Recipe) -> str:
        """Return what to confirm before a start: a new generation, a running worker; else ""."""
        generation = self.generation_to_open(recipe)
        carried = ""
        if generation is not None:
            kept_trials = f"{generation.carried} of {generation.trials} trials"
            carried = f"Generation {generation.number} keeps {kept_trials}. "
        if self.has_trials and self.has_live_worker:
            return f"{carried}Pause, save and restart?"
        return f"{carried}Start?" if carried else ""

    def start_refusal(self, recipe: Recipe) -> str:
        """Return why a start would end at once, "" where it would not."""
        over = reason_for_immediate_end(self.view, recipe) is not None
        return self.start_forecast(recipe) if over else ""

    @cached_property
    def rates_by_group(self) -> Mapping[str, TriedRates]:
        """The rates of ended trials by group; groups whose rate never varied are left out."""
        if self.recipe is None:
            return {}
        return rates_tried_by_group(self.recipe, self.view)


def rates_tried_by_group(recipe: Recipe, view: SessionView) -> dict[str, TriedRates]:
    """Return by group the rates of all ended trials, and those of the good ones."""
    ended = [trial for trial in view.trials.values() if trial.state in ENDED_STATES]
    good = best_trial_numbers(ended, view.direction)
    fixed = settings_by_name(recipe)
    tried_by_group: dict[str, TriedRates] = {}
    for group in recipe.groups:
        rates = {
            trial.number: rate
            for trial in ended
            if (
                rate := _rate_in_trial(recipe.groups, group, fixed, {**trial.params, **trial.fixed})
            )
        }
        if len(set(rates.values())) > 1:
            best = tuple(rate for number, rate in rates.items() if number in good)
            tried_by_group[group.name] = TriedRates(tuple(rates.values()), best)
    return tried_by_group


def _without_one_label(trials: Sequence[TrialView]) -> Sequence[TrialView]:
    """Leave out models that predict one label for all rows, as long as there are others."""
    return [trial for trial in trials if not trial.one_label] or trials


def best_trial_numbers(trials: Sequence[TrialView], direction: str) -> frozenset[int]:
    """Return the numbers of the best fifth of the complete trials, at least one of them."""
    complete = [
        (trial.value, trial.number)
        for trial in _without_one_label(trials)
        if trial.state is TrialState.COMPLETE
        and trial.value is not None
        and math.isfinite(trial.value)
    ]
    ranked = sorted(complete, reverse=direction == "maximize")
    return frozenset(number for _, number in ranked[: math.ceil(len(ranked) * GOOD_SHARE)])


def _rate_in_trial(
    groups: Sequence[GroupSpec],
    group: GroupSpec,
    fixed: Mapping[str, Setting],
    values: Mapping[str, object],
) -> float | None:
    """Return a group's rate in a trial, ties followed; None where it is not known."""
    rate_name = LR_PREFIX + find_rate_owner(groups, group).name
    rate = _number_or_none(values.get(rate_name, fixed.get(rate_name)))
    if rate is None or not isinstance(group.lr, TiedRate):
        return rate
    times = _number_or_none(values.get(TIMES_PREFIX + group.name, group.lr.times))
    return None if times is None else rate * times


def _number_or_none(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
