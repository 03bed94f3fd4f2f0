"""A feed that plays a recorded log instead of following a live one."""

from __future__ import annotations

from tuner.session.folder import Session
from tuner.session.replay import Recording
from tuner.session.view import SessionState
from tuner.tui.state.session_reader import SessionReader

_STATES = {
    "": SessionState.DRAFT,
    "session_created": SessionState.DRAFT,
    "worker_started": SessionState.STARTING,
    "session_started": SessionState.RUNNING,
    "session_paused": SessionState.PAUSED,
    "session_finished": SessionState.FINISHED,
    "session_stopped": SessionState.STOPPED,
    "session_failed": SessionState.FAILED,
}


class ReplayReader(SessionReader):
    """A reader whose state is what the log says at the playhead; it looks at no lock."""

    def __init__(self, session: Session, recording: Recording) -> None:
        super().__init__(session, recording.playhead.current_moment, tail=recording)
        self.recording = recording

    def session_state(self) -> SessionState:
        return _STATES[self.view.lifecycle]

    def rewind_to_moment(self, moment: float) -> None:
        """Start over and play quickly up to a moment; the view is a new object afterwards."""
        self.recording.rewind_to_start()
        self.recording.playhead.jump_to_moment(moment)
        self.start_over()
