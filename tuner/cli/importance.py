"""`tuner importance`: which searched settings decide, among all trials or the filtered ones."""

from __future__ import annotations

import argparse

from tuner.cli.output import note, show, show_json
from tuner.cli.places import named_session
from tuner.cli.viewing import passing
from tuner.results.verdict import Verdict, judge
from tuner.session.fold import keeps_last
from tuner.session.generations import point_test, present_recipe
from tuner.session.status import current
from tuner.session.view import SessionView
from tuner.tui.render.importance import basis_text, importance_document, importance_lines
from tuner.tui.render.lined import Lined
from tuner.tui.render.space import searched
from tuner.tui.render.styles import TERMINAL

WIDEST = 80
"""Cells from which on longer bars tell nothing more."""


def importance(options: argparse.Namespace) -> int:
    """A bar for each setting with its interval; what speaks against it goes to stderr."""
    view, _ = current(named_session(options))
    verdict = verdict_of(view, options.filter)
    if options.json:
        show_json(importance_document(verdict))
        return 0
    if verdict.shares:
        show(Lined(lambda width: importance_lines(verdict, min(width, WIDEST), TERMINAL)))
    note(basis_text(verdict))
    if verdict.doubt:
        note(verdict.doubt)
    return 0


def verdict_of(view: SessionView, expression: str = "") -> Verdict:
    """The importances among the trials that pass the filter."""
    return judge(
        passing(view, expression),
        searched(view),
        is_point=point_test(view, present_recipe(view)),
        keep="last" if keeps_last(view) else "best",
        metric=view.metric,
        maximize=view.direction != "minimize",
    )
