"""A recipe with its parts told apart."""

from __future__ import annotations

import re

from tuner.results.format import plain
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Run, Styles

_KEY = re.compile(r"(\s*)([^=#\s][^=#]*?)(\s*=\s*)(.*)")


def toml_lines(text: str, styles: Styles) -> Lines:
    """The text line by line: comments receded, section heads and keys apart from values."""
    return [_line(plain(line.expandtabs(4)), styles) for line in text.splitlines()]


def _line(line: str, styles: Styles) -> list[Run]:
    stripped = line.strip()
    if stripped.startswith("#"):
        return [(line, styles.muted)]
    if stripped.startswith("["):
        return [(line, styles.accent)]
    found = _KEY.fullmatch(line)
    if found is None:
        return [(line, styles.text)]
    indent, key, equals, value = found.groups()
    return [(indent + key, styles.text), (equals, styles.muted), (value, styles.heading)]
