"""What the search found: history, importance, parallel coordinates, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from tuner.render.charts.brushes import brushed_ranges
from tuner.render.importance_report import importance_summary_text, worker_verdict
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import format_duration_in_words, format_score
from tuner.results.verdict import Verdict, judge_importance
from tuner.session.generations import make_point_test, recipe_with_present_groups
from tuner.session.view import TrialState, TrialView
from tuner.tui.shell.messages import ZoomRequested
from tuner.tui.state.exploration import Exploration, Question
from tuner.tui.state.session_reader import SessionDelta
from tuner.tui.state.workspace import Workspace
from tuner.tui.views.base_view import View
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.analysis.history_pane import HistoryPane
from tuner.tui.widgets.analysis.influence_pane import InfluencePane
from tuner.tui.widgets.analysis.parallel_pane import ParallelPane
from tuner.tui.widgets.analysis.slice_pane import SlicePane
from tuner.tui.widgets.drawn_line import DrawnLine
from tuner.tui.widgets.key_bindings import key

SETTLE_SECONDS = 0.08
"""Seconds without another key after which the panes that have no focus follow."""
SECONDS_BETWEEN_PANES = 0.005
"""Seconds for keys between two panes."""


class AnalysisView(View):
    """All panes show the trials that match the filter; brushes leave the others dim."""

    PANES = ("history", "influence", "parallel", "slice")
    TABS = ("1 History", "2 Importance", "3 Parallel", "4 Slice")
    FILTERS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        key("Z", "zoom_search", "analysis.zoom_search", "Search here", "Search the brushed ranges"),
    ]

    class ImportanceComputed(Message):
        """How much each setting matters, computed from the trials of one question."""

        def __init__(self, question: Question, verdict: Verdict) -> None:
            super().__init__()
            self.question = question
            self.verdict = verdict

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="analysis")
        self.workspace = workspace
        self.exploration = Exploration(workspace)
        self._pending_question: Question | None = None
        self._redraw_timer: Timer | None = None
        self._panes_to_redraw: list[AnalysisPane] = []

    def compose_panes(self) -> Iterable[Widget]:
        yield HistoryPane(self.exploration)
        yield InfluencePane(self.exploration)
        yield ParallelPane(self.exploration)
        yield SlicePane(self.exploration)

    def compose_below(self) -> Iterable[Widget]:
        """Yield what the charts come to, for layouts in which only one of them shows."""
        yield DrawnLine(self._trial_count_runs, classes="only-if-tight")
        yield DrawnLine(self._importance_summary_runs, classes="only-if-tight")

    # From the log, the filter and the keys to the panes

    def show_everything(self) -> None:
        self.exploration.update_sample()
        self._redraw_charts()

    def redraw_changes(self, delta: SessionDelta) -> None:
        """Redraw once trials have ended: charts show nothing else."""
        if delta.complete and self.exploration.update_sample():
            self._redraw_charts()

    def redraw_after_filter(self) -> None:
        if self.exploration.update_sample():
            self._redraw_charts()

    def on_analysis_pane_exploration_changed(self, event: AnalysisPane.ExplorationChanged) -> None:
        """Redraw the other panes once the keys are still; the pane in focus has drawn itself."""
        event.stop()
        if self._redraw_timer is not None:
            self._redraw_timer.stop()
        self._redraw_timer = self.set_timer(
            SETTLE_SECONDS, lambda: self._redraw_charts(except_pane=event.pane)
        )

    @property
    def is_settled(self) -> bool:
        """Whether all panes show the same, and nothing is being computed."""
        return self._redraw_timer is None and self._pending_question is None

    def _redraw_charts(self, except_pane: AnalysisPane | None = None) -> None:
        """Redraw one pane after the other, so that no key waits for more than one."""
        if self._redraw_timer is not None:
            self._redraw_timer.stop()
        panes = [pane for pane in self.query(AnalysisPane) if pane is not except_pane]
        self._panes_to_redraw = [pane for pane in panes if pane.size.width]
        for pane in panes:
            if pane not in self._panes_to_redraw:  # It will be painted with its first size.
                pane.redraw_content()
        self.redraw_lines()
        self._redraw_timer = self.set_timer(
            SECONDS_BETWEEN_PANES if self._panes_to_redraw else SETTLE_SECONDS,
            self._redraw_next_pane,
        )

    def _redraw_next_pane(self) -> None:
        self._redraw_timer = None
        if self._panes_to_redraw:
            self._panes_to_redraw.pop(0).redraw_content()
            self._redraw_timer = self.set_timer(SECONDS_BETWEEN_PANES, self._redraw_next_pane)
        else:
            self._request_importance()

    # Importance, off the screens' thread and one question at a time

    def _request_importance(self) -> None:
        exploration = self.exploration
        if (
            self._pending_question is not None
            or exploration.current_verdict is not None
            or not exploration.sample.trials
        ):
            return
        self._pending_question = exploration.current_question
        sample, view = exploration.sample, exploration.workspace.reader.view
        self._compute_importance(
            self._pending_question,
            exploration.brushed_trials,
            partial(
                judge_importance,
                space=sample.space,
                is_point=make_point_test(view, recipe_with_present_groups(view)),
                keep="last" if view.keeps_last else "best",
                metric=sample.metric,
                maximize=sample.maximize,
            ),
        )

    # Without a description Textual makes one of all arguments: ten thousand trials in words.
    @work(thread=True, group="importance", description="importance")
    def _compute_importance(
        self,
        question: Question,
        trials: list[TrialView],
        compute_verdict: Callable[[list[TrialView]], Verdict],
    ) -> None:
        self.post_message(self.ImportanceComputed(question, compute_verdict(trials)))

    def on_analysis_view_importance_computed(self, event: ImportanceComputed) -> None:
        """Remember the answer; ask again where the question has changed meanwhile."""
        event.stop()
        self._pending_question = None
        self.exploration.remember_verdict(event.question, event.verdict)
        self.query_one(InfluencePane).redraw_content()
        self.redraw_lines()
        self._request_importance()

    # Keys

    def close_inner_layer(self) -> bool:
        """Drop the brush that was not kept, else all brushes."""
        brushes = self.exploration.brushes
        if brushes.discard_draft() or brushes.clear_all_axes():
            self._redraw_charts()
            return True
        return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to search the brushed ranges while there are none."""
        if action == "zoom_search":
            return bool(self.exploration.brushes.active_brushes)
        return super().check_action(action, parameters)

    def action_zoom_search(self) -> None:
        """Ask for a search in the brushed ranges."""
        ranges = brushed_ranges(self.exploration.sample, self.exploration.brushes)
        if ranges:
            self.post_message(ZoomRequested(ranges))
        else:
            self.tuner_app.notify_user("no numeric range is brushed", failed=True)

    # The lines

    def _trial_count_runs(self, width: int, styles: Styles) -> list[TextRun]:
        sample = self.exploration.sample
        if not sample.trials:
            return []
        state_symbols = (
            (TrialState.COMPLETE, "•"),
            (TrialState.PRUNED, "×"),
            (TrialState.COLLAPSED, "⊘"),
        )
        counts = [(sample.count_in_state(state), state, sign) for state, sign in state_symbols]
        total = len(sample.trials)
        parts = [f"{total} trial{'s' if total != 1 else ''}"]
        parts += [f"{count} {state.value} {sign}" for count, state, sign in counts if count]
        if sample.best_trial is not None:
            parts.append(
                f"best {format_score(sample.best_trial.value)} at #{sample.best_trial.number}"
            )
        text = " " + " · ".join(parts)
        time_to_best = self._time_to_best_text()
        return [
            (text + time_to_best if cell_len(text + time_to_best) <= width else text, styles.muted)
        ]

    def _time_to_best_text(self) -> str:
        """Write how long after the beginning the best trial ended."""
        best, start_time = self.exploration.sample.best_trial, self.workspace.reader.view.first_time
        if best is None or best.ended is None or start_time is None:
            return ""
        return f" after {format_duration_in_words(best.ended - start_time)}"

    def _importance_summary_runs(self, width: int, styles: Styles) -> list[TextRun]:
        exploration = self.exploration
        verdict = exploration.current_verdict
        if verdict is None and not exploration.is_narrowed:
            verdict = worker_verdict(self.workspace.reader.view)
        text = (
            importance_summary_text(verdict)
            if verdict is not None and exploration.sample.trials
            else ""
        )
        return [(fit_text(f" {text}", width), styles.muted)] if text else []
