"""What can be done to a session, with the keys for it: the same on every screen that shows one."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from textual import events

from tuner.errors import TunerError
from tuner.session import commands
from tuner.session.continuation import reason_search_is_over
from tuner.session.folder import delete_session
from tuner.session.inbox import send_command
from tuner.session.lifecycle import is_allowed, reason_not_allowed
from tuner.session.view import SessionState, TrialState, TrialView
from tuner.tui.screens.tuner_screen import TunerScreen
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.key_bindings import key


class SessionScreen(TunerScreen):
    """A screen about one session at a time: `target_reader` says which."""

    BINDINGS = [
        key("s", "start", "session.start", "Start", "Start the search"),
        key("p", "pause", "session.pause", "Pause", "Pause now, with a checkpoint"),
        key("p", "resume", "session.resume", "Resume", "Resume where the session stopped"),
        key("P", "drain", "session.drain", "Drain", "Finish the running trials, then pause"),
        key("e", "edit", "session.edit", "Edit", "Change what is searched, and how"),
        key("E", "export", "session.export", "Export", "Write the best parameters to a file"),
        key("y", "copy", "session.copy", "Copy", "Copy the parameters", show=False),
        key("ctrl+k", "stop", "session.stop", "Stop", "End the search for good (asks)"),
        key("ctrl+d", "delete", "session.delete", "Delete", "Delete the folder (asks)", show=False),
    ]

    _shown_dependencies: object = None

    def session_state_changed(self) -> None:
        """React to a worker that is being started, or could not be."""

    def trials_changed(self, changed: Collection[int]) -> None:
        """React to trials that another screen has read from the log."""

    def target_reader(self) -> SessionReader | None:
        """Return the session that the keys are about, None where there is none."""
        raise NotImplementedError

    def leave_deleted_session(self, reader: SessionReader) -> None:
        """Leave what showed a session whose folder was deleted."""
        raise NotImplementedError

    def current_trial(self) -> TrialView | None:
        """Return the trial that is copied and exported: the best one, or a selected one."""
        reader = self.target_reader()
        return None if reader is None else reader.view.find_best_trial()

    def marked_trials(self) -> Sequence[int]:
        """Return the numbers of the marked trials, where any can be marked."""
        return ()

    def session_state(self) -> SessionState:
        """Return the state of the target: starting as soon as a start was asked for."""
        reader = self.target_reader()
        return SessionState.DRAFT if reader is None else self.tuner_app.displayed_state(reader)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow what makes sense in the target's state."""
        if action not in _SESSION_ACTIONS:
            return super().check_action(action, parameters)
        reader = self.target_reader()
        if reader is None:
            return False
        if action == "export":
            return bool(reader.view.trials)
        if action == "copy":
            return self.current_trial() is not None
        return self._is_allowed_now(action, reader)

    def on_key(self, event: events.Key) -> None:
        """Say why a key of the session does nothing in its state."""
        reader, state = self.target_reader(), self.session_state()
        if reader is None or event.key in self.active_bindings:
            return
        for binding in self._bindings.key_to_bindings.get(event.key, []):
            reason = reason_not_allowed(binding.action, reader.session.name, state)
            if reason:
                self.tuner_app.notify_user(reason)
                return

    def _is_allowed_now(self, action: str, reader: SessionReader) -> bool:
        """Not while a worker is only about to start: it takes what is asked after that."""
        return is_allowed(action, self.session_state()) and (
            action not in _ASKED_OF_WORKER or is_allowed(action, reader.state)
        )

    def action_start(self) -> None:
        if reader := self.target_reader():
            self.tuner_app.launch_worker(reader.session)

    def action_resume(self) -> None:
        """Start a worker that goes on; where it would end at once, say what to change first.

        A session that failed for want of its kernels goes on with others, if the user says so.
        """
        reader = self.target_reader()
        if reader is None:
            return
        try:
            reason = reason_search_is_over(reader.session, reader.view, self.session_state())
        except (TunerError, OSError) as error:
            reason = str(error)
        if reason:
            self.tuner_app.notify_user(reason, failed=True)
        elif reader.view.lacks_kernels:
            self.request_confirmation(
                "This machine lacks the session's kernels; go on with its own (other last bits)?",
                lambda: self.tuner_app.launch_worker(reader.session, rechoose=True),
            )
        else:
            self.action_start()

    def action_pause(self) -> None:
        """Ask the worker to pause; the log says when it has."""
        self._send_command(commands.Pause(id=""))

    def action_drain(self) -> None:
        """Ask the worker to finish the running trials and then pause."""
        self._send_command(commands.Drain(id=""))

    def action_stop(self) -> None:
        """Ask, then end the search."""
        if reader := self.target_reader():
            name = reader.session.name
            self.request_confirmation(
                f"Stop {name} for good?", lambda: self._send_command(commands.Stop(id=""), reader)
            )

    def confirm_and_prune(self, trial: TrialView) -> None:
        """Ask, then have a running trial pruned."""
        if (reader := self.target_reader()) and trial.state is TrialState.RUNNING:
            command = commands.Prune(id="", trial=trial.number)
            self.request_confirmation(
                f"Prune trial {trial.number}?", lambda: self._send_command(command, reader)
            )

    def action_delete(self) -> None:
        """Ask, then delete the folder."""
        if reader := self.target_reader():
            self.request_confirmation(
                f"Delete {reader.session.name} and all its files?",
                lambda: self._delete_session_folder(reader),
            )

    def action_edit(self) -> None:
        """Open the recipe; of a session with trials the next start takes over what fits."""
        if reader := self.target_reader():
            self.tuner_app.open_setup_screen(reader.session)

    def action_export(self) -> None:
        if reader := self.target_reader():
            from tuner.tui.screens.export_screen import ExportScreen

            trial = self.current_trial()
            number = None if trial is None else trial.number
            self.app.push_screen(ExportScreen(reader, self.marked_trials(), number))

    def action_copy(self) -> None:
        """Copy the parameters to the clipboard as JSON."""
        trial = self.current_trial()
        if trial is not None:
            values = {**trial.params, **trial.fixed}
            self.app.copy_to_clipboard(json.dumps(values, indent=2))
            self.tuner_app.notify_user(f"copied the parameters of trial {trial.number} as JSON")

    def _send_command(self, command: commands.Command, reader: SessionReader | None = None) -> None:
        reader = reader or self.target_reader()
        if reader is None:
            return
        try:
            send_command(reader.session, command)
        except (OSError, TunerError) as error:
            self.tuner_app.notify_user(f"the command could not be written: {error}", failed=True)
            return
        reader.expire_lock_check()
        self.refresh_bindings()

    def _delete_session_folder(self, reader: SessionReader) -> None:
        try:
            delete_session(reader.session)
        except (TunerError, OSError) as error:
            self.tuner_app.notify_user(str(error), failed=True)
            return
        self.leave_deleted_session(reader)

    def key_bar_dependencies(self) -> object:
        """Return what the keys that apply depend on: while it is equal, they are the same."""
        reader, trial = self.target_reader(), self.current_trial()
        return (
            None if reader is None else (reader.session.name, reader.view.best is None),
            self.session_state(),
            None if trial is None else trial.state,
        )

    def refresh_changed_keys(self) -> None:
        dependencies = self.key_bar_dependencies()
        if dependencies != self._shown_dependencies:
            self._shown_dependencies = dependencies
            self.refresh_bindings()


_ASKED_OF_WORKER = frozenset({"pause", "drain", "stop"})
_SESSION_ACTIONS = frozenset(
    {"start", "edit", "pause", "resume", "drain", "prune", "stop", "delete", "export", "copy"}
)
