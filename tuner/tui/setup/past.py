"""What a session has done before its recipe is edited: what may change, and what trials had."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tuner.errors import TunerError
from tuner.recipe.changes import METRIC, TEST, other_task
from tuner.recipe.load import parse
from tuner.recipe.rates import own_rate, tied_rate
from tuner.recipe.space import LR, TIMES_OF, settings
from tuner.recipe.types import GroupSpec, Like, Recipe, Setting
from tuner.results.format import GLYPHS
from tuner.session.budget import nothing_left, trials_left
from tuner.session.fold import ENDED
from tuner.session.folder import Session
from tuner.session.generations import NextGeneration, next_generation, what_follows
from tuner.session.seal import change_of_test_refused, replacing_refused
from tuner.session.status import ALIVE, current
from tuner.session.view import SessionState, SessionView, TrialState, TrialView

GOOD_SHARE = 0.2
"""Which of the complete trials count as good: the best fifth."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The rates that ended trials had in a group, and those of the good ones among them."""

    rates: tuple[float, ...]
    good: tuple[float, ...]


class Past:
    """A session's log at the time when its setup is opened.

    `recipe` is that of the last start, None for a draft; TunerError where it can no longer be read.
    """

    def __init__(self, view: SessionView, state: SessionState) -> None:
        self.view, self.state = view, state
        started = self.begun and bool(view.recipe)
        self.recipe = parse(view.recipe, "events.jsonl") if started else None

    @classmethod
    def of(cls, session: Session) -> Past:
        """What the session's log tells now."""
        return cls(*current(session))

    @property
    def alive(self) -> bool:
        """Whether a worker is at it: a changed recipe waits for the next start."""
        return self.state in ALIVE

    @property
    def begun(self) -> bool:
        """Whether there are trials that a changed recipe has to be comparable with."""
        return bool(self.view.trials)

    @property
    def read_only(self) -> str:
        """Why nothing may be changed, "" where something may."""
        if self.state is SessionState.STOPPED:
            return "read-only: the search was stopped for good; clone the session to go on"
        return ""

    @property
    def word(self) -> str:
        """The state with its glyph."""
        return f"{GLYPHS[self.state.value]} {self.state}"

    def locked(self, key: str) -> str:
        """Why a key of the recipe may not change, "" where it may."""
        if key == TEST:
            return replacing_refused(self.view)
        if not self.begun or not (key.startswith(("model.", "data.")) or key == METRIC):
            return ""
        return f"{key} stays: {len(self.view.trials)} trials have it; clone the session for another"

    def guard(self, recipe: Recipe) -> None:
        """Refuses, by TunerError, a recipe whose trials could not be compared with these."""
        before = self.recipe
        key = other_task(before, recipe) if before is not None else ""
        refused = self.locked(key) if key else ""
        if before is not None:
            refused = refused or change_of_test_refused(self.view, before, recipe)
        if refused:
            raise TunerError(refused)

    def opens(self, recipe: Recipe) -> NextGeneration | None:
        """What a start with this recipe opens."""
        return next_generation(self.view, recipe)

    def forecast(self, recipe: Recipe) -> str:
        """What ctrl+r will do, in one line; "" for a draft."""
        if not self.begun:
            return ""
        spent = nothing_left(self.view, recipe)
        if spent is not None:
            return spent.advise(" (4 Search)")
        left = trials_left(self.view, recipe)
        told = what_follows(self.opens(recipe)) or f"goes on in generation {self.view.generation}"
        return f"the next start {told}; {left} trial{'' if left == 1 else 's'} to go"

    def question(self, recipe: Recipe) -> str:
        """What is to be asked before a start: it opens a generation, or a worker runs; else ""."""
        opens = self.opens(recipe)
        carried = ""
        if opens is not None:
            of = f"{opens.carried} of {opens.trials} trials"
            carried = f"Generation {opens.number} takes {of} over. "
        if self.begun and self.alive:
            return f"{carried}Pause, save and start again?"
        return f"{carried}Start?" if carried else ""

    def refusal(self, recipe: Recipe) -> str:
        """Why a start would end at once, "" where it would not."""
        over = nothing_left(self.view, recipe) is not None
        return self.forecast(recipe) if over else ""

    @cached_property
    def seen(self) -> Mapping[str, Seen]:
        """By group, what its ended trials had; groups whose rate never varied are left out."""
        if self.recipe is None:
            return {}
        return seen_rates(self.recipe, self.view)


def seen_rates(recipe: Recipe, view: SessionView) -> dict[str, Seen]:
    """The rates of all ended trials by group, and of the good ones."""
    ended = [trial for trial in view.trials.values() if trial.state in ENDED]
    good = good_trials(ended, view.direction)
    fixed = settings(recipe)
    out: dict[str, Seen] = {}
    for group in recipe.groups:
        rates = {
            trial.number: rate
            for trial in ended
            if (rate := _rate(recipe.groups, group, fixed, {**trial.params, **trial.fixed}))
        }
        if len(set(rates.values())) > 1:
            best = tuple(rate for number, rate in rates.items() if number in good)
            out[group.name] = Seen(tuple(rates.values()), best)
    return out


def _without_one_label(trials: Sequence[TrialView]) -> Sequence[TrialView]:
    """Models with one answer for all rows are no guide, as long as there are others."""
    return [trial for trial in trials if not trial.one_label] or trials


def good_trials(trials: Sequence[TrialView], direction: str) -> frozenset[int]:
    """The numbers of the best fifth of the complete trials, at least one of them."""
    complete = [
        (trial.value, trial.number)
        for trial in _without_one_label(trials)
        if trial.state is TrialState.COMPLETE
        and trial.value is not None
        and math.isfinite(trial.value)
    ]
    ranked = sorted(complete, reverse=direction == "maximize")
    return frozenset(number for _, number in ranked[: math.ceil(len(ranked) * GOOD_SHARE)])


def _rate(
    groups: Sequence[GroupSpec],
    group: GroupSpec,
    fixed: Mapping[str, Setting],
    values: Mapping[str, object],
) -> float | None:
    """What a group's rate was in a trial; None where that cannot be told."""
    own = LR + own_rate(groups, group).name
    rate = _number(values.get(own, fixed.get(own)))
    if rate is None or not isinstance(group.lr, Like):
        return rate
    times = _number(values.get(TIMES_OF + group.name, group.lr.times))
    return None if times is None else tied_rate(rate, times)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
