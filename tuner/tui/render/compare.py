"""Contestants side by side: one row a fact, one column each, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.style import Style

from tuner.results import format as fmt
from tuner.results.format import GLYPHS, plain
from tuner.session.contest import Contestant, Fact
from tuner.tui.charts.axes import Scale, scale_of
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

LETTERS = "ABCDE"
"""What a contestant is called where there is room for one cell."""
CHANGE = 8
"""Cells of a difference from the baseline: −0.0145, ÷1.59."""
_MOST_VALUE = 18
_MOST_HEAD = 30
_ROOMY = 100
"""From this width on the baseline's column is as wide as its head."""
_SPREAD = (12, 24)
_LOWER_IS_BETTER = ("loss",)


def contestant_style(index: int, styles: Styles) -> Style:
    """The look of the contestant with this place, the same in the table and in the charts."""
    looks = (styles.accent, styles.paused, styles.pruned, styles.complete, styles.failed)
    return looks[index % len(looks)]


def head_text(contestant: Contestant, index: int) -> str:
    """A #9 ★ baseline."""
    best = f" {GLYPHS['best']}" if contestant.stands_out else ""
    return f"{LETTERS[index]} {plain(contestant.name)}{best}{' baseline' if index == 0 else ''}"


def value_text(fact: Fact, value: Any) -> str:
    """One value as its kind is written."""
    if value is None:
        return fmt.NONE
    match fact.kind:
        case "metric":
            return fmt.score(value) if math.isfinite(value) else fmt.NONE
        case "share":
            return f"{value[0]}/{value[1]}"
        case "interval":
            return f"{fmt.score(value[0], 5)}–{fmt.score(value[1], 5)}"
        case "time":
            return fmt.clock(value)
        case "rate" | "number":
            return fmt.setting(fact.name, value)
        case _:
            return plain(value)


def change_text(fact: Fact, value: Any, base: Any) -> str:
    """How a value differs from the baseline's, where that has a meaning."""
    if not (_is_number(value) and _is_number(base)):
        return ""
    if fact.kind == "metric":
        return fmt.change(value - base)
    if fact.kind == "rate" and value > 0 and base > 0:
        return fmt.factor(value, base)
    return ""


def table_lines(
    contestants: Sequence[Contestant],
    facts: Sequence[Fact],
    width: int,
    styles: Styles,
    *,
    column: int = 0,
    scales: Mapping[str, Scale] | None = None,
) -> Lines:
    """The table in `width` cells; the first contestant is the baseline, `column` is under the
    cursor. Columns that do not fit are left out, those nearest to the cursor kept.
    """
    table = _Table.fitting(contestants, facts, width, column, scales or {})
    return [table.head(styles), *(table.row(fact, styles) for fact in facts)]


def fitting_columns(contestants: Sequence[Contestant], facts: Sequence[Fact], width: int) -> int:
    """How many of the contestants fit beside each other."""
    return len(_Table.fitting(contestants, facts, width, 0, {}).shown)


def column_at(
    contestants: Sequence[Contestant], facts: Sequence[Fact], width: int, column: int, x: int
) -> int | None:
    """The contestant whose column is drawn at a cell from the left, as `table_lines` draws it."""
    table = _Table.fitting(contestants, facts, width, column, {})
    left = table.name
    for place in table.shown:
        right = left + (table.value + CHANGE + 3 if place else table.first)
        if left <= x < right:
            return place
        left = right
    return None


@dataclass(frozen=True)
class _Table:
    contestants: Sequence[Contestant]
    shown: Sequence[int]
    column: int
    name: int
    first: int
    value: int
    spread: int
    scales: Mapping[str, Scale]

    @classmethod
    def fitting(
        cls, contestants: Sequence[Contestant], facts: Sequence[Fact], width: int,
        column: int, scales: Mapping[str, Scale],
    ) -> _Table:  # fmt: skip
        name = min(max((cell_len(plain(fact.name)) for fact in facts), default=8), width // 4) + 2
        value = _value_width(facts)
        heads = [cell_len(head_text(each, at)) for at, each in enumerate(contestants)]
        longest = _MOST_HEAD if width >= _ROOMY else value + CHANGE + 1
        first = min(max(value, heads[0] + 1), longest) + 2
        room = max(1, (width - name - first) // (value + CHANGE + 3))
        others = _window(len(contestants) - 1, room, column - 1)
        left = width - name - first - len(others) * (value + CHANGE + 3)
        spread = min(left - 2, _SPREAD[1]) if left - 2 >= _SPREAD[0] else 0
        shown = [0, *(place + 1 for place in others)]
        return cls(contestants, shown, column, name, first, value, spread, scales)

    def head(self, styles: Styles) -> list[Run]:
        runs: list[Run] = [(" " * self.name, styles.text)]
        for place in self.shown:
            look = contestant_style(place, styles)
            if place == self.column:
                look += Style(underline=True, bold=True)
            mark = "▸" if place == self.column else " "
            text = mark + head_text(self.contestants[place], place)
            runs += self._cell(place, text, "", look, styles)
        if self.spread:
            runs.append((f"  {fit('spread', self.spread)}", styles.muted))
        return runs

    def row(self, fact: Fact, styles: Styles) -> list[Run]:
        runs: list[Run] = [(fit(plain(fact.name), self.name - 1) + " ", styles.muted)]
        base = fact.values[0]
        for place in self.shown:
            value = fact.values[place]
            change = change_text(fact, value, base) if place else ""
            look = styles.heading if place == 0 else styles.text
            tone = _tone(fact, value, base, styles)
            cells = self._cell(place, " " + value_text(fact, value), change, look, styles, tone)
            runs += cells
        if self.spread:
            runs.append(("  " + self._spread(fact), styles.muted))
        return runs

    def _cell(
        self, place: int, text: str, change: str, look: Style, styles: Styles,
        tone: Style | None = None,
    ) -> list[Run]:  # fmt: skip
        if place == 0:
            return [(fit(text, self.first), look)]
        if not change:
            return [(fit(text, self.value + CHANGE + 2) + " ", look)]
        changed = fit(change, CHANGE)
        return [(fit(text, self.value + 1) + " ", look), (changed + " ", tone or styles.muted)]

    def _spread(self, fact: Fact) -> str:
        """├─B─A────┤: the contestants' letters where their values lie."""
        numbers = [value if _is_number(value) else None for value in fact.values]
        known = [float(number) for number in numbers if number is not None]
        if not fact.differs or len(known) < 2:
            return ""
        scale = self.scales.get(fact.name) or (scale_of(known) if fact.kind == "metric" else None)
        if scale is None:
            return ""
        cells = list("├" + "─" * (self.spread - 2) + "┤")
        for place in reversed(range(len(numbers))):
            if (number := numbers[place]) is not None:
                cells[1 + round(scale.share(number) * (self.spread - 3))] = LETTERS[place]
        return "".join(cells)


def _value_width(facts: Sequence[Fact]) -> int:
    wide = (
        cell_len(value_text(fact, value))
        for fact in facts
        if fact.kind not in ("word", "interval")
        for value in fact.values
    )
    return min(max(wide, default=6), _MOST_VALUE)


def _window(count: int, room: int, at: int) -> range:
    """The places that are shown of so many, `at` among them."""
    start = min(max(at - room + 1, 0), max(count - room, 0))
    return range(start, min(start + room, count))


def _tone(fact: Fact, value: Any, base: Any, styles: Styles) -> Style:
    if fact.kind != "metric" or not (_is_number(value) and _is_number(base)) or value == base:
        return styles.muted
    better = (value > base) != (fact.name in _LOWER_IS_BETTER)
    return styles.complete if better else styles.failed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
