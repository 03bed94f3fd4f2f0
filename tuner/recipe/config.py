"""One trial's hyperparameters with every choice made: what the trainer receives."""

from __future__ import annotations

import msgspec


class TrialConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that decides how one model is trained.

    learning_rates and weight_decays have one entry a layer group, by its name; a rate of None
    means that the group is frozen. Where `layer_decays` has one, too, the rate is that of the
    group's top layer, and falls by this factor with each layer below. `warmup` is a share of the
    schedule, `epochs` a whole number of passes.
    """

    learning_rates: dict[str, float | None]
    weight_decays: dict[str, float]
    epochs: int
    batch_size: int
    accumulation: int
    warmup: float
    schedule: str
    label_smoothing: float
    max_grad_norm: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    dropout: float | None
    seed: int
    evaluations_per_epoch: int
    keep: str
    layer_decays: dict[str, float] = {}
