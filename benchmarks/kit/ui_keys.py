"""The keys that are pressed in the screens, in an order in which each of them paints something."""

from __future__ import annotations

from collections.abc import Iterator

from kit.terminal import Repaint, Terminal

ESC, ENTER, PAGE_DOWN, RIGHT, BACKSPACE = "\x1b", "\r", "\x1b[6~", "\x1b[C", "\x7f"
FILTER = "acc>0.7 state:p"

Key = tuple[str, str]
"""What it does, and what is sent."""

SCENES: dict[str, tuple[Key, ...]] = {
    "Live": (
        *(("row below, above", key) for key in "jjjkk"),
        ("last row", "G"),
        ("first row", "g"),
        ("a page down", PAGE_DOWN),
        *(("sort by the next column", key) for key in "oo"),
        ("sort backwards", "R"),
        *(("mark", key) for key in " j "),
        *(("another pane", key) for key in "2"),
        *(("curves: loss, log, axis", key) for key in "tlb"),
        ("another pane", "3"),
        *(("events: up and down", key) for key in "jjGg"),
        *(("another pane", key) for key in "4521"),
        *(("zoom", key) for key in "zz"),
    ),
    "Filter": (
        ("open", "/"),
        *(("type", key) for key in FILTER),
        *(("delete a letter", BACKSPACE) for _ in range(2)),
        ("keep", ENTER),
        ("take off", ESC),
    ),
    "Trial": (
        ("open", ENTER),
        *(("next trial", key) for key in "jj"),
        *(("another tab", "]") for _ in range(6)),
        ("close", ESC),
    ),
    "Analysis": (
        ("open", "]"),
        ("another pane", "1"),
        *(("history: order", "t") for _ in range(3)),
        *(("history: line, pruned", key) for key in "bbuu"),
        *(("timeline and back", "v") for _ in range(2)),
        *(("another pane", key) for key in "23"),
        *(("parallel: another axis", RIGHT) for _ in range(3)),
        *(("parallel: brush", key) for key in "kkJJ"),
        ("parallel: keep, invert", ENTER),
        ("parallel: keep, invert", "i"),
        ("parallel: other axes", "a"),
        ("take brushes off", ESC),
        ("another pane", "4"),
        *(("slice: another setting", RIGHT) for _ in range(3)),
        *(("slice: log", "l") for _ in range(2)),
        *(("heat map and back", "v") for _ in range(2)),
    ),
    "Compare": (
        ("open", "]"),
        *(("another column", RIGHT) for _ in range(2)),
        *(("only what differs", "=") for _ in range(2)),
        *(("another pane", key) for key in "231"),
    ),
    "Config": (("open", "]"), *(("line down", key) for key in "jj")),
    "Log": (("open", "]"), *(("up and down", key) for key in "jjGg")),
    "All": (("back to Live", "]"), ("help", "?"), ("close help", ESC)),
}


def press_all_keys(terminal: Terminal) -> Iterator[tuple[str, str, Repaint]]:
    """Press them all: scene, what the key does, what it took. RuntimeError names a dead key."""
    for scene, keys in SCENES.items():
        for what, key in keys:
            try:
                yield scene, what, terminal.press_key(key)
            except RuntimeError as error:
                raise RuntimeError(f"{scene}, {what}: {error}") from error
