"""Session folders that nobody in their right mind would write: other people's, torn, and traps."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cli import recorded_sessions
from tuner.session.folder import Session

ESCAPES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b5n\u202egnp.exe\u2066\x00\x7f\r\nnext [bold]line[/]"
)
"""What a terminal would obey, what would turn a line round, and what markup would be."""
HUGE = 10**30
LIMITS = (10**9, 1e39, -1e39, 2**60, 2**62, 253_370_764_800.0, 1.0, 5e-324, 0.0, 0)
NUMBERS: tuple[Any, ...] = (HUGE, -HUGE, 10**400, -1, 2**63, 2**64, 1e308, -1e308, *LIMITS)
TEXTS: tuple[Any, ...] = (
    ESCAPES,
    "",
    "x" * 5_000,
    "\ud800",
    "é" * 300,
    "=cmd|'/c calc'!A1",
    "../../x",
)
STRANGE: tuple[Any, ...] = (None, True, [], {}, [[]], {"": {}}, [ESCAPES], {ESCAPES: ESCAPES})
ANYTHING = (*NUMBERS, *TEXTS, *STRANGE)


def telling(root: Path, name: str = "done") -> tuple[Session, list[dict[str, Any]]]:
    """Make a sound finished session; return it and its events as plain values."""
    session = recorded_sessions.create_finished_session(root, name)
    lines = session.events_path.read_text().splitlines()
    return session, [json.loads(line) for line in lines]


def write_events(session: Session, events: list[Any]) -> None:
    """Replace the log by these."""
    lines = (json.dumps(event) for event in events)
    session.events_path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def spoilt(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield copies of the log, in each of which one field of every event is replaced."""
    depth = max(len(list(_leaves(event))) for event in events)
    for number in range(depth):
        for offset in range(len(ANYTHING)):
            yield [_spoil(event, number, ANYTHING[(offset + n) % len(ANYTHING)])
                   for n, event in enumerate(events)]  # fmt: skip


def _leaves(event: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in event.items():
        if key == "kind":
            continue
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, inner) for inner in value)


def _spoil(event: dict[str, Any], number: int, value: Any) -> dict[str, Any]:
    leaves = list(_leaves(event))
    if number >= len(leaves):
        return event
    copy: dict[str, Any] = json.loads(json.dumps(event))
    *outer, last = leaves[number]
    place = copy[outer[0]] if outer else copy
    place[last] = value
    return copy


def extremes(events: list[dict[str, Any]], dice: random.Random) -> list[dict[str, Any]]:
    """Set each field of the log to the largest, the smallest or the oddest value it may have.

    Numbers of trials, and how events belong together, stay as they are.
    """
    return [{key: _extreme(key, value, dice) for key, value in event.items()} for event in events]


def _extreme(key: str, value: Any, dice: random.Random) -> Any:
    if key in ("kind", "seq", "trial", "confusion", "schema", "metric", "direction"):
        return value
    if isinstance(value, dict):
        return {name: _extreme("", inner, dice) for name, inner in value.items()}
    if isinstance(value, list):
        return [_extreme("", inner, dice) for inner in value]
    if isinstance(value, bool):
        return dice.random() < 0.5
    if isinstance(value, float):
        return dice.choice(
            [value, 0.0, 1.0, 5e-324] if key == "share" else [value, 0.0, 1e39, 1e-39]
        )
    if isinstance(value, int):
        return dice.choice([value, 0, 1, 10**9])
    return (
        dice.choice([value, ESCAPES, "", "\u202e" * 50, "é" * 300])
        if isinstance(value, str)
        else value
    )


def set_traps(session: Session, outside: Path) -> None:
    """Links out of the folder in every place that is read or written, and pipes that never end."""
    outside.mkdir(exist_ok=True)
    for name in ("trials", "best", "cache"):
        path = session.path / name
        if not path.exists():
            path.symlink_to(outside)
    for name in ("best.json", "worker.log", "study.db"):
        (session.path / name).symlink_to(outside / f"precious-{name}")
    (session.path / "extra").symlink_to("/etc/passwd")
    os.mkfifo(session.path / "pipe")
