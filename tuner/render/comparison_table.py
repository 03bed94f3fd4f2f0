"""Candidates side by side: one row a fact, one column each, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.style import Style

from tuner.render.charts.axes import Scale, scale_of_values
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.render.trial_columns import INTERVAL_END_WIDTH
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.comparison import Candidate, ComparisonRow

CANDIDATE_LETTERS = "ABCDE"
"""What a candidate is called where there is room for one cell."""
CHANGE_WIDTH = 8
"""Cells of a difference from the baseline: −0.0145, ÷1.59."""
_MAX_VALUE_WIDTH = 18
_MAX_HEADING_WIDTH = 30
_ROOMY_WIDTH = 100
"""From this width on the baseline's column is as wide as its head."""
_SPREAD_WIDTHS = (12, 24)
_LOWER_IS_BETTER = ("loss",)


def candidate_style(index: int, styles: Styles) -> Style:
    """Return the style of a candidate, the same in the table and in the charts."""
    looks = (styles.accent, styles.paused, styles.pruned, styles.complete, styles.failed)
    return looks[index % len(looks)]


def candidate_heading(candidate: Candidate, index: int) -> str:
    """Return `A #9 ★ baseline`."""
    best = f" {GLYPHS['best']}" if candidate.is_highlighted_best else ""
    role = " baseline" if index == 0 else ""
    return f"{CANDIDATE_LETTERS[index]} {sanitize_text(candidate.name)}{best}{role}"


def fact_value_text(fact: ComparisonRow, value: Any) -> str:
    if value is None:
        return fmt.NONE
    match fact.kind:
        case "metric":
            return fmt.format_score(value) if math.isfinite(value) else fmt.NONE
        case "share":
            return f"{value[0]}/{value[1]}"
        case "interval":
            return fmt.format_interval(value[0], value[1], INTERVAL_END_WIDTH)
        case "time":
            return fmt.format_clock(value)
        case "rate" | "number":
            return fmt.format_setting(fact.name, value)
        case _:
            return sanitize_text(value)


def baseline_change_text(fact: ComparisonRow, value: Any, base: Any) -> str:
    """Return the difference from the baseline, "" where it has no meaning."""
    if not (_is_finite_number(value) and _is_finite_number(base)):
        return ""
    if fact.kind == "metric":
        return fmt.format_score_change(value - base)
    if fact.kind == "rate" and value > 0 and base > 0:
        return fmt.format_ratio(value, base)
    return ""


def comparison_table_lines(
    candidates: Sequence[Candidate],
    facts: Sequence[ComparisonRow],
    width: int,
    styles: Styles,
    *,
    column: int = 0,
    scales: Mapping[str, Scale] | None = None,
) -> Lines:
    """Draw the table in `width` cells; the first candidate is the baseline.

    Columns that do not fit are left out, those nearest to the cursor's `column` kept.
    """
    table = _ComparisonTable.fit_to_width(candidates, facts, width, column, scales or {})
    return [table.heading_runs(styles), *(table.fact_row_runs(fact, styles) for fact in facts)]


def count_fitting_columns(
    candidates: Sequence[Candidate], facts: Sequence[ComparisonRow], width: int
) -> int:
    """Return how many of the candidates fit beside each other."""
    return len(_ComparisonTable.fit_to_width(candidates, facts, width, 0, {}).visible)


def candidate_index_at(
    candidates: Sequence[Candidate], facts: Sequence[ComparisonRow], width: int, column: int, x: int
) -> int | None:
    """Return the candidate whose column `comparison_table_lines` draws at cell `x`."""
    table = _ComparisonTable.fit_to_width(candidates, facts, width, column, {})
    column_start = table.name_width
    for place in table.visible:
        column_end = column_start + (
            table.value_width + CHANGE_WIDTH + 3 if place else table.baseline_width
        )
        if column_start <= x < column_end:
            return place
        column_start = column_end
    return None


@dataclass(frozen=True)
class _ComparisonTable:
    candidates: Sequence[Candidate]
    visible: Sequence[int]
    column: int
    name_width: int
    baseline_width: int
    value_width: int
    spread_width: int
    scales: Mapping[str, Scale]

    @classmethod
    def fit_to_width(
        cls, candidates: Sequence[Candidate], facts: Sequence[ComparisonRow], width: int,
        column: int, scales: Mapping[str, Scale],
    ) -> _ComparisonTable:  # fmt: skip
        name_width = (
            min(max((cell_len(sanitize_text(fact.name)) for fact in facts), default=8), width // 4)
            + 2
        )
        value_width = _value_column_width(facts)
        heads = [
            cell_len(candidate_heading(candidate, index))
            for index, candidate in enumerate(candidates)
        ]
        longest = _MAX_HEADING_WIDTH if width >= _ROOMY_WIDTH else value_width + CHANGE_WIDTH + 1
        baseline_width = min(max(value_width, heads[0] + 1), longest) + 2
        room = max(1, (width - name_width - baseline_width) // (value_width + CHANGE_WIDTH + 3))
        others = _visible_range(len(candidates) - 1, room, column - 1)
        spare_width = (
            width - name_width - baseline_width - len(others) * (value_width + CHANGE_WIDTH + 3)
        )
        spread_width = (
            min(spare_width - 2, _SPREAD_WIDTHS[1]) if spare_width - 2 >= _SPREAD_WIDTHS[0] else 0
        )
        visible = [0, *(place + 1 for place in others)]
        return cls(
            candidates,
            visible,
            column,
            name_width,
            baseline_width,
            value_width,
            spread_width,
            scales,
        )

    def heading_runs(self, styles: Styles) -> list[TextRun]:
        runs: list[TextRun] = [(" " * self.name_width, styles.text)]
        for place in self.visible:
            look = candidate_style(place, styles)
            if place == self.column:
                look += Style(underline=True, bold=True)
            mark = "▸" if place == self.column else " "
            text = mark + candidate_heading(self.candidates[place], place)
            runs += self._candidate_cell(place, text, "", look, styles)
        if self.spread_width:
            runs.append((f"  {fit_text('spread', self.spread_width)}", styles.muted))
        return runs

    def fact_row_runs(self, fact: ComparisonRow, styles: Styles) -> list[TextRun]:
        runs: list[TextRun] = [
            (fit_text(sanitize_text(fact.name), self.name_width - 1) + " ", styles.muted)
        ]
        base = fact.values[0]
        for place in self.visible:
            value = fact.values[place]
            change = baseline_change_text(fact, value, base) if place else ""
            look = styles.heading if place == 0 else styles.text
            tone = _change_style(fact, value, base, styles)
            cells = self._candidate_cell(
                place, " " + fact_value_text(fact, value), change, look, styles, tone
            )
            runs += cells
        if self.spread_width:
            runs.append(("  " + self._spread_text(fact), styles.muted))
        return runs

    def _candidate_cell(
        self, place: int, text: str, change: str, look: Style, styles: Styles,
        tone: Style | None = None,
    ) -> list[TextRun]:  # fmt: skip
        if place == 0:
            return [(fit_text(text, self.baseline_width), look)]
        if not change:
            return [(fit_text(text, self.value_width + CHANGE_WIDTH + 2) + " ", look)]
        changed = fit_text(change, CHANGE_WIDTH)
        return [
            (fit_text(text, self.value_width + 1) + " ", look),
            (changed + " ", tone or styles.muted),
        ]

    def _spread_text(self, fact: ComparisonRow) -> str:
        """├─B─A────┤: the candidates' letters where their values lie."""
        numbers = [value if _is_finite_number(value) else None for value in fact.values]
        finite_numbers = [float(number) for number in numbers if number is not None]
        if not fact.has_differences or len(finite_numbers) < 2:
            return ""
        scale = self.scales.get(fact.name) or (
            scale_of_values(finite_numbers) if fact.kind == "metric" else None
        )
        if scale is None:
            return ""
        cells = list("├" + "─" * (self.spread_width - 2) + "┤")
        for place in reversed(range(len(numbers))):
            if (number := numbers[place]) is not None:
                cells[1 + round(scale.share_of_value(number) * (self.spread_width - 3))] = (
                    CANDIDATE_LETTERS[place]
                )
        return "".join(cells)


def _value_column_width(facts: Sequence[ComparisonRow]) -> int:
    wide = (
        cell_len(fact_value_text(fact, value))
        for fact in facts
        if fact.kind not in ("word", "interval")
        for value in fact.values
    )
    return min(max(wide, default=6), _MAX_VALUE_WIDTH)


def _visible_range(count: int, room: int, cursor: int) -> range:
    start = min(max(cursor - room + 1, 0), max(count - room, 0))
    return range(start, min(start + room, count))


def _change_style(fact: ComparisonRow, value: Any, base: Any, styles: Styles) -> Style:
    if (
        fact.kind != "metric"
        or not (_is_finite_number(value) and _is_finite_number(base))
        or value == base
    ):
        return styles.muted
    better = (value > base) != (fact.name in _LOWER_IS_BETTER)
    return styles.complete if better else styles.failed


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
