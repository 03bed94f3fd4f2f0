"""Facts that screens and the app tell each other."""

from __future__ import annotations

from typing import Literal

from textual.message import Message
from textual.screen import Screen

from tuner.session.folder import Session


class WorkerLaunched(Message):
    """A worker has taken over the session."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class StartRequested(Message):
    """The setup screen `screen` has started its session: its live view comes next."""

    def __init__(self, session: Session, screen: Screen[None]) -> None:
        super().__init__()
        self.session = session
        self.screen = screen


class LaunchFailed(Message):
    """No worker could be started; `reason` is one line for the user."""

    def __init__(self, session: Session, reason: str) -> None:
        super().__init__()
        self.session = session
        self.reason = reason


class ExportEnded(Message):
    """An export was written, or not; `report` is one line for the user."""

    def __init__(self, report: str, *, written: bool) -> None:
        super().__init__()
        self.report = report
        self.written = written


class ZoomRequested(Message):
    """The user wants to continue the search in these ranges, by flat name."""

    def __init__(self, ranges: dict[str, tuple[float, float]]) -> None:
        super().__init__()
        self.ranges = ranges


class TrialChosen(Message):
    """A trial was picked outside of the table: go to it there, only select it, or open it."""

    def __init__(self, trial: int, then: Literal["go", "stay", "open"] = "go") -> None:
        super().__init__()
        self.trial = trial
        self.then = then


class RowsRequested(Message):
    """The user wants to see the rows of one cell of a confusion matrix.

    They have the label number `gold` and the prediction `predicted`, at the evaluation number
    `evaluation` of a trial.
    """

    def __init__(self, trial: int, evaluation: int, gold: int, predicted: int) -> None:
        super().__init__()
        self.trial = trial
        self.evaluation = evaluation
        self.cell = (gold, predicted)


class PreviewRead(Message):
    """The text of an export, or why there is none."""

    def __init__(self, trials: str, format: str, text: str, *, failed: bool) -> None:
        super().__init__()
        self.trials = trials
        self.format = format
        self.text = text
        self.failed = failed
