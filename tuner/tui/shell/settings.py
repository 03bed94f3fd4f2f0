"""The user's own settings: a theme and other keys."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.field_parsers import Location, check_known_keys
from tuner.recipe.load import parse_toml, read_recipe_text
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.user_paths import xdg_folder

NOTIFY_METHODS = ("bell", "osc9", "osc777")
"""How a terminal can be asked to call its user."""


@dataclass(frozen=True)
class Settings:
    """The user's choices; `notify` says how to notify when a search has ended.

    `keys` maps the id of a binding to its keys, separated by commas.
    """

    theme: str | None = None
    notify: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)


def settings_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return config.toml in the user's configuration folder for tuner."""
    return xdg_folder("XDG_CONFIG_HOME", ".config", environment) / "tuner" / "config.toml"


TEMPLATE = """\
# theme = "nord"
# notify = ["bell", "osc9", "osc777"]

[keys]
# The names are in the list of all keys, docs/keys.md.
# "session.pause" = "ctrl+p"
"""


def load_settings(path: Path) -> Settings:
    """Read the settings, empty ones if there is no file; raises TunerError saying what is wrong."""
    if not path.is_file():
        return Settings()
    raw = parse_toml(read_recipe_text(path), str(path))
    check_known_keys(raw, [setting.name for setting in fields(Settings)], Location(str(path)))
    theme, keys = raw.get("theme"), raw.get("keys", {})
    if not isinstance(theme, str | None):
        raise TunerError(f"{path}: theme must be a name in quotes")
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise TunerError(f'{path}: [keys] must have lines such as "session.pause" = "ctrl+p"')
    return Settings(theme, _notify_methods(raw.get("notify", []), path), keys)


def _notify_methods(value: object, path: Path) -> tuple[str, ...]:
    ways = [value] if isinstance(value, str) else value
    if not isinstance(ways, list):
        raise TunerError(f'{path}: notify must be a list such as ["bell", "osc9"]')
    for way in ways:
        if way not in NOTIFY_METHODS:
            raise TunerError(
                f"{path}: notify: no {quote_value(way)}; {spelling_hint(str(way), NOTIFY_METHODS)}"
            )
    return tuple(ways)


def check_theme_name(settings: Settings, themes: Collection[str], path: Path) -> None:
    """Raise TunerError, with the nearest name, for a theme that does not exist."""
    if settings.theme is not None and settings.theme not in themes:
        near = spelling_hint(settings.theme, sorted(themes))
        raise TunerError(f"{path}: no theme {quote_value(settings.theme)}; {near}")
