"""The nearest valid spelling of what was typed, for the end of an error."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.recipe.nearest import nearest_spelling

_MIN_SIMILARITY = 0.7
_SYNONYMS = {
    **dict.fromkeys(("train", "fit", "tune", "search", "go", "begin"), "run"),
    **dict.fromkeys(("create", "init", "make", "add"), "new"),
    **dict.fromkeys(("ls", "sessions", "all"), "list"),
    **dict.fromkeys(("ps", "info", "state", "progress"), "status"),
    **dict.fromkeys(("view", "ui", "tui", "attach", "watch", "follow"), "open"),
    **dict.fromkeys(("edit", "config", "change"), "set"),
    **dict.fromkeys(("end", "kill", "abort", "cancel", "quit"), "stop"),
    **dict.fromkeys(("continue", "restart"), "resume"),
    **dict.fromkeys(("eval", "evaluate", "score"), "test"),
    **dict.fromkeys(("diff",), "compare"),
    **dict.fromkeys(("best", "trial"), "show"),
    **dict.fromkeys(("validate", "lint", "dry-run"), "check"),
    **dict.fromkeys(("save", "dump"), "export"),
    **dict.fromkeys(("log", "logs", "play"), "replay"),
}
"""Names of commands in other programs, some of which only look like another command of this one."""
_NOT_COMMANDS = {
    **dict.fromkeys(("remove", "delete", "rm"), "delete its folder, or ctrl+d in the UI"),
    **dict.fromkeys(("reset", "clean", "rename", "mv", "move", "clone", "copy", "cp"), ""),
    **dict.fromkeys(("exit", "import", "help"), ""),
    "version": "write tuner --version",
}


def spelling_hint(word: str, choices: Iterable[str]) -> str:
    """Return `; did you mean X?`, or ""."""
    match = nearest_spelling(word, choices)
    return f"; did you mean {match}?" if match else ""


def command_spelling_hint(word: str, commands: Iterable[str]) -> str:
    """Return `; did you mean X?` for a command close in meaning or spelling, or ""."""
    if word in _NOT_COMMANDS:
        return f"; {_NOT_COMMANDS[word]}" if _NOT_COMMANDS[word] else ""
    match = nearest_spelling(word, commands, _SYNONYMS, _MIN_SIMILARITY)
    return f"; did you mean {match}?" if match else ""
