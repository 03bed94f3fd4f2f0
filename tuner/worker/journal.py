"""The worker's pen: every event is written, then folded, so that the worker sees what all see."""

from __future__ import annotations

from typing import TypeVar

from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session.fold import fold
from tuner.session.folder import Session
from tuner.session.tail import EventTail
from tuner.session.view import SessionView
from tuner.session.writer import EventWriter

_ON_DISK_AT_ONCE = (
    e.SessionStarted,
    e.SessionPaused,
    e.SessionFinished,
    e.SessionStopped,
    e.SessionFailed,
    e.WorkerStarted,
    e.SlotsChosen,
    e.TrialPruned,
    e.TrialCollapsed,
    e.TrialCompleted,
    e.TrialFailed,
    e.BestChanged,
    e.TestSealed,
    e.TestReplaced,
    e.TestScored,
)

RecordedEvent = TypeVar("RecordedEvent", bound=e.Event)


class FolderMoved(TunerError):
    """Everything that was opened by its name leads elsewhere by now."""


class Journal:
    """The event log and the view that follows from it. For the holder of the lock alone."""

    def __init__(self, session: Session) -> None:
        self._path = session.events_path
        self._writer = EventWriter(session.events_path)
        self.view = SessionView(name=session.name)
        fold(self.view, EventTail(session.events_path).read_all())

    def record(self, event: RecordedEvent) -> RecordedEvent:
        """Append the event and take it into the view; the ends of things wait for the disk."""
        written = self._writer.append(event)
        fold(self.view, [written])  # type: ignore[list-item]
        if isinstance(event, _ON_DISK_AT_ONCE):
            self.sync()
        return written

    def sync(self) -> None:
        """Wait until everything recorded is on the disk."""
        self._writer.sync()

    def refuse_moved(self) -> None:
        """Raise FolderMoved where the log is no longer where the session was opened.

        Trainers would go on writing beside it.
        """
        if not self._writer.is_at(self._path):
            raise FolderMoved(
                "the session's folder was moved or deleted while it ran; from where it is now it "
                "goes on"
            )

    def log(self, level: str, text: str) -> None:
        """A line for people."""
        self.record(e.Log(level=level, text=text))

    def close(self) -> None:
        """Wait for the disk and give the file back."""
        self.sync()
        self._writer.close()
