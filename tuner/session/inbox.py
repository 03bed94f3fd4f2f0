"""Commands to a session's worker: appended by anybody, read by the worker."""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Collection, Set
from pathlib import Path

import msgspec

from tuner.session.commands import AnyCommand, Command, Drain, Enqueue, Pause, Stop
from tuner.session.existing_file import existing_file
from tuner.session.folder import Session
from tuner.session.write_guard import refuse_unsafe_folder

_decoder = msgspec.json.Decoder(AnyCommand)


def send_command(session: Session, command: Command) -> str:
    """Append the command in one write and return its id (made here where it has none).

    Raises TunerError where the session's folder leads elsewhere, OSError where the disk refuses.
    """
    refuse_unsafe_folder(session)
    command = msgspec.structs.replace(
        command, id=command.id or uuid.uuid4().hex, time=command.time or time.time()
    )
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    file = os.open(session.commands_path, flags, 0o600)
    try:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + msgspec.json.encode(command) + b"\n"
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(session.commands_path))
    finally:
        os.close(file)
    return command.id


def pending_enqueues(session: Session, done: Collection[str]) -> list[Enqueue]:
    """List the enqueued trials that no worker has taken on; `done` are answered ids."""
    commands = CommandReader(session.commands_path).read_new_commands()
    return [
        command for command in commands if isinstance(command, Enqueue) and command.id not in done
    ]


class EndRequests:
    """The commands that ask a session's worker to end, each read once."""

    def __init__(self, session: Session) -> None:
        self._reader = CommandReader(session.commands_path)
        self._ids: set[str] = set()

    def are_pending(self, answered: Set[str]) -> bool:
        """Check for one whose id is not among the answered ones."""
        commands = self._reader.read_new_commands()
        self._ids.update(c.id for c in commands if isinstance(c, Pause | Drain | Stop))
        return not self._ids <= answered


class CommandReader:
    """Reads commands as they come. `bad_lines` collects what was no command, for a warning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._partial = b""
        self.bad_lines: list[str] = []

    def read_new_commands(self) -> list[AnyCommand]:
        """Return the commands written since the last call, in order.

        Raises UnreadableFile where they cannot be read.
        """
        with existing_file(self._path) as file:
            if file is None:
                return []
            file.seek(self._offset)
            chunk = file.read()
        self._offset += len(chunk)
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        commands = [self._decode_command(line) for line in lines if line.strip()]
        return [command for command in commands if command is not None]

    def _decode_command(self, line: bytes) -> AnyCommand | None:
        try:
            command: AnyCommand = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.bad_lines.append(line.decode("utf-8", "replace"))
            return None
        if not command.id:
            self.bad_lines.append(line.decode("utf-8", "replace"))
            return None
        return command
