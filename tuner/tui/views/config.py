"""The recipe as it is."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.results.format import plain
from tuner.session.folder import Session
from tuner.tui.feed import Feed
from tuner.tui.render.lined import Lines
from tuner.tui.render.toml import toml_lines
from tuner.tui.views.base import View
from tuner.tui.widgets.lines import Pane, centred, styles_of


class ConfigView(View):
    """recipe.toml."""

    PANES = ("recipe",)

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="config")
        self._feed = feed

    def panes(self) -> Iterable[Widget]:
        """One."""
        yield RecipePane(self._feed.session)


class RecipePane(Pane):
    """The text of the recipe."""

    def __init__(self, session: Session) -> None:
        self._path = session.recipe_path
        super().__init__("recipe.toml", number=1, id="recipe")

    def lines(self, width: int, height: int) -> Lines:
        """The file, or why it cannot be shown."""
        try:
            text = self._path.read_text("utf-8", "replace")
        except OSError as error:
            reason = plain(error.strerror or error)
            return centred(("recipe.toml cannot be read", reason), width, height, styles_of(self))
        return toml_lines(text, styles_of(self))
