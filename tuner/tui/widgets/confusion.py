"""The pane of the confusion matrix of the selected trial."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from tuner.session.view import SessionView, TrialView
from tuner.tui.render.confusion import Mode, confusion_lines
from tuner.tui.render.lined import Lines
from tuner.tui.render.trial import kept_evaluation
from tuner.tui.widgets.lines import Pane, centred, styles_of


class ConfusionPane(Pane):
    """The matrix of one evaluation: the kept one, until another is chosen."""

    BINDINGS = [
        Binding(
            "n",
            "mode",
            "Percent",
            show=False,
            id="confusion.mode",
            tooltip="Counts, or row percent",
        ),
        Binding(
            "left,h",
            "epoch(-1)",
            "Earlier",
            show=False,
            id="confusion.earlier",
            tooltip="The evaluation before",
        ),
        Binding(
            "right,l",
            "epoch(1)",
            "Later",
            show=False,
            id="confusion.later",
            tooltip="The next evaluation",
        ),
    ]

    def __init__(self, view: Callable[[], SessionView], selected: Callable[[], int | None]) -> None:
        self._view = view
        self._selected = selected
        self._mode: Mode = "counts"
        self._chosen: int | None = None
        super().__init__("Confusion", number=4, id="confusion")

    def trial_selected(self) -> None:
        """Another trial: its kept evaluation."""
        self._chosen = None
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """The matrix, or what will be here."""
        styles, trial, at = styles_of(self), self._trial(), self._at()
        if trial is None or at is None:
            texts = (
                "The confusion matrix of the selected trial",
                "comes with its first evaluation",
            )
            return centred(texts, width, height, styles)
        confusion = trial.evaluations[at].confusion
        return confusion_lines(confusion, self._view().labels, width, styles, self._mode)

    def redraw(self) -> None:
        """The title names the trial and the epoch."""
        trial, at = self._trial(), self._at()
        if trial is None or at is None:
            self.entitle("", "")
        else:
            other = "counts" if self._mode == "row" else "percent"
            hint = f"n {other}" + ("   ←/→ epoch" if len(trial.evaluations) > 1 else "")
            self.entitle(f"#{trial.number} epoch {trial.evaluations[at].epoch:.3g}", hint)
        super().redraw()

    def _trial(self) -> TrialView | None:
        selected = self._selected()
        return None if selected is None else self._view().trials.get(selected)

    def _at(self) -> int | None:
        trial = self._trial()
        if trial is None or not trial.evaluations:
            return None
        kept = kept_evaluation(trial)
        chosen = kept if self._chosen is None else self._chosen
        return None if chosen is None else min(chosen, len(trial.evaluations) - 1)

    def action_mode(self) -> None:
        """Counts or percent."""
        self._mode = "counts" if self._mode == "row" else "row"
        self.redraw()

    def action_epoch(self, step: int) -> None:
        """An earlier or later evaluation."""
        at, trial = self._at(), self._trial()
        if at is not None and trial is not None:
            self._chosen = min(max(at + step, 0), len(trial.evaluations) - 1)
            self.redraw()
