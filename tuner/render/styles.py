"""The styles by their role: the sixteen ANSI colours on a plain terminal, else the theme's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from tuner.session.view import SessionState, TrialState

TextRun = tuple[str, Style]
"""A piece of one line and how it looks. The text is shown as it is, never read as markup."""


@dataclass(frozen=True)
class Styles:
    """Every style there is.

    `good` and `bad` shade a confusion matrix's diagonal and the rest, from nearly nothing to full.
    """

    text: Style
    muted: Style
    faint: Style
    heading: Style
    accent: Style
    running: Style
    paused: Style
    complete: Style
    pruned: Style
    collapsed: Style
    failed: Style
    best: Style
    good: tuple[Style, ...]
    bad: tuple[Style, ...]

    @property
    def quintile_styles(self) -> tuple[Style, ...]:
        """Styles for values from the worst fifth to the best one."""
        return (self.faint, self.muted, self.text, self.accent, self.complete)

    def trial_style(self, state: TrialState, *, best: bool = False) -> Style:
        return self.best if best else getattr(self, _TRIAL_ROLES[state])

    def session_style(self, state: SessionState) -> Style:
        return getattr(self, _SESSION_ROLES[state])  # type: ignore[no-any-return]


_TRIAL_ROLES = {
    TrialState.WAITING: "muted",
    TrialState.RUNNING: "running",
    TrialState.PAUSED: "paused",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.COLLAPSED: "collapsed",
    TrialState.FAILED: "failed",
}
_SESSION_ROLES = {
    SessionState.DRAFT: "muted",
    SessionState.STARTING: "running",
    SessionState.RUNNING: "running",
    SessionState.PAUSING: "paused",
    SessionState.PAUSED: "paused",
    SessionState.FINISHED: "complete",
    SessionState.STOPPED: "muted",
    SessionState.FAILED: "failed",
    SessionState.CRASHED: "failed",
}


def _parse_ansi_styles(*names: str) -> tuple[Style, ...]:
    return tuple(Style.parse(name) for name in names)


TERMINAL_STYLES = Styles(
    text=Style(),
    muted=Style(dim=True),
    faint=Style(dim=True),
    heading=Style(bold=True),
    accent=Style(color="cyan"),
    running=Style(color="cyan"),
    paused=Style(color="yellow"),
    complete=Style(color="green"),
    pruned=Style(color="magenta"),
    collapsed=Style(color="yellow"),
    failed=Style(color="red"),
    best=Style(color="green", bold=True),
    good=_parse_ansi_styles("dim", "none", "green", "bold green", "bold reverse green"),
    bad=_parse_ansi_styles("dim", "none", "yellow", "red", "bold reverse red"),
)


def runs_to_text(runs: Sequence[TextRun]) -> Text:
    """Return one line for Rich: never wrapped, cropped where it does not fit."""
    return Text.assemble(*runs, no_wrap=True, overflow="crop", end="")


def runs_to_segments(runs: Sequence[TextRun]) -> list[Segment]:
    return [Segment(text, style) for text, style in runs]


def lines_to_strings(lines: Sequence[Sequence[TextRun]]) -> list[str]:
    return ["".join(text for text, _ in runs) for runs in lines]
