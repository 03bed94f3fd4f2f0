"""Syntax highlighting of a recipe."""

from __future__ import annotations

import re

from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.results.format import sanitize_text

_KEY_PATTERN = re.compile(r"(\s*)([^=#\s][^=#]*?)(\s*=\s*)(.*)")


def highlight_toml(text: str, styles: Styles) -> Lines:
    """Style a recipe line by line: comments dimmed, section headings and keys apart from values."""
    return [
        _highlight_line(sanitize_text(line.expandtabs(4)), styles) for line in text.splitlines()
    ]


def _highlight_line(line: str, styles: Styles) -> list[TextRun]:
    stripped = line.strip()
    if stripped.startswith("#"):
        return [(line, styles.muted)]
    if stripped.startswith("["):
        return [(line, styles.accent)]
    key_match = _KEY_PATTERN.fullmatch(line)
    if key_match is None:
        return [(line, styles.text)]
    indent, key, equals, value = key_match.groups()
    return [(indent + key, styles.text), (equals, styles.muted), (value, styles.heading)]
