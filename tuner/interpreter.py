"""How tuner starts Python: never with the working folder before the libraries."""

from __future__ import annotations

import sys
from pathlib import Path

from tuner.recipe.user_paths import resolve_absolute_path

SOURCE_FOLDER = Path(__file__).resolve().parents[1]
"""The folder that holds the package tuner."""


def python_command(*arguments: str) -> list[str]:
    """Return the command that runs this interpreter with these arguments (`-m MODULE`, `-c CODE`).

    The working folder stays out of the import path, where a user's datasets.py or torch.py would be
    taken for the library; only in tuner's own source folder it may be what makes tuner importable.
    """
    safe_path = [] if resolve_absolute_path(Path()) == SOURCE_FOLDER else ["-P"]
    return [sys.executable, *safe_path, *arguments]
