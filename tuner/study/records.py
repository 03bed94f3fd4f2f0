"""What the study knows about each trial, kept in memory and rebuilt from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.recipe.origins import SAMPLED, is_outside_space, repeated_trial_number
from tuner.recipe.ranges import Space, coerce_to_setting
from tuner.recipe.types import Scalar
from tuner.study.distributions import space_distributions

RecordState = Literal["running", "waiting", "complete", "pruned", "failed"]
STATES_BY_OPTUNA_STATE: Mapping[TrialState, RecordState] = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Attribute:
    """Names of the user attributes of a trial in the database."""

    ORIGIN = "origin"
    KEY = "key"
    FIXED = "fixed"
    COLLAPSED = "collapsed"
    ONE_LABEL = "one_label"
    CARRIED = "carried"
    CMA_GENERATION = "cma_generation"


FIXED_PARAMS = "fixed_params"
"""Optuna's own system attribute for the parameters of a trial that waits."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a trial is to be trained with.

    `params` has every searched setting with the value really used, also where that lies outside
    of its range; `fixed` the settings that are not searched and that this trial has instead of the
    recipe's own. `origin` is one of `recipe.origins`. `proposed_again` is the earlier trial whose
    very configuration the sampler proposed first.
    """

    number: int
    params: Mapping[str, Scalar]
    fixed: Mapping[str, Scalar]
    origin: str
    proposed_again: int | None = None


class Outcome(NamedTuple):
    """The state of a trial and, where there is one, its value."""

    state: RecordState
    value: float | None


@dataclass(slots=True)
class TrialRecord:
    """One trial. `id` is the database's; `curve` maps a percent of the schedule to the value there.

    `params` are the searched settings with a value inside of their range. `given_params` are those
    of them that an enqueued trial came with. `fixed` are the values that are no point of the space:
    of settings that are not searched, or outside of their range. A trial that has any is kept from
    the sampler. `one_label`: the model predicts one label for all rows, whatever its value.
    """

    number: int
    id: int
    state: RecordState
    origin: str = SAMPLED
    key: str | None = None
    params: dict[str, Scalar] = field(default_factory=dict)
    given_params: dict[str, Scalar] = field(default_factory=dict)
    fixed: dict[str, Scalar] = field(default_factory=dict)
    curve: dict[int, float] = field(default_factory=dict)
    value: float | None = None
    collapsed: bool = False
    one_label: bool = False
    carried: bool = False
    cma_generation: int | None = None
    proposed_again: int | None = None

    @property
    def has_ended(self) -> bool:
        return self.state not in ("running", "waiting")

    @property
    def is_rerun(self) -> bool:
        """Whether it is a re-run.

        The search learns nothing from those: the point is known, and several of the best one would
        draw the sampler there and raise the cutoffs for all others.
        """
        return repeated_trial_number(self.origin) is not None

    def value_for_search(self, worst: float) -> float | None:
        """Return the value for sampler and pruner: the worst one for a model that learned nothing.

        On lopsided data its score is high, and a sampler would go where most models collapse.
        """
        return worst if self.one_label and self.value is not None else self.value

    def lies_in_space(self, space: Space) -> bool:
        """Check that the trial is a point of the space: a sampler may learn from no other."""
        off = is_outside_space(self.origin, self.fixed)
        return not off and not self.is_rerun and space.keys() == self.params.keys()

    def as_suggestion(self, space: Space) -> Suggestion:
        trial_values = {**self.params, **self.fixed}
        return Suggestion(
            number=self.number,
            params={name: trial_values[name] for name in space},
            fixed={name: value for name, value in self.fixed.items() if name not in space},
            origin=self.origin,
            proposed_again=self.proposed_again,
        )


def record_from_trial(trial: FrozenTrial, number: int, space: Space) -> TrialRecord:
    """Read a trial of the database; parameters that are not in the space are left out."""
    attributes = trial.user_attrs
    return TrialRecord(
        number=number,
        id=trial._trial_id,
        state=STATES_BY_OPTUNA_STATE[trial.state],
        origin=attributes.get(Attribute.ORIGIN, SAMPLED),
        key=attributes.get(Attribute.KEY),
        params=values_inside_space(trial.params, space),
        given_params=values_inside_space(trial.system_attrs.get(FIXED_PARAMS, {}), space),
        fixed=dict(attributes.get(Attribute.FIXED, {})),
        curve=dict(sorted(trial.intermediate_values.items())),
        value=trial.value,
        collapsed=bool(attributes.get(Attribute.COLLAPSED, False)),
        one_label=bool(attributes.get(Attribute.ONE_LABEL, False)),
        carried=Attribute.CARRIED in attributes,
        cma_generation=attributes.get(Attribute.CMA_GENERATION),
    )


def template_of_record(record: TrialRecord, space: Space) -> FrozenTrial:
    """Build what the database is to have of a trial that waits or runs."""
    attributes: dict[str, object] = {Attribute.ORIGIN: record.origin}
    if record.key is not None:
        attributes[Attribute.KEY] = record.key
    if record.fixed:
        attributes[Attribute.FIXED] = record.fixed
    if record.cma_generation is not None:
        attributes[Attribute.CMA_GENERATION] = record.cma_generation
    waits = record.state == "waiting"
    return create_trial(
        state=TrialState.WAITING if waits else TrialState.RUNNING,
        params=record.params,
        distributions=space_distributions({name: space[name] for name in record.params}),
        user_attrs=attributes,
        system_attrs={FIXED_PARAMS: record.given_params} if waits else {},
    )


def values_inside_space(values: Mapping[str, Any], space: Space) -> dict[str, Scalar]:
    """Return the values that lie in the space, in its types and order."""
    values_in_space = {
        name: coerce_to_setting(space[name], values[name]) for name in space if name in values
    }
    return {name: value for name, value in values_in_space.items() if value is not None}
