"""The pane of the confusion matrix of the selected trial."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.binding import Binding

from tuner.render.confusion_cells import (
    MATRIX_MODES,
    MatrixCells,
    Mode,
    cell_from_style,
    label_name_at,
)
from tuner.render.confusion_matrix import (
    ReferenceMatrix,
    confusion_lines,
    fits_as_grid,
    reference_to_subtract,
)
from tuner.render.confusion_window import MatrixWindow
from tuner.render.renderable_lines import Lines
from tuner.render.trial_detail import kept_evaluation_index
from tuner.results import format as fmt
from tuner.session.events import Evaluated
from tuner.session.view import SessionView, TrialView
from tuner.tui.shell.messages import RowsRequested
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles

_MODE_NAMES: dict[Mode, str] = {"counts": "counts", "row": "row %", "column": "column %"}
BEYOND_LAST_ROW = 1_000_000
"""More rows than any matrix has."""
WHEEL_ROWS = 2
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
            tooltip="The previous evaluation",
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
            tooltip="Difference to the best trial's matrix",
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

    def __init__(
        self, current_view: Callable[[], SessionView], selected_trial: Callable[[], int | None]
    ) -> None:
        self._current_view = current_view
        self._selected_trial_number = selected_trial
        self._mode: Mode = "counts"
        self._chosen_evaluation: int | None = None
        self._shows_difference = False
        self._shows_whole_matrix = False
        self._first_row = self._first_column = 0
        super().__init__("Confusion", number=4, id="confusion")

    def show_selected_trial(self) -> None:
        """Show the evaluation that another trial is scored by."""
        self._chosen_evaluation = None
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        styles, evaluation = theme_styles(self), self._shown_evaluation()
        if evaluation is None:
            texts = (
                "The confusion matrix of the selected trial",
                "comes with its first evaluation",
            )
            return empty_state_lines(texts, width, height, styles)
        if window := self._matrix_window(width, height):
            return window.draw_window(styles)
        return confusion_lines(
            evaluation.confusion,
            self._current_view().labels,
            width,
            styles,
            self._mode,
            height=height,
            against=self._best_matrix(),
            max_classes=None,
        )

    def update_border_text(self) -> None:
        trial, evaluation = self._shown_trial(), self._shown_evaluation()
        if trial is None or evaluation is None:
            self.set_border_text("", "")
        else:
            epoch = fmt.format_epoch(evaluation.epoch)
            detail = f"#{trial.number} {epoch}{self._mode_and_difference()}"
            self.set_border_text(detail, self._key_hints(trial))

    def _mode_and_difference(self) -> str:
        mode = "" if self._mode == "counts" else f" {_MODE_NAMES[self._mode]}"
        reference = self._best_matrix()
        return mode + (
            f" − {reference.name}" if reference is not None and self._shows_difference else ""
        )

    def _key_hints(self, trial: TrialView) -> str:
        next_mode = MATRIX_MODES[(MATRIX_MODES.index(self._mode) + 1) % len(MATRIX_MODES)]
        hints = [f"n {_MODE_NAMES[next_mode]}"]
        if len(trial.evaluations) > 1:
            hints.append("←/→ epoch")
        if self._best_matrix() is not None:
            hints.append(f"d Δ {'✓' if self._shows_difference else '·'}")
        if self._has_too_many_classes():
            hints.append("m list" if self._shows_whole_matrix else "m matrix")
        if window := self._matrix_window(self.content_width, self.size.height):
            rows, columns = window.visible_rows, window.visible_columns
            row_range = f"rows {rows.start + 1}–{rows.stop} of {window.cells.size}"
            hints += [row_range, f"H/L {columns.start + 1}–{columns.stop}"]
        return "   ".join(hints)

    # What is shown

    def _shown_trial(self) -> TrialView | None:
        number = self._selected_trial_number()
        return None if number is None else self._current_view().trials.get(number)

    def _evaluation_index(self) -> int | None:
        trial = self._shown_trial()
        if trial is None or not trial.evaluations:
            return None
        scored_index = kept_evaluation_index(trial)
        wanted_index = scored_index if self._chosen_evaluation is None else self._chosen_evaluation
        return None if wanted_index is None else min(wanted_index, len(trial.evaluations) - 1)

    def _shown_evaluation(self) -> Evaluated | None:
        trial, index = self._shown_trial(), self._evaluation_index()
        return None if trial is None or index is None else trial.evaluations[index]

    def _best_matrix(self) -> ReferenceMatrix | None:
        """Return the matrix of the best trial's score, unless that is the one shown."""
        best, evaluation = self._current_view().find_best_trial(), self._shown_evaluation()
        scored_index = None if best is None else kept_evaluation_index(best)
        if best is None or scored_index is None or best.evaluations[scored_index] is evaluation:
            return None
        matrix = best.evaluations[scored_index].confusion
        return ReferenceMatrix(f"best #{best.number}", matrix, self._shows_difference)

    def _has_too_many_classes(self) -> bool:
        evaluation = self._shown_evaluation()
        if evaluation is None or not any(map(sum, evaluation.confusion)):
            return False
        labels, reference = self._current_view().labels, self._best_matrix()
        return not fits_as_grid(
            evaluation.confusion, labels, self.content_width, self._mode, reference
        )

    def _matrix_window(self, width: int, height: int) -> MatrixWindow | None:
        evaluation = self._shown_evaluation()
        if evaluation is None or not self._shows_whole_matrix or not self._has_too_many_classes():
            return None
        cells = MatrixCells(
            evaluation.confusion,
            self._mode,
            reference_to_subtract(evaluation.confusion, self._best_matrix()),
        )
        labels = [label_name_at(self._current_view().labels, index) for index in range(cells.size)]
        return MatrixWindow(cells, labels, width, height, self._first_row, self._first_column)

    def on_click(self, event: events.Click) -> None:
        """Show the rows of a cell on its second click."""
        cell, trial, evaluation_index = (
            cell_from_style(event.style),
            self._shown_trial(),
            self._evaluation_index(),
        )
        if (
            event.chain == 2
            and cell is not None
            and trial is not None
            and evaluation_index is not None
        ):
            self.post_message(RowsRequested(trial.number, evaluation_index, *cell))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer the whole matrix for many classes, and its columns where it shows."""
        if action == "whole":
            return self._has_too_many_classes()
        return action != "columns" or (self._shows_whole_matrix and self._has_too_many_classes())

    def action_mode(self) -> None:
        self._mode = MATRIX_MODES[(MATRIX_MODES.index(self._mode) + 1) % len(MATRIX_MODES)]
        self.redraw_content()

    def action_epoch(self, step: int) -> None:
        evaluation_index, trial = self._evaluation_index(), self._shown_trial()
        if evaluation_index is not None and trial is not None:
            self._chosen_evaluation = min(
                max(evaluation_index + step, 0), len(trial.evaluations) - 1
            )
            self.redraw_content()

    def action_subtract(self) -> None:
        self._shows_difference = not self._shows_difference
        self.redraw_content()

    def action_whole(self) -> None:
        self._shows_whole_matrix = not self._shows_whole_matrix
        self.scroll_home(animate=False)
        self.redraw_content()

    def action_columns(self, pages: int) -> None:
        if window := self._matrix_window(self.content_width, self.size.height):
            self._move_matrix(0, pages * max(len(window.visible_columns) // 2, 1))

    def _move_matrix(self, rows: int, columns: int = 0) -> None:
        """Move the whole matrix, never out of its bounds."""
        window = self._matrix_window(self.content_width, self.size.height)
        if window is None:
            return
        self._first_row = clamped_start(window.visible_rows, rows, window.cells.size)
        self._first_column = clamped_start(window.visible_columns, columns, window.cells.size)
        self.redraw_content()

    def _try_move_matrix(self, rows: int) -> bool:
        """Move the whole matrix where it shows; return False where lines scroll instead."""
        if not (self._shows_whole_matrix and self._has_too_many_classes()):
            return False
        self._move_matrix(rows)
        return True

    def action_scroll_down(self) -> None:
        if not self._try_move_matrix(1):
            super().action_scroll_down()

    def action_scroll_up(self) -> None:
        if not self._try_move_matrix(-1):
            super().action_scroll_up()

    def action_page_down(self) -> None:
        if not self._try_move_matrix(max(self.size.height - 2, 1)):
            super().action_page_down()

    def action_page_up(self) -> None:
        if not self._try_move_matrix(-max(self.size.height - 2, 1)):
            super().action_page_up()

    def action_scroll_home(self) -> None:
        if not self._try_move_matrix(-BEYOND_LAST_ROW):
            super().action_scroll_home()

    def action_scroll_end(self) -> None:
        if not self._try_move_matrix(BEYOND_LAST_ROW):
            super().action_scroll_end()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self._try_move_matrix(WHEEL_ROWS):
            event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self._try_move_matrix(-WHEEL_ROWS):
            event.stop()


def clamped_start(visible: range, step: int, size: int) -> int:
    return min(max(visible.start + step, 0), size - len(visible))
