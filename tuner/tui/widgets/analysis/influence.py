"""The pane of what decides: importances with their intervals, among the trials that show."""

from __future__ import annotations

from tuner.results.verdict import METHOD
from tuner.tui.exploration import Exploration
from tuner.tui.render.importance import verdict_lines, worker_verdict
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles
from tuner.tui.widgets.analysis.chart import ChartPane
from tuner.tui.widgets.lines import centred


class InfluencePane(ChartPane):
    """Bars; what the worker logged until the answer about these very trials is there."""

    WAITING = "Which parameters decide"

    def __init__(self, exploration: Exploration) -> None:
        super().__init__("Importance", exploration, number=2, id="influence")

    def draw(self, width: int, height: int, styles: Styles) -> Lines:
        """The bars, or why there are none."""
        here = self.exploration
        verdict = here.verdict
        if verdict is None and not here.narrowed:
            verdict = worker_verdict(here.workspace.feed.view)
        if verdict is None or not (verdict.shares or verdict.doubt):
            return centred(
                ("Which parameters decide", "it is being computed"), width, height, styles
            )
        if not verdict.shares:
            return centred(("Nothing can be said yet", verdict.doubt), width, height, styles)
        return verdict_lines(verdict, width, styles)

    def describe(self) -> None:
        """The method, and among which trials."""
        here = self.exploration
        known = here.verdict
        place = "computed here" if known is not None else "computed by the worker"
        hint = f"{METHOD}, {place}" if self.ready and (known or not here.narrowed) else ""
        self.entitle(here.count_text(), hint)
