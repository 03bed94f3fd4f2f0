"""How much each parameter matters, as bars."""

from __future__ import annotations

from tuner.session.view import SessionView
from tuner.tui.charts.bars import share_bar
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, short_names
from tuner.tui.render.styles import Styles

FEW = 20
"""Below this many trials the numbers are a sketch."""


def importance_lines(view: SessionView, width: int, styles: Styles) -> Lines:
    """One bar for each parameter, the most important first; [] before the worker computed it."""
    if not view.importance:
        return []
    ranked = sorted(view.importance.items(), key=lambda item: (-item[1], item[0]))
    short = short_names(list(view.importance), 12)
    name_width = max(len(short[name]) for name, _ in ranked) + 1
    room = max(width - name_width - 6, 4)
    top = max(ranked[0][1], 1e-9)
    lines: Lines = []
    for name, value in ranked:
        bar = fit(share_bar(value / top, room), room)
        lines.append(
            [
                (fit(short[name], name_width), styles.text),
                (bar, styles.accent),
                (f" {value:.2f}", styles.muted),
            ]
        )
    trials = view.importance_trials
    if trials and trials < FEW:
        lines += [[], [(f"a sketch: from {trials} trials only", styles.muted)]]
    return lines
