"""The parts of a recipe as plain immutable values. No torch, no optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scale = Literal["log", "linear"]
Scalar = bool | int | float | str
FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Range:
    """A searched number: drawn from low…high (both included), evenly on a linear or a log scale."""

    low: float
    high: float
    scale: Scale = "linear"
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """A searched value: one of these, at least two."""

    values: tuple[Scalar, ...]


Setting = Scalar | Range | Choices
"""A plain value is fixed, a `Range` or `Choices` is searched."""


@dataclass(frozen=True, slots=True)
class TiedRate:
    """A rate tied to that of another group: `times` as high, which may itself be searched."""

    group: str
    times: Setting = 1.0


Rate = Setting | TiedRate
"""What a group's `lr` may be."""


@dataclass(frozen=True, slots=True)
class ModelSection:
    """`name` is a hub id or a folder; `max_length` is in tokens, special ones included."""

    name: str
    max_length: int = 256
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False


@dataclass(frozen=True, slots=True)
class DataSection:
    """Where the rows are.

    "hub:NAME[:CONFIG]:SPLIT" names a hub data set or a folder like one, anything else a file.
    Columns are names, or numbers from 0 for files without a header. `validation` may be a share of
    the training rows (0…1) instead of a file. `holdout` seals that share of validation as test.
    Relative paths are resolved against the folder the recipe was made in (`root`).

    `separator`, `header`, `quotes` and `encoding` overrule what a file's content says about its
    form; `unlabelled`, `merge_labels` and `label_names` say what its labels mean.
    """

    train: str
    validation: str | float
    text: tuple[str | int, ...]
    label: str | int
    test: str | None = None
    holdout: float = 0.0
    split_seed: int = 0
    quotes: bool | Literal["backslash"] | None = None
    separator: str | None = None
    header: bool | None = None
    encoding: str | None = None
    unlabelled: tuple[str, ...] | None = None
    merge_labels: bool = False
    label_names: tuple[str, ...] | Mapping[str, str] | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingSection:
    """How one model is trained. `warmup` is a share of the schedule; `seed` may be "per-trial"."""

    epochs: Setting = 3
    batch_size: Setting = 16
    accumulation: Setting = 1
    warmup: Setting = 0.06
    weight_decay: Setting = 0.0
    schedule: Setting = "linear"
    label_smoothing: Setting = 0.0
    max_grad_norm: Setting = 1.0
    adam_beta1: Setting = 0.9
    adam_beta2: Setting = 0.999
    adam_epsilon: Setting = 1e-8
    dropout: Setting | None = None
    precision: str = "auto"
    kernels: str = "auto"
    deterministic: bool = False
    seed: int | str = 0
    evaluations_per_epoch: int = 1
    keep: Literal["best", "last"] = "best"
    checkpoint_seconds: float = 60.0
    silence_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A layer group as asked for. Exactly one of the selectors is set.

    part    "embeddings", "layers" (all of them), "pooler" or "head", or several of them
    layers  "0-5", "3", "0-2,9" by index, or "2/4": the second of four equal slices of any encoder
    params  parameter names or shell-style globs
    rest    everything that no other group took

    `layer_decay` makes `lr` the rate of the group's top layer: each layer below it has that of the
    one above times `layer_decay`, the embeddings come below layer 0 (Clark et al. 2020, ELECTRA).
    """

    name: str
    lr: Rate
    part: str | tuple[str, ...] | None = None
    layers: str | None = None
    params: tuple[str, ...] | None = None
    rest: bool = False
    weight_decay: Setting | None = None
    layer_decay: Setting | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that the group selects; () if it selects in another way."""
        return (self.part,) if isinstance(self.part, str) else self.part or ()

    @property
    def selects_body(self) -> bool:
        """Whether the group selects embeddings or encoder layers by part or by layer."""
        return self.layers is not None or any(p in ("embeddings", "layers") for p in self.parts)


@dataclass(frozen=True, slots=True)
class SearchSection:
    """How the search goes.

    `time` is a budget of seconds during which trials train, `on_timeout` what becomes of the trials
    that are running when it is used up; `slots` is "auto" or a number. `collapse` says when a model
    that predicts one label only is given up: "auto", "off", or after so many evaluations in a row.
    """

    metric: str = "accuracy"
    sampler: str = "tpe"
    pruner: str = "halving"
    trials: int = 40
    time: float | None = None
    on_timeout: str = "end"
    slots: int | str = "auto"
    seed: int = 0
    startup_trials: int = 10
    collapse: int | str = "auto"
    first_rung: float = 1 / 3
    reduction: int = 2
    patience: int | None = None
    baseline: bool = True
    grid_points: int = 4
    repeats: Literal["new", "seed"] = "new"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything about one tuning job, validated."""

    model: ModelSection
    data: DataSection
    training: TrainingSection = field(default_factory=TrainingSection)
    groups: tuple[GroupSpec, ...] = ()
    search: SearchSection = field(default_factory=SearchSection)
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named tensor of a model."""

    name: str
    shape: tuple[int, ...]

    @property
    def element_count(self) -> int:
        size = 1
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class ResolvedGroup:
    """A group with the parameters that it holds in one model, in the model's order."""

    spec: GroupSpec
    parameters: tuple[Parameter, ...]

    @property
    def element_count(self) -> int:
        return sum(parameter.element_count for parameter in self.parameters)
