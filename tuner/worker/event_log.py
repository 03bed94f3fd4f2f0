"""The worker's pen: every event is written, then folded, so that the worker sees what all see."""

from __future__ import annotations

from typing import TypeVar

from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session.fold import fold_events
from tuner.session.folder import Session
from tuner.session.log_follower import LogFollower
from tuner.session.writer import EventWriter

_SYNCED_EVENTS = (
    e.SessionStarted,
    e.SessionPaused,
    e.SessionFinished,
    e.SessionStopped,
    e.SessionFailed,
    e.WorkerStarted,
    e.SlotsChosen,
    e.KernelsChosen,
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


class SessionFolderMoved(TunerError):
    """Everything that was opened by its name leads elsewhere by now."""


class EventLog:
    """The event log and the view that follows from it. For the holder of the lock alone."""

    def __init__(self, session: Session) -> None:
        self._path = session.events_path
        self._writer = EventWriter(session.events_path)
        self.view = LogFollower.fully_read(session).view

    def record_event(self, event: RecordedEvent) -> RecordedEvent:
        """Append the event and fold it into the view; sync the ends of things to the disk."""
        written_event = self._writer.append_event(event)
        fold_events(self.view, [written_event])  # type: ignore[list-item]
        if isinstance(event, _SYNCED_EVENTS):
            self.sync_to_disk()
        return written_event

    def sync_to_disk(self) -> None:
        self._writer.sync_to_disk()

    def refuse_moved_folder(self) -> None:
        """Raise SessionFolderMoved where the log is no longer where the session was opened.

        Trainers would go on writing beside it.
        """
        if not self._writer.is_writing_to(self._path):
            raise SessionFolderMoved(
                "the session folder was moved or deleted while it was running; resume it from its "
                "new location"
            )

    def log_message(self, level: str, text: str) -> None:
        """Record a message for people."""
        self.record_event(e.Log(level=level, text=text))

    def close_log(self) -> None:
        self.sync_to_disk()
        self._writer.close_file()
