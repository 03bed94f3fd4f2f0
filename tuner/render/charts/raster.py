"""A canvas of braille dots, two to a cell across and four down."""

from __future__ import annotations

from rich.style import Style

from tuner.render.styles import TextRun

_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Raster:
    """Dots and single characters on a grid of cells; what is drawn later wins a cell's style."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = max(columns, 1)
        self.rows = max(rows, 1)
        self._bits = [[0] * self.columns for _ in range(self.rows)]
        self._styles: list[list[Style]] = [[Style.null()] * self.columns for _ in range(self.rows)]
        self._marks: dict[tuple[int, int], str] = {}

    @property
    def width(self) -> int:
        """Dots across."""
        return self.columns * 2

    @property
    def height(self) -> int:
        """Dots down."""
        return self.rows * 4

    def set_dot(self, x: int, y: int, style: Style) -> None:
        """Set the dot that is x from the left and y from the top; outside nothing happens."""
        column, row = x >> 1, y >> 2
        if 0 <= column < self.columns and 0 <= row < self.rows and x >= 0 and y >= 0:
            self._bits[row][column] |= _BITS[y & 3][x & 1]
            self._styles[row][column] = style

    def draw_line(
        self, start: tuple[int, int], end: tuple[int, int], style: Style, *, spacing: int = 1
    ) -> None:
        """Draw a straight line between two dots, both included (Bresenham); dotted by `spacing`."""
        (x, y), (end_x, end_y) = start, end
        across, down = abs(end_x - x), -abs(end_y - y)
        step_x, step_y = (1 if x < end_x else -1), (1 if y < end_y else -1)
        error, count = across + down, 0
        while True:
            if count % spacing == 0:
                self.set_dot(x, y, style)
            count += 1
            if (x, y) == (end_x, end_y):
                return
            doubled = 2 * error
            if doubled >= down:
                error += down
                x += step_x
            if doubled <= across:
                error += across
                y += step_y

    def put_glyph(self, x: int, y: int, glyph: str, style: Style) -> None:
        """Put a one-cell character in place of the dots around (x, y)."""
        column = min(max(x >> 1, 0), self.columns - 1)
        row = min(max(y >> 2, 0), self.rows - 1)
        self._marks[row, column] = glyph
        self._styles[row][column] = style

    def draw_vertical_rule(self, x: int, style: Style) -> None:
        """Draw a vertical line through the dots at x, behind what is drawn already."""
        column = min(max(x >> 1, 0), self.columns - 1)
        for row in range(self.rows):
            if not self._bits[row][column] and (row, column) not in self._marks:
                self._marks[row, column] = "│"
                self._styles[row][column] = style

    def lines_of_runs(self) -> list[list[TextRun]]:
        """Return one list of runs a row, every row `columns` cells wide."""
        return [self._row_runs(row) for row in range(self.rows)]

    def _row_runs(self, row: int) -> list[TextRun]:
        runs: list[TextRun] = []
        for column in range(self.columns):
            glyph, style = self._cell_glyph(row, column), self._styles[row][column]
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + glyph, style)
            else:
                runs.append((glyph, style))
        return runs

    def _cell_glyph(self, row: int, column: int) -> str:
        if (mark := self._marks.get((row, column))) is not None:
            return mark
        bits = self._bits[row][column]
        return chr(_BLANK + bits) if bits else " "
