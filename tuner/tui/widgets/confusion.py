"""The pane of the confusion matrix of the selected trial."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.binding import Binding

from tuner.results import format as fmt
from tuner.session.events import Evaluated
from tuner.session.view import SessionView, TrialView
from tuner.tui.messages import RowsWished
from tuner.tui.render.confusion import Against, confusion_lines, has_grid, subtracted
from tuner.tui.render.confusion_window import Window
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import MODES, Cells, Mode, cell_under, label_of
from tuner.tui.render.trial import kept_evaluation
from tuner.tui.widgets.lines import Pane, centred, styles_of

_TOLD: dict[Mode, str] = {"counts": "counts", "row": "row %", "column": "column %"}
EVERYTHING = 1_000_000
"""More rows than any matrix has."""
WHEEL = 2
"""Rows that a notch of the wheel moves the matrix."""


class ConfusionPane(Pane):
    """The matrix of one evaluation: the kept one, until another is chosen.

    Many classes are shown as a list of what is confused most; a key brings the whole matrix, which
    then moves under its heads.
    """

    BINDINGS = [
        Binding(
            "n",
            "mode",
            "Percent",
            show=False,
            id="confusion.mode",
            tooltip="Counts, row percent, column percent",
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
        Binding(
            "d",
            "subtract",
            "Difference",
            show=False,
            id="confusion.subtract",
            tooltip="Less the best trial's matrix, and back",
        ),
        Binding(
            "m",
            "whole",
            "Matrix",
            show=False,
            id="confusion.whole",
            tooltip="The whole matrix of many classes, or the list",
        ),
        Binding(
            "shift+left,H",
            "columns(-1)",
            "Left",
            show=False,
            id="confusion.left",
            tooltip="Columns of the matrix further left",
        ),
        Binding(
            "shift+right,L",
            "columns(1)",
            "Right",
            show=False,
            id="confusion.right",
            tooltip="Columns of the matrix further right",
        ),
    ]

    def __init__(self, view: Callable[[], SessionView], selected: Callable[[], int | None]) -> None:
        self._view = view
        self._selected = selected
        self._mode: Mode = "counts"
        self._chosen: int | None = None
        self._subtract = False
        self._whole = False
        self._top = self._left = 0
        super().__init__("Confusion", number=4, id="confusion")

    def trial_selected(self) -> None:
        """Another trial: its kept evaluation."""
        self._chosen = None
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """The matrix, or what will be here."""
        styles, item = styles_of(self), self._evaluation()
        if item is None:
            texts = (
                "The confusion matrix of the selected trial",
                "comes with its first evaluation",
            )
            return centred(texts, width, height, styles)
        if window := self._window(width, height):
            return window.draw(styles)
        return confusion_lines(
            item.confusion,
            self._view().labels,
            width,
            styles,
            self._mode,
            height=height,
            against=self._against(),
            most=None,
        )

    def describe(self) -> None:
        """The title names the trial and the epoch."""
        trial, item = self._trial(), self._evaluation()
        if trial is None or item is None:
            self.entitle("", "")
        else:
            self.entitle(
                f"#{trial.number} {fmt.epoch(item.epoch)}{self._told()}", self._hint(trial)
            )

    def _told(self) -> str:
        mode = "" if self._mode == "counts" else f" {_TOLD[self._mode]}"
        against = self._against()
        return mode + (f" − {against.name}" if against is not None and self._subtract else "")

    def _hint(self, trial: TrialView) -> str:
        following = MODES[(MODES.index(self._mode) + 1) % len(MODES)]
        parts = [f"n {_TOLD[following]}"]
        if len(trial.evaluations) > 1:
            parts.append("←/→ epoch")
        if self._against() is not None:
            parts.append(f"d Δ {'✓' if self._subtract else '·'}")
        if self._is_large():
            parts.append("m list" if self._whole else "m matrix")
        if window := self._window(self.room, self.size.height):
            rows, columns = window.rows, window.columns
            place = f"rows {rows.start + 1}–{rows.stop} of {window.cells.size}"
            parts += [place, f"H/L {columns.start + 1}–{columns.stop}"]
        return "   ".join(parts)

    # What is shown

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

    def _evaluation(self) -> Evaluated | None:
        trial, at = self._trial(), self._at()
        return None if trial is None or at is None else trial.evaluations[at]

    def _against(self) -> Against | None:
        """The best trial's kept matrix, unless that is what is shown."""
        best, item = self._view().best_trial(), self._evaluation()
        kept = None if best is None else kept_evaluation(best)
        if best is None or kept is None or best.evaluations[kept] is item:
            return None
        matrix = best.evaluations[kept].confusion
        return Against(f"best #{best.number}", matrix, self._subtract)

    def _is_large(self) -> bool:
        """Whether there are too many classes for a grid of this width."""
        item = self._evaluation()
        if item is None or not any(map(sum, item.confusion)):
            return False
        labels, against = self._view().labels, self._against()
        return not has_grid(item.confusion, labels, self.room, self._mode, against)

    def _window(self, width: int, height: int) -> Window | None:
        item = self._evaluation()
        if item is None or not self._whole or not self._is_large():
            return None
        cells = Cells(item.confusion, self._mode, subtracted(item.confusion, self._against()))
        labels = [label_of(self._view().labels, index) for index in range(cells.size)]
        return Window(cells, labels, width, height, self._top, self._left)

    def on_click(self, event: events.Click) -> None:
        """A second click on a cell shows its rows."""
        cell, trial, at = cell_under(event.style), self._trial(), self._at()
        if event.chain == 2 and cell is not None and trial is not None and at is not None:
            self.post_message(RowsWished(trial.number, at, *cell))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """The whole matrix is for many classes, moving its columns for where it shows."""
        if action == "whole":
            return self._is_large()
        return action != "columns" or (self._whole and self._is_large())

    def action_mode(self) -> None:
        """Counts, percent of the row, percent of the column."""
        self._mode = MODES[(MODES.index(self._mode) + 1) % len(MODES)]
        self.redraw()

    def action_epoch(self, step: int) -> None:
        """An earlier or later evaluation."""
        at, trial = self._at(), self._trial()
        if at is not None and trial is not None:
            self._chosen = min(max(at + step, 0), len(trial.evaluations) - 1)
            self.redraw()

    def action_subtract(self) -> None:
        """The difference to the best trial, or the matrix itself."""
        self._subtract = not self._subtract
        self.redraw()

    def action_whole(self) -> None:
        """The whole matrix, or the list."""
        self._whole = not self._whole
        self.scroll_home(animate=False)
        self.redraw()

    def action_columns(self, pages: int) -> None:
        """Half of the columns that are seen further."""
        if window := self._window(self.room, self.size.height):
            self._move(0, pages * max(len(window.columns) // 2, 1))

    def _move(self, down: int, right: int = 0) -> None:
        """Move the matrix, where it shows; never out of its bounds."""
        window = self._window(self.room, self.size.height)
        if window is None:
            return
        self._top = _within(window.rows, down, window.cells.size)
        self._left = _within(window.columns, right, window.cells.size)
        self.redraw()

    def _moves(self, down: int) -> bool:
        """Move the whole matrix where it shows; False where lines scroll instead."""
        if not (self._whole and self._is_large()):
            return False
        self._move(down)
        return True

    def action_scroll_down(self) -> None:
        """A line, or a row of the matrix."""
        if not self._moves(1):
            super().action_scroll_down()

    def action_scroll_up(self) -> None:
        """A line, or a row of the matrix."""
        if not self._moves(-1):
            super().action_scroll_up()

    def action_page_down(self) -> None:
        """A page."""
        if not self._moves(max(self.size.height - 2, 1)):
            super().action_page_down()

    def action_page_up(self) -> None:
        """A page."""
        if not self._moves(-max(self.size.height - 2, 1)):
            super().action_page_up()

    def action_scroll_home(self) -> None:
        """To the first row."""
        if not self._moves(-EVERYTHING):
            super().action_scroll_home()

    def action_scroll_end(self) -> None:
        """To the last row."""
        if not self._moves(EVERYTHING):
            super().action_scroll_end()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the matrix."""
        if self._moves(WHEEL):
            event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the matrix."""
        if self._moves(-WHEEL):
            event.stop()


def _within(seen: range, step: int, size: int) -> int:
    return min(max(seen.start + step, 0), size - len(seen))
