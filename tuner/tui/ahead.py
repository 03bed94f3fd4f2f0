"""Imports ahead of time: a key that opens something for the first time need not wait for them."""

from __future__ import annotations

from importlib import import_module

LATER = (
    "tuner.tui.screens.study",
    "tuner.tui.screens.trial",
    "tuner.tui.screens.help",
    "tuner.tui.views.analysis",
    "tuner.tui.views.compare",
    "tuner.tui.views.config",
    "tuner.tui.views.log",
    "tuner.results.importance",
)
"""What most people come to, in that order."""


def import_all() -> None:
    """Import them; what is there already costs nothing."""
    for name in LATER:
        import_module(name)
