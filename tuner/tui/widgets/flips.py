"""The table of the rows that one contestant answers rightly and the other does not."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from tuner.errors import TunerError
from tuner.results.format import plain
from tuner.tui.board import Board
from tuner.tui.render.errors import folded, row_start
from tuner.tui.render.matrix import label_of
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run
from tuner.tui.widgets.lines import styles_of
from tuner.tui.widgets.rows import RowTable

_LABEL = (8, 16)
_ROW = 6


class FlipsTable(RowTable):
    """One line a row: its number, its gold label, both answers, and how its text begins."""

    BINDINGS = [
        Binding("enter", "open", "Text", id="compare.row", tooltip="The row's text and answers"),
    ]

    def __init__(self, board: Board) -> None:
        self._board = board
        self._positions: Sequence[int] = ()
        super().__init__("Flipped rows", number=4, id="contest-rows")

    def show(self) -> None:
        """Other contestants, other rows."""
        self._positions = self._board.flipped()
        self._strips.clear()
        self.entitle(self._detail(), "enter shows the text" if self._positions else "")
        self.rows_changed()

    def _detail(self) -> str:
        return str(len(self._positions)) if self._positions else ""

    def keys_in_order(self) -> Sequence[int]:
        """Positions in the validation set, ascending."""
        return self._positions

    def header_runs(self, width: int) -> Sequence[Run]:
        """The titles: the contestants by name."""
        board, styles = self._board, styles_of(self)
        size = self._label_width(width)
        names = [board.contestants[0].name, board.opponent.name if board.opponent else ""]
        heads = "".join(fit(plain(name), size + 2) + " " for name in names)
        text = f"{fit('ROW', _ROW)}{fit('GOLD', size)} {heads}TEXT"
        return [(fit(text, width), styles.muted)]

    def row_runs(self, key: int, width: int) -> Sequence[Run]:
        """One row."""
        board, styles = self._board, styles_of(self)
        pair, labels = board.pairing(), board.contestants[0].view.labels
        size, gold, number = self._label_width(width), pair.first.gold[key], pair.first.rows[key]
        runs: list[Run] = [
            (fit(str(number), _ROW), styles.muted),
            (fit(label_of(labels, gold), size) + " ", styles.text),
        ]
        for answers in (pair.first, pair.second):
            right = answers.predicted[key] == gold
            tone = styles.complete if right else styles.failed
            runs += [
                ("✓ " if right else "✗ ", tone),
                (fit(label_of(labels, answers.predicted[key]), size) + " ", tone),
            ]
        left = width - _ROW - 3 * (size + 1) - 4
        if left > 6:
            runs.append((fit(row_start(board.texts(), number), left), styles.muted))
        return runs

    def _label_width(self, width: int) -> int:
        labels = self._board.contestants[0].view.labels
        longest = max((len(label_of(labels, at)) for at in range(len(labels))), default=8)
        return min(max(longest, _LABEL[0]), max((width - _ROW - 8) // 4, _LABEL[0]), _LABEL[1])

    def empty_lines(self) -> Sequence[str]:
        """Why there are none."""
        if not self._board.complete:
            return ("Rows that flip between two", "will be here")
        try:
            self._board.pairing()
        except TunerError as error:
            return ("No row can be compared", *folded(plain(error), max(self.room - 2, 1)))
        return ("No row flips", "both answer the same rows rightly")
