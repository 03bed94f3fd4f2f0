"""How much each parameter matters, as bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.results.verdict import METHOD, Verdict, sketch
from tuner.session.view import SessionView
from tuner.tui.charts.bars import share_bar
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, short_names, wrapped
from tuner.tui.render.styles import Run, Styles

_WIDE = 44
"""Cells from which on the intervals stand beside the bars."""
_INTERVAL = 10


def worker_verdict(view: SessionView) -> Verdict:
    """The importances as the worker logged them last; it logs no intervals."""
    complete = view.importance_trials
    return Verdict(shares=view.importance, complete=complete, doubt=sketch(complete))


def importance_lines(verdict: Verdict, width: int, styles: Styles) -> Lines:
    """A bar for each parameter, the most important first; grey where they are doubtful."""
    if not verdict.shares:
        return []
    ranked = sorted(verdict.shares.items(), key=lambda item: (-item[1], item[0]))
    short = short_names(list(verdict.shares), 12)
    name_width = max(len(short[name]) for name, _ in ranked) + 1
    beside = bool(verdict.intervals) and width >= _WIDE
    room = max(width - name_width - 6 - beside * _INTERVAL, 4)
    top = max(ranked[0][1], 1e-9)
    bar_style = styles.muted if verdict.doubt else styles.accent
    lines: Lines = []
    for name, value in ranked:
        runs: list[Run] = [
            (fit(short[name], name_width), styles.text),
            (fit(share_bar(value / top, room), room), bar_style),
            (f" {value:.2f}", styles.muted),
        ]
        if beside:
            runs.append((f"  {_interval(verdict.intervals[name])}", styles.muted))
        lines.append(runs)
    return lines


def verdict_lines(verdict: Verdict, width: int, styles: Styles) -> Lines:
    """The bars, what they rest on above them, and what to make of them below."""
    lines: Lines = [[(line, styles.muted)] for line in wrapped(basis_text(verdict), width)]
    lines += [[], *importance_lines(verdict, width, styles), []]
    for text in _remarks(verdict, beside=width >= _WIDE):
        lines += [[(line, styles.muted)] for line in wrapped(text, width)]
    return lines


def basis_text(verdict: Verdict) -> str:
    """60 trials: 25 complete, 30 pruned (taken at their best value), 5 collapsed (the worst)."""
    parts = [f"{verdict.complete} complete"]
    if verdict.pruned:
        parts.append(f"{verdict.pruned} pruned (taken at their {verdict.keep} value)")
    if verdict.collapsed:
        parts.append(f"{verdict.collapsed} collapsed (taken as worst)")
    if verdict.outside:
        parts.append(f"{verdict.outside} outside of the ranges left out")
    return f"{verdict.trials} trials: {', '.join(parts)}"


def _remarks(verdict: Verdict, *, beside: bool) -> list[str]:
    remarks = [verdict.doubt] if verdict.doubt else []
    short = short_names(list(verdict.shares), 12)
    if verdict.intervals and beside:
        remarks.append("at the right: bootstrap 90 %")
    elif verdict.intervals:
        shown = list(verdict.shares)[:2]
        told = (f"{short[name]} {_interval(verdict.intervals[name])}" for name in shown)
        remarks.append(f"bootstrap 90 %: {', '.join(told)}")
    if not verdict.doubt and (idle := verdict.near_zero()):
        names = ", ".join(short[name] for name in idle)
        remarks.append(f"{names}: near 0, could be fixed or tied")
    return remarks


def summary_text(verdict: Verdict) -> str:
    """One line: what decides most, and what could be fixed."""
    if not verdict.shares:
        return verdict.doubt
    short = short_names(list(verdict.shares), 12)
    name, share = next(iter(verdict.shares.items()))
    text = f"{short[name]} decides most: {share:.2f}"
    if verdict.doubt:
        return f"{text}; {verdict.doubt}"
    idle = [short[name] for name in verdict.near_zero()]
    return f"{text}; {', '.join(idle)} could be fixed" if idle else text


def importance_document(verdict: Verdict) -> Mapping[str, object]:
    """The verdict as a JSON-able object."""
    return {
        "method": METHOD,
        "importance": dict(verdict.shares),
        "intervals": {name: list(ends) for name, ends in verdict.intervals.items()},
        "level": 0.9,
        "trials": {
            "complete": verdict.complete,
            "pruned": verdict.pruned,
            "collapsed": verdict.collapsed,
            "outside": verdict.outside,
        },
        "doubt": verdict.doubt,
    }


def _interval(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:.2f}–{high:.2f}"
