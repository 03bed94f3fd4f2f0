"""The sign of each state, for terminals with Unicode and for those without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GLYPHS: Final[Mapping[str, str]] = {
    "draft": "○",
    "starting": "◔",
    "running": "●",
    "pausing": "◑",
    "paused": "◐",
    "finished": "✓",
    "stopped": "■",
    "failed": "✗",
    "crashed": "⚠",
    "stalled": "⚠",
    "waiting": "○",
    "complete": "✓",
    "pruned": "✂",
    "collapsed": "⊘",
    "best": "★",
    "marked": "◆",
}
ASCII_GLYPHS: Final[Mapping[str, str]] = {
    "draft": "o",
    "starting": ".",
    "running": ">",
    "pausing": ":",
    "paused": "=",
    "finished": "+",
    "stopped": "#",
    "failed": "x",
    "crashed": "!",
    "stalled": "!",
    "waiting": "o",
    "complete": "+",
    "pruned": "%",
    "collapsed": "0",
    "best": "*",
    "marked": "@",
}
