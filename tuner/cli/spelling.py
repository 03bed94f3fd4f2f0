"""The nearest valid spelling of what was typed, for the end of an error."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.recipe.nearest import nearest

_LEAST_ALIKE = 0.7
_MEANT = {
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
_NONE_HERE = {
    **dict.fromkeys(("remove", "delete", "rm"), "delete its folder, or ctrl+d in the UI"),
    **dict.fromkeys(("reset", "clean", "rename", "mv", "move", "clone", "copy", "cp"), ""),
    "exit": "",
    "import": "",
    "help": "tuner --help",
    "version": "tuner --version",
}


def hint(word: str, choices: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing."""
    match = nearest(word, choices)
    return f"; did you mean {match}?" if match else ""


def command_hint(word: str, commands: Iterable[str]) -> str:
    """`; did you mean X?` for a command: one that is only spelt like it is none to be run."""
    if word in _NONE_HERE:
        return f"; {_NONE_HERE[word]}" if _NONE_HERE[word] else ""
    match = nearest(word, commands, _MEANT, _LEAST_ALIKE)
    return f"; did you mean {match}?" if match else ""
