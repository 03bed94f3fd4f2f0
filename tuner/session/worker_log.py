"""The end of worker.log: what the worker and its trainers printed last."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.session.existing_file import UnreadableFile, existing_file

TAIL_BYTES = 1 << 16
_LONGEST_SUMMARY = 500


def read_log_tail(path: Path, size: int = TAIL_BYTES) -> str:
    """Read the last `size` bytes of a file from the start of a line on; "" where there is no file.

    Raises UnreadableFile where it cannot be read.
    """
    with existing_file(path) as file:
        if file is None:
            return ""
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - size, 0))
        text = file.read().decode("utf-8", "replace")
    return text.split("\n", 1)[-1] if end > size else text


def summarize_log_end(path: Path, count: int = 3) -> str:
    """Put the last lines that are not blank into one, for an error message."""
    try:
        text = read_log_tail(path)
    except UnreadableFile as error:
        return str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])[-_LONGEST_SUMMARY:]
