"""Everything that workers and trainers import and prepare, done once in the server of forks."""

from __future__ import annotations

import os

os.environ.pop("LD_PRELOAD", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import gc
import importlib
import tempfile
from pathlib import Path

from tests.faults.studies import Tiny
from tuner.pool.protocol import Setup
from tuner.recipe.load import load_recipe, recipe_to_dict
from tuner.training.trainer_context import TrainerContext

_IMPORTED_LATE = (
    "scipy.io",
    "torch.profiler",
    "tuner.training.loop",
    "tuner.training.serve",
    "tuner.worker.__main__",
    "tuner.worker.open_study",
)


def warm_up() -> None:
    """Load a model once, so that what the libraries make at their first use is there."""
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        session = Tiny(Path(folder)).session()
        recipe = recipe_to_dict(load_recipe(session.recipe_path))
        setup = Setup(session=str(session.path), recipe=recipe, device="cpu", threads=1)
        TrainerContext(setup, lambda _level, _text: None)
    # A collection in a fork would copy every page of this.
    gc.collect()
    gc.freeze()


warm_up()
