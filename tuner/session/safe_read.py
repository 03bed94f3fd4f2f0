"""Reading files that others wrote into a session's folder, and none beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tuner.errors import TunerError
from tuner.session.folder import Session

_LARGEST = 256 * 2**20


def read_file_in_session(session: Session, path: Path, max_bytes: int = _LARGEST) -> bytes:
    """Read a plain file below the session folder, of at most `max_bytes` bytes.

    Raises TunerError in one line where it is missing, leads out of the folder, is not a plain
    file,
    or is larger.
    """
    name = path.relative_to(session.path)
    try:
        if not path.resolve().is_relative_to(session.path.resolve()):
            raise TunerError(f"{name} leads out of the session folder: not read")
        # Not waiting, since what has the file's name could be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise TunerError(f"{name} is not a plain file: not read")
            if status.st_size > max_bytes:
                raise TunerError(f"{name} is too large to be what it should be: not read")
            return file.read(max_bytes)
    except (FileNotFoundError, NotADirectoryError):
        raise TunerError(f"{name} is missing") from None
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise TunerError(f"{name} cannot be read: {reason or 'a circular link'}") from None
