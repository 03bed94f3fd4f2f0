"""The user's own editor, on a copy of a recipe or of the settings."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from tuner.errors import TunerError
from tuner.recipe.load import read_recipe_text

FALLBACKS = ("nano", "vim", "vi")


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return $VISUAL, $EDITOR or an installed editor, split into words; TunerError without any."""
    for variable in ("VISUAL", "EDITOR"):
        if environment.get(variable, "").strip():
            try:
                return shlex.split(environment[variable])
            except ValueError as error:
                raise TunerError(f"${variable} cannot be parsed as a command: {error}") from None
    fallback = next((name for name in FALLBACKS if shutil.which(name)), None)
    if fallback is None:
        raise TunerError("no editor: set $VISUAL or $EDITOR, such as EDITOR=nano")
    return [fallback]


def edit_in_terminal(app: App[Any], text: str) -> str:
    """Suspend the app, edit `text` in the user's editor and return it. Raises TunerError."""
    command = editor_command(os.environ)
    with tempfile.TemporaryDirectory(prefix="tuner-") as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                status = subprocess.run([*command, str(path)], check=False).returncode
        except SuspendNotSupported:
            raise TunerError("this terminal cannot be handed over to an editor") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise TunerError(f"{command[0]} cannot be started: {why}") from None
        if status:
            raise TunerError(f"{command[0]} exited with {status}: the text is unchanged")
        return read_recipe_text(path)
