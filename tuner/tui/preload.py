"""Imports ahead of time: a key that opens something for the first time need not wait for them."""

from __future__ import annotations

from importlib import import_module

LATER = (
    "tuner.tui.screens.study_screen",
    "tuner.tui.screens.trial_screen",
    "tuner.tui.screens.help_screen",
    "tuner.tui.views.analysis_view",
    "tuner.tui.views.trial_comparison_view",
    "tuner.tui.views.config_view",
    "tuner.tui.views.log_view",
    "tuner.results.importance",
)
"""What most people come to, in that order."""


def import_screens_ahead() -> None:
    for name in LATER:
        import_module(name)
