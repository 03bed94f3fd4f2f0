"""Writing the best parameters to a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.folder import Session
from tuner.tui.feed import Feed
from tuner.tui.messages import ExportEnded
from tuner.tui.widgets.bars import Choice

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp

FORMATS = ("json", "csv")
_ENDINGS = {
    "json": ".best.json",
    "csv": ".trials.csv",
}
_TOLD = {
    "json": "best parameters, groups, validation, versions",
    "csv": "every trial in a table",
}
SECONDS = 120


class ExportScreen(ModalScreen[None]):
    """A format, a file, enter."""

    BINDINGS = [
        Binding("escape", "close", "Cancel", id="export.close", tooltip="Write nothing"),
        Binding(
            "up", "format(-1)", "Format", show=False, id="export.previous", tooltip="Format before"
        ),
        Binding("down", "format(1)", "Format", show=False, id="export.next", tooltip="Next format"),
    ]

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    def compose(self) -> ComposeResult:
        """What, as what, where to."""
        best = self._feed.view.best_trial()
        value = "" if best is None else f"trial {best.number}, {fmt.score(best.value)}"
        metric = plain(self._feed.view.metric)
        with Container(id="export"):
            yield Static(Content(f" best   {value} {metric}"), id="export-what")
            yield Choice(FORMATS, id="export-as")
            yield Static("", id="export-told", markup=False)
            yield Input(file_name(self._feed.session, FORMATS[0]), id="export-file", compact=True)
            keys = " enter Write   ↑ ↓ Format   esc Cancel"
            yield Static(Content(keys), id="export-keys")

    def on_mount(self) -> None:
        """The name can be changed at once."""
        self.query_one("#export").border_title = Content("Export")
        self.query_one(Input).focus()
        self._choose(0)

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """A format was clicked."""
        self._choose(event.index)

    def action_format(self, step: int) -> None:
        """Another format, another ending."""
        self._choose((self.query_one(Choice).chosen + step) % len(FORMATS))

    def _choose(self, index: int) -> None:
        self.query_one(Choice).choose(index)
        name = FORMATS[index]
        self.query_one("#export-told", Static).update(Content(f" {_TOLD[name]}"))
        self.query_one(Input).value = file_name(self._feed.session, name)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Written by the command line, in a process of its own."""
        name = FORMATS[self.query_one(Choice).chosen]
        target = Path(event.value).expanduser()
        cast("TunerApp", self.app).export(self._feed.session, name, target)
        self.dismiss(None)

    def action_close(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


def file_name(session: Session, name: str) -> str:
    """A file in the current folder that says what is in it."""
    return f"{session.name}{_ENDINGS[name]}"


def export_command(session: Session, name: str, target: Path) -> list[str]:
    """The command line that writes it."""
    command = [sys.executable, "-m", "tuner", "export", session.name]
    return [*command, "--format", name, "-o", str(target)]


def run_export(session: Session, name: str, target: Path) -> ExportEnded:
    """Run the command and say how it went."""
    environment = {**os.environ, "TUNER_SESSIONS": str(session.path.parent)}
    try:
        done = subprocess.run(
            export_command(session, name, target),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return ExportEnded(f"not exported: {error}", written=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return ExportEnded(plain(lines[-1]) if lines else "not exported", written=False)
    return ExportEnded(f"written to {target}", written=True)
