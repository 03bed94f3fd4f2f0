"""The panes of a trial's confusion matrix: over the epochs, and class by class."""

from __future__ import annotations

from textual import events
from textual.binding import Binding

from tuner.results import format as fmt
from tuner.tui.messages import RowsWished
from tuner.tui.render.confusion import confusion_lines
from tuner.tui.render.epochs import epoch_strip
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import cell_under
from tuner.tui.render.report import SORTINGS, Sorting, report_lines
from tuner.tui.trial_scope import TrialScope
from tuner.tui.widgets.lines import centred, styles_of
from tuner.tui.widgets.scope_pane import ScopePane

_MODE_WORDS = {"counts": "counts", "row": "percent of rows", "column": "percent of columns"}
_NOTHING = ("The confusion matrix", "it comes with the first evaluation")


class EpochsPane(ScopePane):
    """Several evaluations small, the shown one large below them."""

    def lines(self, width: int, height: int) -> Lines:
        """The strip where there are several, then the matrix."""
        scope, styles = self.scope, styles_of(self)
        item, at = scope.evaluation, scope.at
        if item is None or at is None:
            return centred(scope.nothing(*_NOTHING), width, height, styles)
        evaluations = scope.trial.evaluations
        strip: Lines = []
        if len(evaluations) > 1:
            strip = epoch_strip(
                evaluations, at, scope.kept, scope.view.metric, scope.mode, width, styles
            )
            strip.append([])
        against, labels = scope.against(), scope.view.labels
        return strip + confusion_lines(
            item.confusion, labels, width, styles, scope.mode,
            height=height - len(strip), against=against, most=None,
        )  # fmt: skip

    def on_click(self, event: events.Click) -> None:
        """A second click on a cell shows its rows."""
        cell, at = cell_under(event.style), self.scope.at
        if event.chain == 2 and cell is not None and at is not None:
            self.post_message(RowsWished(self.scope.number, at, *cell))

    def describe(self) -> None:
        """Which evaluation, in what, and against whom."""
        scope, item = self.scope, self.scope.evaluation
        if item is None:
            self.entitle("", "")
            return
        less = "" if scope.against() is None else f" − #{scope.other}"
        self.entitle(
            f"{fmt.epoch(item.epoch)}{less}, {_MODE_WORDS[scope.mode]}",
            "←/→ epoch   n counts/row/col   d diff with…",
        )


class ReportPane(ScopePane):
    """Precision, recall, F1 and support of every class."""

    BINDINGS = [
        Binding("S", "sorting", "Sort", id="report.sort", tooltip="Sort the classes by F1, support")
    ]

    def __init__(self, scope: TrialScope, heading: str, number: int, id: str) -> None:
        self._sorting: Sorting = "worst"
        super().__init__(scope, heading, number, id)

    def lines(self, width: int, height: int) -> Lines:
        """All classes: the pane scrolls."""
        styles, item = styles_of(self), self.scope.evaluation
        if item is None or not item.confusion:
            return centred(self.scope.nothing(*_NOTHING), width, height, styles)
        return report_lines(item.confusion, self.scope.view.labels, width, styles, self._sorting)

    def describe(self) -> None:
        """The order."""
        words = {"worst": "worst F1 first", "best": "best F1 first", "label": "as in the data"}
        self.entitle("", f"S sort: {words.get(self._sorting, 'most rows first')}")

    def action_sorting(self) -> None:
        """The next order."""
        self._sorting = SORTINGS[(SORTINGS.index(self._sorting) + 1) % len(SORTINGS)]
        self.redraw()
