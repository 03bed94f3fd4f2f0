"""The table of the rows that one candidate predicts correctly and the other does not."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.errors import TunerError
from tuner.render.confusion_cells import label_name_at
from tuner.render.misclassified import row_text_start
from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text, fold_at_words
from tuner.results.format import format_row_number, sanitize_text
from tuner.tui.state.comparison_state import ComparisonState
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable

_LABEL_WIDTHS = (8, 16)
_ROW_NUMBER_WIDTH = 6


class FlippedRowsTable(RowTable):
    """One line a row: its number, its gold label, both predictions, and how its text begins."""

    BINDINGS = [
        key("enter", "open", "compare.row", "Text", "The row's text and both predictions"),
    ]

    def __init__(self, board: ComparisonState) -> None:
        self._board = board
        self._positions: Sequence[int] = ()
        super().__init__("Flipped rows", number=4, id="comparison-rows")

    def reload_rows(self) -> None:
        self._positions = self._board.flipped_rows()
        self._cached_strips.clear()
        self.set_border_text(self._count_text(), "enter shows the text" if self._positions else "")
        self.update_rows()

    def _count_text(self) -> str:
        return str(len(self._positions)) if self._positions else ""

    def keys_in_order(self) -> Sequence[int]:
        """Return positions in the validation set, ascending."""
        return self._positions

    def header_runs(self, width: int) -> Sequence[TextRun]:
        board, styles = self._board, theme_styles(self)
        label_width = self._label_width(width)
        names = [
            board.candidates[0].name,
            board.other_candidate.name if board.other_candidate else "",
        ]
        heads = "".join(fit_text(sanitize_text(name), label_width + 2) + " " for name in names)
        text = f"{fit_text('ROW', _ROW_NUMBER_WIDTH)}{fit_text('GOLD', label_width)} {heads}TEXT"
        return [(fit_text(text, width), styles.muted)]

    def runs_of_row(self, key: int, width: int) -> Sequence[TextRun]:
        board, styles = self._board, theme_styles(self)
        pair, labels = board.pair_with_other(), board.candidates[0].view.labels
        label_width, gold = self._label_width(width), pair.first.gold[key]
        row = pair.first.rows[key]

        def label_text(label: int) -> str:
            return fit_text(label_name_at(labels, label), label_width) + " "

        runs: list[TextRun] = [
            (fit_text(format_row_number(row), _ROW_NUMBER_WIDTH), styles.muted),
            (label_text(gold), styles.text),
        ]
        for label in (pair.first.predicted[key], pair.second.predicted[key]):
            sign, style = ("✓ ", styles.complete) if label == gold else ("✗ ", styles.failed)
            runs += [(sign, style), (label_text(label), style)]
        text_width = width - _ROW_NUMBER_WIDTH - 3 * (label_width + 1) - 4
        if text_width > 6:
            text = row_text_start(board.baseline_texts(), row)
            runs.append((fit_text(text, text_width), styles.muted))
        return runs

    def _label_width(self, width: int) -> int:
        labels = self._board.candidates[0].view.labels
        longest = max(
            (len(label_name_at(labels, index)) for index in range(len(labels))), default=8
        )
        return min(
            max(longest, _LABEL_WIDTHS[0]),
            max((width - _ROW_NUMBER_WIDTH - 8) // 4, _LABEL_WIDTHS[0]),
            _LABEL_WIDTHS[1],
        )

    def empty_state_texts(self) -> Sequence[str]:
        if not self._board.is_comparable:
            return ("The rows that flip between two", "will be here")
        try:
            self._board.pair_with_other()
        except TunerError as error:
            width = max(self.content_width - 2, 1)
            return ("No row can be compared", *fold_at_words(sanitize_text(error), width))
        return ("No row flips", "both predict the same rows correctly")
