"""What people ask of a worker: read from commands.jsonl, sorted, and answered in the log."""

from __future__ import annotations

from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.inbox import CommandReader
from tuner.worker.event_log import EventLog

NOT_RUNNING_THEN = "not running then"


class PendingCommands:
    """The commands of one session that are still to be carried out.

    `enqueues` and `prunes` are for the worker to take out and to answer by `answer_command`;
    `pauses`, `drains` and `stops` are answered by `answer_end_requests` once the worker has come to
    its end.
    """

    def __init__(self, session: Session, event_log: EventLog) -> None:
        self._inbox = CommandReader(session.commands_path)
        self._event_log = event_log
        self.enqueues: list[c.Enqueue] = []
        self.prunes: list[c.Prune] = []
        self.pauses: list[c.Pause] = []
        self.drains: list[c.Drain] = []
        self.stops: list[c.Stop] = []

    def take_earlier_commands(self, started: float) -> None:
        """Refuse what was asked of an earlier worker, except for enqueued trials."""
        for command in self._read_unanswered():
            if command.time >= started or isinstance(command, c.Enqueue):
                self._sort_command(command)
            else:
                self.answer_command(command.id, NOT_RUNNING_THEN, ok=False)

    def take_new_commands(self) -> None:
        for command in self._read_unanswered():
            self._sort_command(command)

    def answer_command(self, command_id: str, result: str, *, ok: bool = True) -> None:
        self._event_log.record_event(e.CommandDone(id=command_id, result=result, ok=ok))

    def answer_end_requests(self, result: str) -> None:
        """Answer all commands that asked for the worker's end."""
        for command in (*self.pauses, *self.drains, *self.stops):
            self.answer_command(command.id, result)

    def _sort_command(self, command: c.AnyCommand) -> None:
        match command:
            case c.Enqueue():
                self.enqueues.append(command)
            case c.Prune():
                self.prunes.append(command)
            case c.Pause():
                self.pauses.append(command)
            case c.Drain():
                self.drains.append(command)
            case c.Stop():
                self.stops.append(command)

    def _read_unanswered(self) -> list[c.AnyCommand]:
        commands = self._inbox.read_new_commands()
        for line in self._inbox.bad_lines:
            self._warn_only_once(f"commands.jsonl: not a command: {line[:200]!r}")
        self._inbox.bad_lines.clear()
        return [
            command for command in commands if command.id not in self._event_log.view.commands_done
        ]

    def _warn_only_once(self, text: str) -> None:
        """Warn unless the log has the warning: every worker reads the file from its start."""
        logs = (event for event in self._event_log.view.history if isinstance(event, e.Log))
        if all(log.text != text for log in logs):
            self._event_log.log_message("warning", text)
