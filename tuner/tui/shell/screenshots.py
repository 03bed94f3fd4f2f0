"""Pictures of what is on the screen, as SVG and as text."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from textual.app import App

from tuner.render.renderable_lines import Lines
from tuner.render.styles import lines_to_strings, runs_to_text


def visible_screen_text(app: App[Any]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def save_screenshot(app: App[Any], folder: Path, name: str) -> list[Path]:
    """Write the whole screen to NAME-TIME.svg and .txt; return their paths. Raises OSError."""
    svg = app.export_screenshot(title=name, simplify=True)
    return _write_picture_files(folder, name, svg, visible_screen_text(app))


def save_lines_picture(lines: Lines, width: int, folder: Path, name: str) -> list[Path]:
    """Write one chart or table, `width` cells wide, as `save_screenshot` does. Raises OSError."""
    text = "\n".join(line.rstrip() for line in lines_to_strings(lines)) + "\n"
    return _write_picture_files(
        folder, name, _lines_as_svg([runs_to_text(runs) for runs in lines], width, name), text
    )


def _lines_as_svg(lines: Sequence[Text], width: int, title: str) -> str:
    console = Console(
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    return console.export_svg(title=title)


def _write_picture_files(folder: Path, name: str, svg: str, text: str) -> list[Path]:
    stem = _free_file_stem(folder, f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
    paths = [folder / f"{stem}.svg", folder / f"{stem}.txt"]
    for path, content in zip(paths, (svg, text), strict=True):
        path.write_text(content, encoding="utf-8")
    return paths


def _free_file_stem(folder: Path, stem: str) -> str:
    """Return the stem, numbered if taken: two pictures may be saved within a second."""
    number, free = 2, stem
    while (folder / f"{free}.svg").exists() or (folder / f"{free}.txt").exists():
        free, number = f"{stem}-{number}", number + 1
    return free
