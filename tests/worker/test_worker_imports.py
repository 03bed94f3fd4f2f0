"""What the screens import of the worker must not bring Optuna or torch along."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"optuna", "torch", "transformers", "datasets", "pandas", "sqlalchemy", "numpy"}
LIGHT = [
    "tuner.worker.launch",
    "tuner.worker.control",
    "tuner.worker.trainer_queries",
    "tuner.session.best_document",
]


def test_launching_asking_and_inspecting_are_light() -> None:
    code = f"import sys, {', '.join(LIGHT)}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
