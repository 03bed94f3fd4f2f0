"""What the search found: history, importance, parallel coordinates, slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from tuner.results.format import duration_words, score
from tuner.results.verdict import Verdict, judge
from tuner.session.fold import keeps_last
from tuner.session.generations import point_test, present_recipe
from tuner.session.view import TrialState, TrialView
from tuner.tui.charts.brushes import brushed_ranges
from tuner.tui.exploration import Exploration, Question
from tuner.tui.feed import Reading
from tuner.tui.messages import ZoomWished
from tuner.tui.render.importance import summary_text, worker_verdict
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles
from tuner.tui.views.base import View
from tuner.tui.widgets.analysis.chart import ChartPane
from tuner.tui.widgets.analysis.history import HistoryPane
from tuner.tui.widgets.analysis.influence import InfluencePane
from tuner.tui.widgets.analysis.parallel import ParallelPane
from tuner.tui.widgets.analysis.slices import SlicePane
from tuner.tui.widgets.bars import DrawnLine
from tuner.tui.workspace import Workspace

SETTLED = 0.08
"""Seconds without another key after which the panes that have no focus follow."""
BETWEEN_PANES = 0.005
"""Seconds for keys between two panes."""


class AnalysisView(View):
    """All panes show the trials that pass the filter; brushes leave the others dim."""

    PANES = ("history", "influence", "parallel", "slice")
    TABS = ("1 History", "2 Importance", "3 Parallel", "4 Slice")
    FILTERS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "Z",
            "zoom_search",
            "Search here",
            id="analysis.zoom_search",
            tooltip="Go on searching in the brushed ranges",
        ),
    ]

    class Judged(Message):
        """How much each setting decides, about the trials of one question."""

        def __init__(self, question: Question, verdict: Verdict) -> None:
            super().__init__()
            self.question = question
            self.verdict = verdict

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="analysis")
        self.workspace = workspace
        self.exploration = Exploration(workspace)
        self._asked: Question | None = None
        self._following: Timer | None = None
        self._waiting: list[ChartPane] = []

    def panes(self) -> Iterable[Widget]:
        """Four charts over the same trials."""
        yield HistoryPane(self.exploration)
        yield InfluencePane(self.exploration)
        yield ParallelPane(self.exploration)
        yield SlicePane(self.exploration)

    def below(self) -> Iterable[Widget]:
        """What the charts come to, where only one of them shows."""
        yield DrawnLine(self._counts, classes="told")
        yield DrawnLine(self._summary, classes="told")

    # From the log, the filter and the keys to the panes

    def show_everything(self) -> None:
        """All charts from the start."""
        self.exploration.take()
        self._redraw_charts()

    def session_read(self, reading: Reading) -> None:
        """Charts show what has ended: most of what is read changes none of them."""
        if reading.complete and self.exploration.take():
            self._redraw_charts()

    def filter_changed(self) -> None:
        """Other trials."""
        if self.exploration.take():
            self._redraw_charts()

    def on_chart_pane_explored(self, event: ChartPane.Explored) -> None:
        """The pane in focus has drawn itself; the others follow once the keys are still."""
        event.stop()
        if self._following is not None:
            self._following.stop()
        self._following = self.set_timer(SETTLED, lambda: self._redraw_charts(but=event.pane))

    @property
    def quiet(self) -> bool:
        """Whether all panes show the same, and nothing is being computed."""
        return self._following is None and self._asked is None

    def _redraw_charts(self, but: ChartPane | None = None) -> None:
        """One pane after the other, so that no key waits for more than one."""
        if self._following is not None:
            self._following.stop()
        panes = [pane for pane in self.query(ChartPane) if pane is not but]
        self._waiting = [pane for pane in panes if pane.size.width]
        for pane in panes:
            if pane not in self._waiting:  # It will be painted with its first size.
                pane.redraw()
        self.redraw_lines()
        self._following = self.set_timer(
            BETWEEN_PANES if self._waiting else SETTLED, self._redraw_next
        )

    def _redraw_next(self) -> None:
        self._following = None
        if self._waiting:
            self._waiting.pop(0).redraw()
            self._following = self.set_timer(BETWEEN_PANES, self._redraw_next)
        else:
            self._ask()

    # Importance, off the screens' thread and one question at a time

    def _ask(self) -> None:
        here = self.exploration
        if self._asked is not None or here.verdict is not None or not here.sample.trials:
            return
        self._asked = here.question
        sample, view = here.sample, here.workspace.feed.view
        self._judge(
            self._asked,
            here.bright_trials,
            partial(
                judge,
                space=sample.space,
                is_point=point_test(view, present_recipe(view)),
                keep="last" if keeps_last(view) else "best",
                metric=sample.metric,
                maximize=sample.maximize,
            ),
        )

    # Without a description Textual makes one of all arguments: ten thousand trials in words.
    @work(thread=True, group="importance", description="importance")
    def _judge(
        self,
        question: Question,
        trials: list[TrialView],
        judge_them: Callable[[list[TrialView]], Verdict],
    ) -> None:
        self.post_message(self.Judged(question, judge_them(trials)))

    def on_analysis_view_judged(self, event: Judged) -> None:
        """Keep the answer; ask again where the question has changed meanwhile."""
        event.stop()
        self._asked = None
        self.exploration.remember(event.question, event.verdict)
        self.query_one(InfluencePane).redraw()
        self.redraw_lines()
        self._ask()

    # Keys

    def step_back(self) -> bool:
        """First the brush that was not kept, then all brushes."""
        brushes = self.exploration.brushes
        if brushes.drop_draft() or brushes.clear_all():
            self._redraw_charts()
            return True
        return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """A search in the brushed ranges needs a brush."""
        return action != "zoom_search" or bool(self.exploration.brushes.active)

    def action_zoom_search(self) -> None:
        """Ask for a search in the ranges that are brushed."""
        ranges = brushed_ranges(self.exploration.sample, self.exploration.brushes)
        if ranges:
            self.post_message(ZoomWished(ranges))
        else:
            self.tuner_app.tell("the brushes name no range of numbers", failed=True)

    # The lines

    def _counts(self, width: int, styles: Styles) -> list[Run]:
        sample = self.exploration.sample
        if not sample.trials:
            return []
        signs = ((TrialState.COMPLETE, "•"), (TrialState.PRUNED, "×"), (TrialState.COLLAPSED, "⊘"))
        counted = [(sample.count(state), state, sign) for state, sign in signs]
        total = len(sample.trials)
        parts = [f"{total} trial{'s' if total != 1 else ''}"]
        parts += [f"{count} {state.value} {sign}" for count, state, sign in counted if count]
        if sample.best is not None:
            parts.append(f"best {score(sample.best.value)} at #{sample.best.number}")
        text = " " + " · ".join(parts)
        after = self._best_after()
        return [(text + after if cell_len(text + after) <= width else text, styles.muted)]

    def _best_after(self) -> str:
        """How long after the beginning the best trial had ended."""
        best, begun = self.exploration.sample.best, self.workspace.feed.view.first_time
        if best is None or best.ended is None or begun is None:
            return ""
        return f" after {duration_words(best.ended - begun)}"

    def _summary(self, width: int, styles: Styles) -> list[Run]:
        here = self.exploration
        verdict = here.verdict
        if verdict is None and not here.narrowed:
            verdict = worker_verdict(self.workspace.feed.view)
        text = summary_text(verdict) if verdict is not None and here.sample.trials else ""
        return [(fit(f" {text}", width), styles.muted)] if text else []
