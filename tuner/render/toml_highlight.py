"""Syntax highlighting of a recipe."""

from __future__ import annotations

import re

from rich.cells import cell_len

from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fold_at_words
from tuner.results.format import sanitize_text

_CODE_AND_COMMENT = re.compile(r"""((?:"(?:\\.|[^"\\])*"|'[^']*'|[^#])*?)(#.*)?""")
"""A "#" inside quotes begins no comment."""
_KEY_PATTERN = re.compile(r"(\s*)([^=#\s][^=#]*?)(\s*=\s*)(.*)")


def wrap_toml(text: str, width: int) -> str:
    """Fold what is wider than `width` cells; a comment that does not fit goes below its line."""
    lines = (sanitize_text(line.expandtabs(4)) for line in text.splitlines())
    return "\n".join(piece for line in lines for piece in _wrap_line(line, width))


def _wrap_line(line: str, width: int) -> list[str]:
    if cell_len(line) <= width:
        return [line]
    match = _CODE_AND_COMMENT.fullmatch(line)
    code, comment = match.groups() if match else (line, None)
    indent = "  " if code.strip() else ""
    pieces = [code.rstrip()] if cell_len(code.rstrip()) <= width else fold_at_words(code, width)
    words = fold_at_words(comment.lstrip("# "), width - len(indent) - 2) if comment else []
    return [piece for piece in pieces if piece] + [f"{indent}# {part}" for part in words]


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
