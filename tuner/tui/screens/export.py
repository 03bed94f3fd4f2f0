"""Writing the best parameters, or trials, to a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual import work
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
from tuner.tui.messages import ExportEnded, PreviewRead
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import wrapped
from tuner.tui.widgets.bars import Choice
from tuner.tui.widgets.lines import Pane, styles_of

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp

FORMATS = ("json", "toml", "csv")
SECONDS = 120
MOST_LINES = 2000


@dataclass(frozen=True)
class Wanted:
    """Which trials: for the command line, for the screen, and for the file's name."""

    argument: str
    title: str
    stem: str


def choices_of(feed: Feed, marks: Sequence[int], trial: int | None) -> list[Wanted]:
    """The best trial, the one that is looked at, the marked ones, all."""
    view = feed.view
    found: list[Wanted] = []
    if (best := view.best_trial()) is not None:
        title = f"best trial #{best.number} {fmt.score(best.value)}"
        found.append(Wanted("best", title, "best"))
    if trial is not None and trial != view.best:
        found.append(Wanted(str(trial), f"trial #{trial}", f"trial-{trial}"))
    if marks:
        numbers = ",".join(map(str, marks))
        found.append(Wanted(numbers, f"marked ({len(marks)})", "marked"))
    return [*found, Wanted("all", "all trials", "trials")]


class Preview(Pane):
    """The file as it would be written."""

    def __init__(self) -> None:
        self.text, self._failed = "", False
        super().__init__("Preview", id="export-preview")
        self.can_focus = False

    def show(self, text: str, *, failed: bool = False) -> None:
        """Another text, from its beginning; the reason where there is none."""
        self.text, self._failed = text, failed
        self.redraw()
        self.scroll_home(animate=False)

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Its first lines; whoever wants more writes it."""
        styles = styles_of(self)
        if self._failed:
            return [[(line, styles.failed)] for line in wrapped(self.text, width)]
        return [[(plain(line), styles.text)] for line in self.text.splitlines()[:MOST_LINES]]


class ExportScreen(ModalScreen[None]):
    """What, as what, where to; enter."""

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding("escape", "close", "Cancel", id="export.close", tooltip="Write nothing"),
        Binding("enter", "write", "Write", id="export.write", tooltip="Write the file"),
        Binding("y", "copy", "Copy", id="export.copy", tooltip="Copy the text instead"),
        Binding("up,k", "what(-1)", "Which", id="export.what_before", tooltip="Trials before"),
        Binding("down,j", "what(1)", "Which", id="export.what_after", tooltip="Other trials"),
        Binding("left,h", "format(-1)", "As", id="export.format_before", tooltip="Format before"),
        Binding("right,l", "format(1)", "As", id="export.format_after", tooltip="Next format"),
        Binding("pageup", "page(-1)", "Page", id="export.page_up", tooltip="Preview: page up"),
        Binding("pagedown", "page(1)", "Page", id="export.page_down", tooltip="Preview: page down"),
        Binding("tab", "name", "File", id="export.name", tooltip="Into the file's name, and back"),
    ]

    def __init__(self, feed: Feed, marks: Sequence[int] = (), trial: int | None = None) -> None:
        super().__init__()
        self._session = feed.session
        self._choices = choices_of(feed, marks, trial)

    def compose(self) -> ComposeResult:
        """The two choices, the file, what it will hold, the keys."""
        with Container(id="export"):
            yield Choice([wanted.title for wanted in self._choices], hint="↑↓ ", id="export-what")
            yield Choice([name.upper() for name in FORMATS], hint="←→ ", id="export-as")
            yield Input(id="export-file", compact=True)
            yield Preview()
            keys = " enter Write   y Copy   tab file   pgup pgdn read   esc Cancel"
            yield Static(Content(keys), id="export-keys")

    def on_mount(self) -> None:
        """Keys choose; the name is changed after tab."""
        self.query_one("#export").border_title = Content("Export")
        self._chosen()

    @property
    def wanted(self) -> Wanted:
        """Which trials."""
        return self._choices[self.query_one("#export-what", Choice).chosen]

    @property
    def format(self) -> str:
        """As what."""
        return FORMATS[self.query_one("#export-as", Choice).chosen]

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """A click."""
        event.choice.choose(event.index)
        self._chosen()

    def action_what(self, step: int) -> None:
        """Other trials."""
        self._step("#export-what", step)

    def action_format(self, step: int) -> None:
        """Another format."""
        self._step("#export-as", step)

    def _step(self, name: str, step: int) -> None:
        choice = self.query_one(name, Choice)
        choice.choose((choice.chosen + step) % len(choice.names))
        self._chosen()

    def _chosen(self) -> None:
        stem = f"{self._session.name}.{self.wanted.stem}.{self.format}"
        self.query_one(Input).value = stem
        self.query_one(Preview).show("…")
        self._read(self.wanted.argument, self.format)

    @work(thread=True, exclusive=True, group="preview")
    def _read(self, trials: str, name: str) -> None:
        done = run_export(export_command(self._session, trials, name, "-"), self._session)
        self.post_message(PreviewRead(trials, name, done.told, failed=not done.written))

    def on_preview_read(self, event: PreviewRead) -> None:
        """Shown where nothing else was chosen meanwhile."""
        if (event.trials, event.format) == (self.wanted.argument, self.format):
            self.query_one(Preview).show(event.text, failed=event.failed)

    def action_name(self) -> None:
        """Into the line with the file's name, and out of it."""
        line = self.query_one(Input)
        self.set_focus(None if line.has_focus else line)

    def action_page(self, direction: int) -> None:
        """Read on in the preview."""
        preview = self.query_one(Preview)
        preview.scroll_relative(y=direction * preview.size.height, animate=False)

    def action_copy(self) -> None:
        """The text as it would be written."""
        self.app.copy_to_clipboard(self.query_one(Preview).text)
        cast("TunerApp", self.app).tell("the export was copied")

    def on_input_submitted(self) -> None:
        """Enter in the line with the name."""
        self.action_write()

    def action_write(self) -> None:
        """Written by the command line, in a process of its own."""
        target = self.query_one(Input).value
        command = export_command(self._session, self.wanted.argument, self.format, target)
        cast("TunerApp", self.app).export(command, self._session)
        self.dismiss(None)

    def action_close(self) -> None:
        """Nothing is written."""
        self.dismiss(None)


def export_command(session: Session, trials: str, name: str, target: str) -> list[str]:
    """The command line that writes it."""
    command = [sys.executable, "-m", "tuner", "export", session.name]
    return [*command, "--trials", trials, "--format", name, f"--output={target}"]


def run_export(command: Sequence[str], session: Session) -> ExportEnded:
    """Run the command: what it printed, or how it went."""
    environment = {**os.environ, "TUNER_SESSIONS": str(session.path.parent)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return ExportEnded(f"not exported: {error}", written=False)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        return ExportEnded(plain(lines[-1]) if lines else "not exported", written=False)
    return ExportEnded(done.stdout or (plain(lines[-1]) if lines else ""), written=True)
