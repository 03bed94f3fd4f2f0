"""tuner's trainer in this process, on the work that a benchmark asks for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.work import Work
from tuner.pool.protocol import Setup, Train
from tuner.recipe.load import parse_recipe, recipe_to_dict
from tuner.recipe.space import build_trial_config
from tuner.training.hub import quiet_libraries

if TYPE_CHECKING:
    from tuner.training.techniques import Techniques
    from tuner.training.trainer_context import TrainerContext
    from tuner.training.trial import Trial

METRIC = "accuracy"


def trainer_setup(work: Work, **training: Any) -> Setup:
    """Make the setup that a worker sends: one rate for all layers, no warmup unless asked."""
    raw: dict[str, Any] = {
        "model": {"name": work.model, "max_length": work.max_length},
        "data": {
            "train": work.train,
            "validation": work.validation,
            "text": ["text", "second"] if work.pair else ["text"],
            "label": "label",
        },
        "training": {
            "epochs": work.epochs,
            "batch_size": work.batch_size,
            "precision": work.precision,
            **training,
        },
        "groups": [{"name": "all", "rest": True, "lr": work.rate}],
    }
    session = Path(work.scratch) / "session"
    session.mkdir(parents=True, exist_ok=True)
    recipe = recipe_to_dict(parse_recipe(raw, "benchmark"))
    return Setup(session=str(session), recipe=recipe, device=work.device, threads=work.threads)


def open_context(
    work: Work, techniques: Techniques | None = None, **training: Any
) -> TrainerContext:
    """Make the context as tuner's own trainer process does."""
    quiet_libraries(work.threads)
    from tuner.training.techniques import ALL
    from tuner.training.trainer_context import TrainerContext

    def print_note(level: str, text: str) -> None:
        print(level, text, file=sys.stderr)

    return TrainerContext(trainer_setup(work, **training), print_note, techniques or ALL)


def train_request(context: TrainerContext, trial: int, **values: Any) -> Train:
    """Train with the recipe's settings, or with others by flat name."""
    config = build_trial_config(context.recipe, values, trial)
    return Train(trial=trial, config=config, metric=METRIC, direction="maximize")


def trial_on(context: TrainerContext, number: int, work: Work) -> Trial:
    """Make a trial; check that its first steps take the rows that the work names."""
    from tuner.training.trial import Trial

    trial = Trial(context, train_request(context, number, seed=work.seed))
    rows = context.data.train.rows
    for step in range(work.step_count):
        row_numbers = rows[trial.data_order.rows_of_update(step)].tolist()
        expected = work.rows[step * work.batch_size : (step + 1) * work.batch_size]
        assert row_numbers == expected, f"step {step} takes other rows than the benchmark's"
    return trial
