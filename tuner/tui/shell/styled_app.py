"""How the app looks and speaks: theme and styles, the user's settings, messages. No sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.cells import cell_len
from textual.app import App

from tuner.errors import TunerError
from tuner.recipe.load import read_recipe_text
from tuner.render.styles import TERMINAL_STYLES, Styles
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text
from tuner.tui.shell.ascii_filter import AsciiFilter, wants_ascii_only
from tuner.tui.shell.settings import (
    TEMPLATE,
    Settings,
    check_theme_name,
    load_settings,
    settings_path,
)
from tuner.tui.shell.theme import TUNER_THEME, styles_from_variables

CHECK_KEYS_AFTER = 0.5
"""Seconds after the start."""
MAX_NOTICE_CELLS = 300
"""Cells of a message that goes away by itself: what it lies over stays readable."""


class StyledApp(App[None]):
    """An app in the theme and with the keys that the user's settings ask for.

    `notify_by` names the ways to call the user.
    """

    def __init__(self, settings: Path | None = None) -> None:
        self.styles_by_role: Styles = TERMINAL_STYLES
        super().__init__()
        self.notify_by: tuple[str, ...] = ()
        self._settings_path = settings if settings is not None else settings_path()
        self.register_theme(TUNER_THEME)
        self.theme = TUNER_THEME.name
        self._parsed_with = self.get_css_variables()
        self.stylesheet.set_variables(self._parsed_with)
        self._filters.extend([AsciiFilter()] if wants_ascii_only() else [])

    def load_user_settings(self) -> None:
        """Apply the user's colors and keys, and show what is wrong with the settings."""
        self.theme_changed_signal.subscribe(self, lambda _theme: self._update_role_styles())
        self._update_role_styles()
        try:
            self._apply_settings(load_settings(self._settings_path))
        except TunerError as error:
            self.notify_user(str(error), failed=True)

    def _apply_settings(self, settings: Settings) -> None:
        check_theme_name(settings, self.available_themes, self._settings_path)
        if settings.theme is not None:
            self.theme = settings.theme
        self.notify_by = settings.notify
        self.set_keymap(dict(settings.keys))
        if settings.keys:
            self.set_timer(CHECK_KEYS_AFTER, lambda: self._check_configured_keys(settings))

    def edit_settings(self) -> None:
        """Open config.toml in the user's editor; create it if there is none."""
        from tuner.tui.shell.external_editor import edit_in_terminal

        path = self._settings_path
        try:
            text = read_recipe_text(path) if path.is_file() else TEMPLATE
            edited = edit_in_terminal(self, text)
            if edited != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(edited, encoding="utf-8")
                self._apply_settings(load_settings(path))
        except (TunerError, OSError) as error:
            self.notify_user(str(error), failed=True)

    def _check_configured_keys(self, settings: Settings) -> None:
        """Check after the first paint, since it imports every part of the UI."""
        from tuner.tui.shell.bindings import check_configured_keys

        try:
            check_configured_keys(settings, self._settings_path)
        except TunerError as error:
            self.notify_user(str(error), failed=True)

    def refresh_css(self, animate: bool = True) -> None:
        """Skip parsing where no color changed; at startup Textual asks for it, too."""
        variables = self.get_css_variables()
        if variables == self._parsed_with:
            self.stylesheet.update(self, animate=animate)
            return
        self._parsed_with = variables
        super().refresh_css(animate=animate)

    def _update_role_styles(self) -> None:
        self.styles_by_role = styles_from_variables(self.theme_variables)

    def notify_user(self, message: str, *, failed: bool = False) -> None:
        """Show a short message that disappears by itself."""
        text = fit_text(
            sanitize_text(message), min(cell_len(sanitize_text(message)), MAX_NOTICE_CELLS)
        )
        self.notify(text, severity="error" if failed else "information", markup=False)

    def save_and_notify(self, save: Callable[[], list[Path]]) -> None:
        """Save pictures, and show where they are or why they are not."""
        try:
            paths = save()
        except OSError as error:
            self.notify_user(
                f"the picture could not be saved: {error.strerror or error}", failed=True
            )
            return
        self.notify_user(f"saved {' and '.join(path.name for path in paths)} in {paths[0].parent}")
