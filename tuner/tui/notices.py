"""Calling the user back: a bell and a desktop notification when a search has ended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.scores import validation_majority
from tuner.session.status import ALIVE
from tuner.session.view import SessionState
from tuner.tui.feed import Feed

ENDS = {
    SessionState.FINISHED: "finished",
    SessionState.FAILED: "failed",
    SessionState.CRASHED: "crashed",
}


@dataclass(frozen=True)
class Notice:
    """One sentence about a search that ended."""

    text: str
    failed: bool


class Ends:
    """Notes which searches were alive at the last look, and so which have ended since."""

    def __init__(self) -> None:
        self._alive: set[str] = set()

    def since(self, feeds: Iterable[Feed]) -> list[Notice]:
        """A notice for each search that ended by itself since the last look."""
        told: list[Notice] = []
        for feed in feeds:
            name = feed.session.name
            if feed.state in ALIVE:
                self._alive.add(name)
            elif name in self._alive:
                self._alive.discard(name)
                told += [_notice(feed)] if feed.state in ENDS else []
        return told


def _notice(feed: Feed) -> Notice:
    best, view = feed.view.best_trial(), feed.view
    text = f"{feed.session.name} {ENDS[feed.state]}"
    if best is not None and best.value is not None:
        text += f", best trial {best.number} with {view.metric} {fmt.score(best.value)}"
        if (floor := validation_majority(view)) is not None:
            text += f" (majority {fmt.score(floor.value)})"
    elif feed.state is SessionState.FAILED and view.reason:
        text += f": {view.reason}"
    return Notice(plain(text), failed=feed.state is not SessionState.FINISHED)


def sequences(text: str, ways: Iterable[str], environment: Mapping[str, str] = os.environ) -> str:
    """What to write to the terminal, so that it calls: control sequences OSC 9 and OSC 777.

    Inside tmux they are wrapped, so that it passes them on where `allow-passthrough` is on.
    """
    body = plain(text).replace(";", ",")
    out = ""
    for way in ways:
        if way == "bell":
            out += "\a"
            continue
        code = f"\x1b]9;{body}\a" if way == "osc9" else f"\x1b]777;notify;tuner;{body}\a"
        out += _through_tmux(code) if environment.get("TMUX") else code
    return out


def _through_tmux(code: str) -> str:
    return "\x1bPtmux;" + code.replace("\x1b", "\x1b\x1b") + "\x1b\\"
