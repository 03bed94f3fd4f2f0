"""The recipe as it is, and what it runs on and with."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.errors import TunerError
from tuner.recipe.load import read_recipe_text
from tuner.render.environment_text import environment_lines
from tuner.render.renderable_lines import Lines
from tuner.render.toml_highlight import highlight_toml, wrap_toml
from tuner.results.format import sanitize_text
from tuner.session.folder import Session
from tuner.tui.state.session_reader import SessionDelta, SessionReader
from tuner.tui.views.base_view import View
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles


class ConfigView(View):
    """recipe.toml beside the facts that the log holds."""

    PANES = ("recipe", "environment")
    TABS = ("1 Recipe", "2 Environment")

    def __init__(self, reader: SessionReader) -> None:
        super().__init__(id="config")
        self._reader = reader

    def compose_panes(self) -> Iterable[Widget]:
        yield RecipePane(self._reader.session)
        yield EnvironmentPane(self._reader)

    def show_everything(self) -> None:
        for pane in self.query(Pane):
            pane.redraw_content()

    def redraw_changes(self, delta: SessionDelta) -> None:
        """Redraw the environment: a worker may have started on another machine."""
        if delta.events:
            self.query_one(EnvironmentPane).redraw_if_log_grew()


class RecipePane(Pane):
    def __init__(self, session: Session) -> None:
        self._path = session.recipe_path
        super().__init__("recipe.toml", number=1, id="recipe")
        self.set_border_text(hint="e edits it while nothing runs")

    def content_lines(self, width: int, height: int) -> Lines:
        """Draw the file, or why it cannot be shown."""
        try:
            text = read_recipe_text(self._path)
        except TunerError as error:
            reason = sanitize_text(error)
            return empty_state_lines(
                ("recipe.toml cannot be read", reason), width, height, theme_styles(self)
            )
        return highlight_toml(wrap_toml(text, width), theme_styles(self))


class EnvironmentPane(Pane):
    """Data, model, machine, versions, generations."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._drawn_history_length = 0
        super().__init__("Environment", number=2, id="environment")

    def redraw_if_log_grew(self) -> None:
        if len(self._reader.view.history) != self._drawn_history_length:
            self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        view, styles = self._reader.view, theme_styles(self)
        self._drawn_history_length = len(view.history)
        texts = ("Data, model, machine and versions", "appear here once a worker starts (s)")
        fact_lines = environment_lines(view, width, styles)
        return fact_lines or empty_state_lines(texts, width, height, styles)
