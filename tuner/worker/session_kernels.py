"""One choice of kernels a session: who starts first makes it, the log keeps it."""

from __future__ import annotations

from tuner.pool import protocol as p
from tuner.recipe.kernels import KernelsChoice, KernelsRule
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.suggested_command import command_line
from tuner.session.view import SessionView
from tuner.worker.event_log import EventLog
from tuner.worker.message_events import event_from


def kernels_for_trainer(view: SessionView) -> tuple[KernelsChoice | None, KernelsRule]:
    """Return the kernels that bind a trainer of this session, and how.

    Trials of earlier versions, which wrote down no choice, go on with what torch does by itself.
    """
    if view.kernels is None and view.trials:
        return None, "plain"
    return view.kernels, "keep"


class SessionKernels:
    """Gives each trainer the session's kernels and records what the first one chose.

    With `rechoose` the first trainer chooses anew, whatever the log says.
    """

    def __init__(self, session: Session, event_log: EventLog, *, rechoose: bool) -> None:
        self._session = session
        self._event_log = event_log
        self._rechoose = rechoose
        self._is_settled = False
        if rechoose:
            for path in session.cache_folder.glob("kernels-*.json"):
                path.unlink(missing_ok=True)

    def for_next_trainer(self) -> tuple[KernelsChoice | None, KernelsRule]:
        """Return what the setup of the next trainer says about kernels."""
        if self._rechoose and not self._is_settled:
            return None, "keep"
        return kernels_for_trainer(self._event_log.view)

    def accept_trainer(self, ready: p.Ready) -> bool:
        """Record a choice that is not in the log yet; False if this trainer has other kernels."""
        choice, recorded = ready.kernels, self._event_log.view.kernels
        if choice is None:
            return True
        if self._is_settled:
            return recorded is not None and choice.kernels == recorded.kernels
        self._is_settled = True
        if choice != recorded:
            self._event_log.record_event(event_from(e.KernelsChosen, choice))
        return True

    def advise_to_rechoose(self, problem: str) -> str:
        """Add to the reason for a refusal what can be done about it."""
        command = command_line("resume", self._session)
        return f"{problem}; `{command} --rechoose` goes on with the kernels of this machine"
