"""A confusion matrix of few classes as a grid: in boxes where there is room, else close by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.style import Style

from tuner.render.confusion_cells import ClassScores, MatrixCells, cell_meta_style, short_score_text
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, right_align_text, shorten_distinctly

BOX_LINES = 5
"""Lines of a boxed grid beside two for each class: heads, the frame, precisions."""
_EXTRA_WIDTHS = {"n": 6, "RECALL": 7, "F1": 6}


@dataclass(frozen=True)
class ConfusionGrid:
    """A matrix in cells of `cell_width`; `numbered` heads them with numbers instead of names."""

    cells: MatrixCells
    scores: Sequence[ClassScores]
    name_width: int
    cell_width: int
    numbered: bool
    extras: tuple[str, ...]

    @property
    def width(self) -> int:
        extras = sum(_EXTRA_WIDTHS[extra] for extra in self.extras)
        return 2 + self.name_width + self.cell_width * self.cells.size + extras

    def shortened_names(self, width: int) -> list[str]:
        return shorten_distinctly([score.label for score in self.scores], width)

    def draw_grid(self, styles: Styles) -> Lines:
        """Draw headings, rows and the line of precisions."""
        lead, head = 2 + self.name_width, self.cell_width * self.cells.size
        lines: Lines = [[(" " * lead + centre_in_width("predicted", head), styles.muted)]]
        lines.append(self._heading_runs(styles))
        names = self.shortened_names(self.name_width - (3 if self.numbered else 1))
        lines += [self._class_row_runs(index, name, styles) for index, name in enumerate(names)]
        return [*lines, self._precision_runs(styles)]

    def _heading_runs(self, styles: Styles) -> list[TextRun]:
        texts = [str(index + 1) for index in range(self.cells.size)]
        if not self.numbered:
            texts = self.shortened_names(self.cell_width - 1)
        cells = "".join(f"{right_align_text(text, self.cell_width - 1)} " for text in texts)
        corner = fit_text("gold", 2 + self.name_width)
        return [
            (corner, styles.muted),
            (cells, styles.heading),
            (score_headings(self.extras), styles.muted),
        ]

    def _class_row_runs(self, index: int, name: str, styles: Styles) -> list[TextRun]:
        label = f"{index + 1:>2} {name}" if self.numbered else name
        runs: list[TextRun] = [("  " + fit_text(label, self.name_width), styles.heading)]
        for column in range(self.cells.size):
            text = right_align_text(self.cells.cell_text(index, column), self.cell_width - 1)
            sign = self.cells.shade_character(index, column)
            runs.append((text + sign, self.cells.cell_style(index, column, styles)))
        return [*runs, (class_score_cells(self.scores[index], self.extras), styles.muted)]

    def _precision_runs(self, styles: Styles) -> list[TextRun]:
        shares = [short_score_text(score.precision) for score in self.scores]
        if self.cell_width < 5:
            shares = [share.removeprefix("0")[:3] for share in shares]
        cells = "".join(f"{right_align_text(share, self.cell_width - 1)} " for share in shares)
        return [
            ("  " + fit_text("precision", self.name_width), styles.muted),
            (cells, styles.muted),
        ]


@dataclass(frozen=True)
class BoxedGrid(ConfusionGrid):
    """The same in a frame, each cell two lines high: its number above, its share below."""

    @property
    def width(self) -> int:
        return super().width + self.cells.size + 1

    @property
    def height(self) -> int:
        return 2 * self.cells.size + BOX_LINES

    def draw_grid(self, styles: Styles) -> Lines:
        """Draw headings, the frame with its cells, precisions."""
        lead, inner = " " * (2 + self.name_width), (self.cell_width + 1) * self.cells.size + 1
        dashes = ["─" * self.cell_width] * self.cells.size
        lines: Lines = [[(lead + centre_in_width("predicted", inner), styles.muted)]]
        lines.append(self._heading_runs(styles))
        frame = "┌" + "┬".join(dashes) + "┐"
        lines.append([(fit_text("gold", 2 + self.name_width), styles.muted), (frame, styles.faint)])
        for index, name in enumerate(self.shortened_names(self.name_width - 1)):
            lines += self._class_box_lines(index, name, styles)
        lines.append([(lead + "└" + "┴".join(dashes) + "┘", styles.faint)])
        shares = [short_score_text(score.precision) for score in self.scores]
        return [*lines, self._centred_row_runs("precision", shares, styles.muted, styles)]

    def _heading_runs(self, styles: Styles) -> list[TextRun]:
        runs = self._centred_row_runs(
            "", self.shortened_names(self.cell_width), styles.heading, styles
        )
        return [*runs, (score_headings(self.extras), styles.muted)]

    def _centred_row_runs(
        self, title: str, texts: Sequence[str], look: Style, styles: Styles
    ) -> list[TextRun]:
        cells = "".join(f" {centre_in_width(text, self.cell_width)}" for text in texts)
        return [("  " + fit_text(title, self.name_width), styles.muted), (cells + " ", look)]

    def _class_box_lines(self, index: int, name: str, styles: Styles) -> Lines:
        above: list[TextRun] = [("  " + fit_text(name, self.name_width), styles.heading)]
        below: list[TextRun] = [(" " * (2 + self.name_width), styles.text)]
        for column in range(self.cells.size):
            above += [("│", styles.faint), self._number_cell(index, column, styles)]
            below += [("│", styles.faint), self._share_bar_cell(index, column, styles)]
        above += [("│", styles.faint)]
        above.append((class_score_cells(self.scores[index], self.extras), styles.muted))
        return [above, [*below, ("│", styles.faint)]]

    def _number_cell(self, row: int, column: int, styles: Styles) -> TextRun:
        text = centre_in_width(self.cells.cell_text(row, column), self.cell_width)
        return text, self.cells.cell_style(row, column, styles)

    def _share_bar_cell(self, row: int, column: int, styles: Styles) -> TextRun:
        look = styles.complete if self.cells.is_favourable(row, column) else styles.failed
        bar = shaded_share_bar(self.cells.shade_share(row, column), self.cell_width - 2)
        return f" {fit_text(bar, self.cell_width - 2)} ", look + cell_meta_style(row, column)


def shaded_share_bar(share: float, width: int) -> str:
    """████▓: as many blocks as the share is of the width, the last one shaded by the remainder."""
    quarters = round(min(max(share, 0.0), 1.0) * width * 4)
    full, remainder = divmod(max(quarters, 1) if share > 0 else 0, 4)
    return "█" * full + ("", "░", "▒", "▓")[remainder]


def score_headings(extras: Sequence[str]) -> str:
    return "".join(f"{title:>{_EXTRA_WIDTHS[title]}}" for title in extras)


def class_score_cells(score: ClassScores, extras: Sequence[str]) -> str:
    text_by_title = {
        "n": str(score.row_count),
        "RECALL": short_score_text(score.recall),
        "F1": short_score_text(score.f1),
    }
    return "".join(f"{text_by_title[title]:>{_EXTRA_WIDTHS[title]}}" for title in extras)


def centre_in_width(text: str, width: int) -> str:
    fitted = fit_text(text, width).rstrip()
    indent = max(width - cell_len(fitted), 0) // 2
    return fit_text(" " * indent + fitted, width)


def fit_boxed_grid(
    cells: MatrixCells, scores: Sequence[ClassScores], width: int, height: int
) -> BoxedGrid | None:
    """Return the roomiest boxed grid that fits, None where none does."""
    longest = max(cell_len(score.label) for score in scores)
    name, min_cell_width = (
        max(len("precision"), min(longest, 20)) + 1,
        max(cells.widest_text + 2, 7),
    )
    for name_width, cell_width, extras in (
        (name, max(min_cell_width, min(longest + 2, 13)), ("RECALL", "F1")),
        (name, max(min_cell_width, min(longest + 2, 9)), ("RECALL", "F1")),
        (len("precision") + 1, min_cell_width, ("RECALL", "F1")),
        (len("precision") + 1, min_cell_width, ("RECALL",)),
    ):
        grid = BoxedGrid(cells, scores, name_width, cell_width, False, extras)
        room = width - grid.width
        if room >= 0 and grid.height <= height:
            return replace(grid, name_width=max(min(name_width + room, longest + 1), name_width))
    return None


def fit_compact_grid(
    cells: MatrixCells, scores: Sequence[ClassScores], width: int
) -> ConfusionGrid | None:
    """Return the roomiest grid of one line a class that fits, None where none does."""
    digits = cells.widest_text
    least, tight = max(digits, 3) + 2, digits + 2
    longest = max(len("precision"), *(cell_len(score.label) for score in scores))
    head = max(least, min(longest + 1, 9))
    for numbered, name_width, cell_width, extras in (
        (False, min(longest + 1, 20), max(least, min(longest + 1, 12)), ("n", "RECALL", "F1")),
        (False, min(longest + 1, 14), head, ("n", "RECALL", "F1")),
        (False, min(longest + 1, 14), head, ("RECALL", "F1")),
        (False, min(longest + 1, 11), head, ("RECALL",)),
        (True, min(longest, 12) + 3, least, ("n", "RECALL", "F1")),
        (True, min(longest, 10) + 3, least, ("RECALL", "F1")),
        (True, min(longest, 10) + 3, least, ("RECALL",)),
        (True, 9, least, ()),
        (True, 9, tight, ()),
    ):
        if not extras:
            name_width = min(max(width - 2 - cell_width * cells.size, name_width), longest + 3)
        grid = ConfusionGrid(cells, scores, name_width, cell_width, numbered, extras)
        if grid.width <= width:
            return grid
    return None
