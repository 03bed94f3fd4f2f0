"""Calling the user back: a bell and a desktop notification when a search has ended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session.scores import majority_of_validation
from tuner.session.view import ALIVE_STATES, SessionState
from tuner.tui.state.session_reader import SessionReader

END_WORDS = {
    SessionState.FINISHED: "finished",
    SessionState.FAILED: "failed",
    SessionState.CRASHED: "crashed",
}


@dataclass(frozen=True)
class Notice:
    """One sentence about a search that ended."""

    text: str
    failed: bool


class FinishDetector:
    """Remembers which searches were alive, and so detects which have finished since."""

    def __init__(self) -> None:
        self._alive: set[str] = set()

    def newly_finished(self, readers: Iterable[SessionReader]) -> list[Notice]:
        """Return a notice for each search that ended by itself since the last call."""
        notices: list[Notice] = []
        for reader in readers:
            name = reader.session.name
            if reader.state in ALIVE_STATES:
                self._alive.add(name)
            elif name in self._alive:
                self._alive.discard(name)
                notices += [_finish_notice(reader)] if reader.state in END_WORDS else []
        return notices


class ProblemDetector:
    """Remembers which sessions could not be read, and so detects new problems."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def new_problems(self, readers: Iterable[SessionReader]) -> list[Notice]:
        """Return a notice for each session that has become unreadable since the last call."""
        problems = {reader.session.name: reader.problem for reader in readers if reader.problem}
        previous_problems, self._problems = self._problems, problems
        return [
            Notice(sanitize_text(problem), failed=True)
            for name, problem in problems.items()
            if previous_problems.get(name) != problem
        ]


def _finish_notice(reader: SessionReader) -> Notice:
    best, view = reader.view.find_best_trial(), reader.view
    text = f"{reader.session.name} {END_WORDS[reader.state]}"
    if best is not None and best.value is not None:
        text += f", best trial {best.number} with {view.metric} {fmt.format_score(best.value)}"
        if (floor := majority_of_validation(view)) is not None:
            text += f" (majority {fmt.format_score(floor.value)})"
    elif reader.state is SessionState.FAILED and view.reason:
        text += f": {view.reason}"
    return Notice(sanitize_text(text), failed=reader.state is not SessionState.FINISHED)


def notification_codes(
    text: str, ways: Iterable[str], environment: Mapping[str, str] = os.environ
) -> str:
    """Return the control sequences that make the terminal notify: OSC 9 and OSC 777, or a bell.

    Inside tmux they are wrapped; it passes them on if `allow-passthrough` is on.
    """
    body = sanitize_text(text).replace(";", ",")
    codes = ""
    for way in ways:
        if way == "bell":
            codes += "\a"
            continue
        code = f"\x1b]9;{body}\a" if way == "osc9" else f"\x1b]777;notify;tuner;{body}\a"
        codes += _wrap_for_tmux(code) if environment.get("TMUX") else code
    return codes


def _wrap_for_tmux(code: str) -> str:
    return "\x1bPtmux;" + code.replace("\x1b", "\x1b\x1b") + "\x1b\\"
