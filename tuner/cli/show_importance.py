"""`tuner importance`: which searched settings decide, among all trials or the filtered ones."""

from __future__ import annotations

import argparse

from tuner.cli.output import print_json_result, print_note, print_result
from tuner.cli.session_lookup import named_session
from tuner.cli.session_tables import matching_trials
from tuner.render.importance_report import (
    importance_basis_text,
    importance_document,
    importance_lines,
)
from tuner.render.range_text import searched_settings
from tuner.render.renderable_lines import RenderableLines
from tuner.render.styles import TERMINAL_STYLES
from tuner.results.verdict import Verdict, judge_importance
from tuner.session.generations import make_point_test, recipe_with_present_groups
from tuner.session.status import load_current_session
from tuner.session.view import SessionView

WIDEST_BARS = 80
"""Cells from which on longer bars tell nothing more."""


def show_importance(options: argparse.Namespace) -> int:
    """Print a bar with an interval for each setting; reservations go to stderr."""
    view, _ = load_current_session(named_session(options))
    verdict = importance_verdict(view, options.filter)
    if options.json:
        print_json_result(importance_document(verdict))
        return 0
    if verdict.shares:
        print_result(
            RenderableLines(
                lambda width: importance_lines(verdict, min(width, WIDEST_BARS), TERMINAL_STYLES)
            )
        )
    print_note(importance_basis_text(verdict))
    if verdict.doubt:
        print_note(verdict.doubt)
    return 0


def importance_verdict(view: SessionView, expression: str = "") -> Verdict:
    """Compute the importances over the trials that match the filter."""
    return judge_importance(
        matching_trials(view, expression),
        searched_settings(view),
        is_point=make_point_test(view, recipe_with_present_groups(view)),
        keep="last" if view.keeps_last else "best",
        metric=view.metric,
        maximize=view.direction != "minimize",
    )
