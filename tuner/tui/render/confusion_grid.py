"""A confusion matrix of few classes as a grid: in boxes where there is room, else close by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.style import Style

from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import Cells, ClassScores, pointed, right_aligned, share_text
from tuner.tui.render.names import distinct, fit
from tuner.tui.render.styles import Run, Styles

BOX_LINES = 5
"""Lines of a boxed grid beside two for each class: heads, the frame, precisions."""
_EXTRA = {"n": 6, "RECALL": 7, "F1": 6}


@dataclass(frozen=True)
class Grid:
    """A matrix in cells of `cell` columns; `numbered` heads them with numbers instead of names."""

    cells: Cells
    scores: Sequence[ClassScores]
    name: int
    cell: int
    numbered: bool
    extras: tuple[str, ...]

    @property
    def width(self) -> int:
        """Cells across."""
        extras = sum(_EXTRA[extra] for extra in self.extras)
        return 2 + self.name + self.cell * self.cells.size + extras

    def names(self, width: int) -> list[str]:
        """The classes' names, cut so that they still differ."""
        return distinct([score.label for score in self.scores], width)

    def draw(self, styles: Styles) -> Lines:
        """Heads, rows and the line of precisions."""
        lead, head = 2 + self.name, self.cell * self.cells.size
        lines: Lines = [[(" " * lead + centred_text("predicted", head), styles.muted)]]
        lines.append(self._heads(styles))
        names = self.names(self.name - (3 if self.numbered else 1))
        lines += [self._row(index, name, styles) for index, name in enumerate(names)]
        return [*lines, self._precisions(styles)]

    def _heads(self, styles: Styles) -> list[Run]:
        texts = [str(index + 1) for index in range(self.cells.size)]
        if not self.numbered:
            texts = self.names(self.cell - 1)
        cells = "".join(f"{right_aligned(text, self.cell - 1)} " for text in texts)
        actual = fit("actual", 2 + self.name)
        return [
            (actual, styles.muted),
            (cells, styles.heading),
            (extra_heads(self.extras), styles.muted),
        ]

    def _row(self, index: int, name: str, styles: Styles) -> list[Run]:
        label = f"{index + 1:>2} {name}" if self.numbered else name
        runs: list[Run] = [("  " + fit(label, self.name), styles.heading)]
        for column in range(self.cells.size):
            text = right_aligned(self.cells.text(index, column), self.cell - 1)
            sign = self.cells.shade_sign(index, column)
            runs.append((text + sign, self.cells.tone(index, column, styles)))
        return [*runs, (extra_texts(self.scores[index], self.extras), styles.muted)]

    def _precisions(self, styles: Styles) -> list[Run]:
        shares = [share_text(score.precision) for score in self.scores]
        if self.cell < 5:
            shares = [share.removeprefix("0")[:3] for share in shares]
        cells = "".join(f"{right_aligned(share, self.cell - 1)} " for share in shares)
        return [("  " + fit("precision", self.name), styles.muted), (cells, styles.muted)]


@dataclass(frozen=True)
class BoxedGrid(Grid):
    """The same in a frame, each cell two lines high: its number above, its share below."""

    @property
    def width(self) -> int:
        """Cells across, the frame included."""
        return super().width + self.cells.size + 1

    @property
    def height(self) -> int:
        """Lines in all."""
        return 2 * self.cells.size + BOX_LINES

    def draw(self, styles: Styles) -> Lines:
        """Heads, the frame with its cells, precisions."""
        lead, inner = " " * (2 + self.name), (self.cell + 1) * self.cells.size + 1
        dashes = ["─" * self.cell] * self.cells.size
        lines: Lines = [[(lead + centred_text("predicted", inner), styles.muted)]]
        lines.append(self._heads(styles))
        frame = "┌" + "┬".join(dashes) + "┐"
        lines.append([(fit("actual", 2 + self.name), styles.muted), (frame, styles.faint)])
        for index, name in enumerate(self.names(self.name - 1)):
            lines += self._box_row(index, name, styles)
        lines.append([(lead + "└" + "┴".join(dashes) + "┘", styles.faint)])
        shares = [share_text(score.precision) for score in self.scores]
        return [*lines, self._spread("precision", shares, styles.muted, styles)]

    def _heads(self, styles: Styles) -> list[Run]:
        runs = self._spread("", self.names(self.cell), styles.heading, styles)
        return [*runs, (extra_heads(self.extras), styles.muted)]

    def _spread(self, title: str, texts: Sequence[str], look: Style, styles: Styles) -> list[Run]:
        cells = "".join(f" {centred_text(text, self.cell)}" for text in texts)
        return [("  " + fit(title, self.name), styles.muted), (cells + " ", look)]

    def _box_row(self, index: int, name: str, styles: Styles) -> Lines:
        above: list[Run] = [("  " + fit(name, self.name), styles.heading)]
        below: list[Run] = [(" " * (2 + self.name), styles.text)]
        for column in range(self.cells.size):
            above += [("│", styles.faint), self._number(index, column, styles)]
            below += [("│", styles.faint), self._bar(index, column, styles)]
        above += [("│", styles.faint)]
        above.append((extra_texts(self.scores[index], self.extras), styles.muted))
        return [above, [*below, ("│", styles.faint)]]

    def _number(self, row: int, column: int, styles: Styles) -> Run:
        text = centred_text(self.cells.text(row, column), self.cell)
        return text, self.cells.tone(row, column, styles)

    def _bar(self, row: int, column: int, styles: Styles) -> Run:
        look = styles.complete if self.cells.is_good(row, column) else styles.failed
        bar = shaded_bar(self.cells.share(row, column), self.cell - 2)
        return f" {fit(bar, self.cell - 2)} ", look + pointed(row, column)


def shaded_bar(share: float, width: int) -> str:
    """████▓: as many blocks as the share is of the width, the last one shaded by what is left."""
    thirds = round(min(max(share, 0.0), 1.0) * width * 4)
    full, rest = divmod(max(thirds, 1) if share > 0 else 0, 4)
    return "█" * full + ("", "░", "▒", "▓")[rest]


def extra_heads(extras: Sequence[str]) -> str:
    """The titles of the scores at the right."""
    return "".join(f"{title:>{_EXTRA[title]}}" for title in extras)


def extra_texts(score: ClassScores, extras: Sequence[str]) -> str:
    """A class's scores at the right."""
    shown = {"n": str(score.n), "RECALL": share_text(score.recall), "F1": share_text(score.f1)}
    return "".join(f"{shown[title]:>{_EXTRA[title]}}" for title in extras)


def centred_text(text: str, width: int) -> str:
    """Text in the middle of exactly `width` cells, cut where it is longer."""
    fitted = fit(text, width).rstrip()
    left = max(width - cell_len(fitted), 0) // 2
    return fit(" " * left + fitted, width)


def boxed_grid(
    cells: Cells, scores: Sequence[ClassScores], width: int, height: int
) -> BoxedGrid | None:
    """The roomiest boxed grid for this room, None where none fits."""
    longest = max(cell_len(score.label) for score in scores)
    name, least = max(len("precision"), min(longest, 20)) + 1, max(cells.widest + 2, 7)
    for most, cell, extras in (
        (name, max(least, min(longest + 2, 13)), ("RECALL", "F1")),
        (name, max(least, min(longest + 2, 9)), ("RECALL", "F1")),
        (len("precision") + 1, least, ("RECALL", "F1")),
        (len("precision") + 1, least, ("RECALL",)),
    ):
        least_wide = BoxedGrid(cells, scores, most, cell, False, extras)
        room = width - least_wide.width
        if room >= 0 and least_wide.height <= height:
            return replace(least_wide, name=max(min(most + room, longest + 1), most))
    return None


def close_grid(cells: Cells, scores: Sequence[ClassScores], width: int) -> Grid | None:
    """The roomiest grid of one line a class for this width, None where none fits."""
    digits = cells.widest
    least, tight = max(digits, 3) + 2, digits + 2
    longest = max(len("precision"), *(cell_len(score.label) for score in scores))
    head = max(least, min(longest + 1, 9))
    for numbered, name, cell, extras in (
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
            name = min(max(width - 2 - cell * cells.size, name), longest + 3)
        grid = Grid(cells, scores, name, cell, numbered, extras)
        if grid.width <= width:
            return grid
    return None
