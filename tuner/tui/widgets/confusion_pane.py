"""The pane of the confusion matrix of the selected trial."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tuner.render.confusion_cells import MATRIX_MODES, MatrixCells, Mode, label_name_at
from tuner.render.confusion_matrix import ReferenceMatrix, fits_as_grid, reference_to_subtract
from tuner.render.confusion_window import MatrixWindow
from tuner.render.renderable_lines import Lines
from tuner.results import format as fmt
from tuner.tui.state.trial_scope import TrialScope, kept_matrix
from tuner.tui.state.workspace import Workspace
from tuner.tui.widgets.curves_pane import next_choice
from tuner.tui.widgets.key_bindings import hidden_key
from tuner.tui.widgets.line_widgets import empty_state_lines, theme_styles
from tuner.tui.widgets.matrix_pane import MatrixPane

_MODE_NAMES: dict[Mode, str] = {"counts": "counts", "row": "row %", "column": "column %"}
BEYOND_LAST_ROW = 1_000_000
"""More rows than any matrix has."""
WHEEL_ROWS = 2
"""Rows that a notch of the wheel moves the matrix."""


class ConfusionPane(MatrixPane):
    """The matrix of the selected trial.

    Many classes are shown as a list of what is confused most; a key brings the whole matrix, which
    then moves under its heads.
    """

    BINDINGS = [
        hidden_key("n", "mode", "confusion.mode", "Percent", "Counts, row percent, column percent"),
        hidden_key(
            "left,h", "epoch(-1)", "confusion.earlier", "Earlier", "The previous evaluation"
        ),
        hidden_key("right,l", "epoch(1)", "confusion.later", "Later", "The next evaluation"),
        hidden_key(
            "d", "subtract", "confusion.subtract", "Difference", "Difference to the best trial"
        ),
        hidden_key("m", "whole", "confusion.whole", "Matrix", "The whole matrix, or the list"),
        hidden_key("shift+left,H", "columns(-1)", "confusion.left", "Left", "Columns further left"),
        hidden_key(
            "shift+right,L", "columns(1)", "confusion.right", "Right", "Columns further right"
        ),
    ]

    def __init__(self, workspace: Workspace, now: Callable[[], float]) -> None:
        self._workspace = workspace
        self._scope = TrialScope(workspace, 0, now)
        self._shows_difference = False
        self._shows_whole_matrix = False
        self._first_row = self._first_column = 0
        super().__init__("Confusion", number=4, id="confusion")

    @property
    def matrix_scope(self) -> TrialScope | None:
        """The selected trial at its kept evaluation, until another one is chosen."""
        number = self._workspace.selected
        if number is None or number not in self._scope.view.trials:
            return None
        if number != self._scope.number:
            self._scope.show_trial(number)
        return self._scope

    def content_lines(self, width: int, height: int) -> Lines:
        scope, styles = self.matrix_scope, theme_styles(self)
        if scope is None or scope.shown_evaluation is None:
            texts = (
                "The confusion matrix of the selected trial",
                "comes with its first evaluation",
            )
            return empty_state_lines(texts, width, height, styles)
        if window := self._matrix_window(width, height):
            return window.draw_window(styles)
        return self.matrix_lines(scope, self._best_matrix(), width, height)

    def update_border_text(self) -> None:
        scope = self.matrix_scope
        if scope is None or scope.shown_evaluation is None:
            self.set_border_text("", "")
            return
        mode = "" if scope.matrix_mode == "counts" else f" {_MODE_NAMES[scope.matrix_mode]}"
        reference = self._best_matrix()
        minus = f" − {reference.name}" if reference and reference.subtract else ""
        epoch = fmt.format_epoch(scope.shown_evaluation.epoch)
        self.set_border_text(f"#{scope.number} {epoch}{mode}{minus}", self._key_hints(scope))

    def _key_hints(self, scope: TrialScope) -> str:
        hints = [f"n {_MODE_NAMES[next_choice(MATRIX_MODES, scope.matrix_mode)]}"]
        if len(scope.trial.evaluations) > 1:
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

    def _best_matrix(self) -> ReferenceMatrix | None:
        """Return the matrix of the best trial's score, unless that is the one shown."""
        scope = self.matrix_scope
        best = None if scope is None else scope.view.find_best_trial()
        if scope is None or best is None:
            return None
        if best.number == scope.number and scope.shown_index == scope.kept_index:
            return None
        return kept_matrix(best, f"best #{best.number}", subtract=self._shows_difference)

    def _has_too_many_classes(self) -> bool:
        scope = self.matrix_scope
        evaluation = None if scope is None else scope.shown_evaluation
        if scope is None or evaluation is None or not any(map(sum, evaluation.confusion)):
            return False
        labels, width, mode = scope.view.labels, self.content_width, scope.matrix_mode
        return not fits_as_grid(evaluation.confusion, labels, width, mode, self._best_matrix())

    def _matrix_window(self, width: int, height: int) -> MatrixWindow | None:
        scope = self.matrix_scope
        if scope is None or not self._shows_whole_matrix or not self._has_too_many_classes():
            return None
        assert scope.shown_evaluation is not None
        confusion = scope.shown_evaluation.confusion
        subtracted = reference_to_subtract(confusion, self._best_matrix())
        cells = MatrixCells(confusion, scope.matrix_mode, subtracted)
        labels = [label_name_at(scope.view.labels, index) for index in range(cells.size)]
        return MatrixWindow(cells, labels, width, height, self._first_row, self._first_column)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer the whole matrix for many classes, and its columns where it shows."""
        if action == "whole":
            return self._has_too_many_classes()
        return action != "columns" or (self._shows_whole_matrix and self._has_too_many_classes())

    def action_mode(self) -> None:
        self._scope.cycle_matrix_mode()
        self.redraw_content()

    def action_epoch(self, step: int) -> None:
        if scope := self.matrix_scope:
            scope.step_evaluation(step)
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
