"""The pane of what decides: importances with their intervals, among the trials that show."""

from __future__ import annotations

from tuner.render.importance_report import importance_report_lines, worker_verdict
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.results.verdict import METHOD
from tuner.tui.state.exploration import Exploration
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.line_widgets import empty_state_lines


class InfluencePane(AnalysisPane):
    """Bars of importance: as the worker logged it, until it is computed for these very trials."""

    EMPTY_STATE = "Which parameters decide"

    def __init__(self, exploration: Exploration) -> None:
        super().__init__("Importance", exploration, number=2, id="influence")

    def draw_chart(self, width: int, height: int, styles: Styles) -> Lines:
        exploration = self.exploration
        verdict = exploration.current_verdict
        if verdict is None and not exploration.is_narrowed:
            verdict = worker_verdict(exploration.workspace.reader.view)
        if verdict is None or not (verdict.shares or verdict.doubt):
            return empty_state_lines(
                ("Which parameters decide", "it is being computed"), width, height, styles
            )
        if not verdict.shares:
            return empty_state_lines(
                ("Nothing can be said yet", verdict.doubt), width, height, styles
            )
        return importance_report_lines(verdict, width, styles)

    def update_border_text(self) -> None:
        exploration = self.exploration
        local_verdict = exploration.current_verdict
        origin = "computed here" if local_verdict is not None else "computed by the worker"
        hint = (
            f"{METHOD}, {origin}"
            if self.has_enough_trials and (local_verdict or not exploration.is_narrowed)
            else ""
        )
        self.set_border_text(exploration.brushed_count_text(), hint)
