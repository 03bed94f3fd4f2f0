"""How much each parameter matters, as bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.render.charts.inline_bars import draw_share_bar
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, short_setting_names, wrap_at_spaces
from tuner.results.format import format_importance
from tuner.results.verdict import METHOD, Verdict, describe_rough_guide
from tuner.session.view import SessionView

_WIDE = 44
"""Cells from which on the intervals stand beside the bars."""
_INTERVAL = 10


def worker_verdict(view: SessionView) -> Verdict:
    """Return the importances as the worker logged them last; it logs no intervals."""
    complete = view.importance_trials
    return Verdict(shares=view.importance, complete=complete, doubt=describe_rough_guide(complete))


def importance_lines(verdict: Verdict, width: int, styles: Styles) -> Lines:
    """Draw a bar for each parameter, the most important first; grey where they are doubtful."""
    if not verdict.shares:
        return []
    ranked = sorted(verdict.shares.items(), key=lambda item: (-item[1], item[0]))
    short = short_setting_names(list(verdict.shares), 12)
    name_width = max(len(short[name]) for name, _ in ranked) + 1
    beside = bool(verdict.intervals) and width >= _WIDE
    room = max(width - name_width - 6 - beside * _INTERVAL, 4)
    top = max(ranked[0][1], 1e-9)
    bar_style = styles.muted if verdict.doubt else styles.accent
    lines: Lines = []
    for name, value in ranked:
        runs: list[TextRun] = [
            (fit_text(short[name], name_width), styles.text),
            (fit_text(draw_share_bar(value / top, room), room), bar_style),
            (f" {format_importance(value)}", styles.muted),
        ]
        if beside:
            runs.append((f"  {_interval_text(verdict.intervals[name])}", styles.muted))
        lines.append(runs)
    return lines


def importance_report_lines(verdict: Verdict, width: int, styles: Styles) -> Lines:
    """Draw the bars, what they rest on above them, and what to make of them below."""
    lines: Lines = [
        [(line, styles.muted)] for line in wrap_at_spaces(importance_basis_text(verdict), width)
    ]
    lines += [[], *importance_lines(verdict, width, styles), []]
    for text in _importance_remarks(verdict, beside=width >= _WIDE):
        lines += [[(line, styles.muted)] for line in wrap_at_spaces(text, width)]
    return lines


def importance_basis_text(verdict: Verdict) -> str:
    """Return `60 trials: 25 complete, 30 pruned (taken at their best value), 5 collapsed (…)`."""
    parts = [f"{verdict.complete} complete"]
    if verdict.pruned:
        parts.append(f"{verdict.pruned} pruned (taken at their {verdict.keep} value)")
    if verdict.collapsed:
        parts.append(f"{verdict.collapsed} collapsed (taken as worst)")
    if verdict.outside:
        parts.append(f"{verdict.outside} outside of the ranges left out")
    return f"{verdict.trial_count} trials: {', '.join(parts)}"


def _importance_remarks(verdict: Verdict, *, beside: bool) -> list[str]:
    remarks = [verdict.doubt] if verdict.doubt else []
    short = short_setting_names(list(verdict.shares), 12)
    if verdict.intervals and beside:
        remarks.append("right: 90 % bootstrap intervals")
    elif verdict.intervals:
        top_names = list(verdict.shares)[:2]
        interval_texts = (
            f"{short[name]} {_interval_text(verdict.intervals[name])}" for name in top_names
        )
        remarks.append(f"90 % bootstrap intervals: {', '.join(interval_texts)}")
    if not verdict.doubt and (idle := verdict.negligible_settings()):
        names = ", ".join(short[name] for name in idle)
        remarks.append(f"{names}: near 0, could be fixed or tied")
    return remarks


def importance_summary_text(verdict: Verdict) -> str:
    """Say in one line what decides most, and what could be fixed."""
    if not verdict.shares:
        return verdict.doubt
    short = short_setting_names(list(verdict.shares), 12)
    name, share = next(iter(verdict.shares.items()))
    text = f"{short[name]} decides most: {format_importance(share)}"
    if verdict.doubt:
        return f"{text}; {verdict.doubt}"
    idle = [short[name] for name in verdict.negligible_settings()]
    return f"{text}; {', '.join(idle)} could be fixed" if idle else text


def importance_document(verdict: Verdict) -> Mapping[str, object]:
    """Return the verdict as a JSON-able object."""
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


def _interval_text(ends: tuple[float, float]) -> str:
    return "…".join(map(format_importance, ends))
