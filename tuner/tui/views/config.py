"""The recipe as it is, and what it runs on and with."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.errors import TunerError
from tuner.recipe.load import read_text
from tuner.results.format import plain
from tuner.session.folder import Session
from tuner.tui.feed import Feed, Reading
from tuner.tui.render.environment import environment_lines
from tuner.tui.render.lined import Lines
from tuner.tui.render.toml import toml_lines
from tuner.tui.views.base import View
from tuner.tui.widgets.lines import Pane, centred, styles_of


class ConfigView(View):
    """recipe.toml beside the facts that the log tells."""

    PANES = ("recipe", "environment")
    TABS = ("1 Recipe", "2 Environment")

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="config")
        self._feed = feed

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield RecipePane(self._feed.session)
        yield EnvironmentPane(self._feed)

    def show_everything(self) -> None:
        """Both anew."""
        for pane in self.query(Pane):
            pane.redraw()

    def session_read(self, reading: Reading) -> None:
        """A worker may have started, on something else."""
        if reading.events:
            self.query_one(EnvironmentPane).look()


class RecipePane(Pane):
    """The text of the recipe."""

    def __init__(self, session: Session) -> None:
        self._path = session.recipe_path
        super().__init__("recipe.toml", number=1, id="recipe")
        self.entitle(hint="e edits it where nothing runs")

    def lines(self, width: int, height: int) -> Lines:
        """The file, or why it cannot be shown."""
        try:
            text = read_text(self._path)
        except TunerError as error:
            reason = plain(error)
            return centred(("recipe.toml cannot be read", reason), width, height, styles_of(self))
        return toml_lines(text, styles_of(self))


class EnvironmentPane(Pane):
    """Data, model, machine, versions, generations."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._told = 0
        super().__init__("Environment", number=2, id="environment")

    def look(self) -> None:
        """Draw anew where the log has more that is worth a line."""
        if len(self._feed.view.history) != self._told:
            self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """The facts, or what will be here."""
        view, styles = self._feed.view, styles_of(self)
        self._told = len(view.history)
        texts = ("What the search runs on and with", "will be here once a worker starts: s")
        found = environment_lines(view, width, styles)
        return found or centred(texts, width, height, styles)
