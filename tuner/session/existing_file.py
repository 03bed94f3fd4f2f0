"""Reading files that others append to: a missing one is empty, an unreadable one an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tuner.errors import TunerError
from tuner.recipe.regular_file import open_regular_file
from tuner.recipe.user_paths import describe_os_error


class UnreadableFile(TunerError):
    """A file is there and the system does not let it be read."""


@contextmanager
def existing_file(path: Path) -> Iterator[BinaryIO | None]:
    """Yield the open file, None where there is none; its body may read and do nothing else.

    Raises UnreadableFile where it cannot be opened or read, or is not a plain file.
    """
    try:
        file = open_regular_file(path)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {describe_os_error(error)}") from error
    try:
        with file:
            yield file
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {describe_os_error(error)}") from error
