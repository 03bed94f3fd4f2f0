"""What can go wrong in a trial, by cause."""

from __future__ import annotations

import traceback

from tuner.errors import TunerError
from tuner.pool.causes import DEVICE_LOST, EXCEPTION, NOT_A_NUMBER, OUT_OF_MEMORY
from tuner.pool.disk import NO_ROOM, describe_disk_problem

_TRACE_LINES = 30
# torch's own, CUDA's, and oneDNN's, which has no room for its code or its tensors then.
_OUT_OF_MEMORY_PHRASES = (
    "can't allocate memory",
    "out of memory",
    "could not create a primitive",
    "could not create a memory",
)


class NotANumber(ArithmeticError):
    """The loss or a gradient is infinite or not a number; the message says which and where."""


class KernelsMissing(TunerError):
    """The machine lacks the kernels that the session was begun with; the message says which."""


class TrialOutOfMemory(MemoryError):
    """Out of memory even row by row with gradient checkpointing; the message says where."""


def failure_cause(error: BaseException) -> str:
    """Return one of the causes that `Failed` has."""
    if describe_disk_problem(error) is not None:
        return NO_ROOM
    if isinstance(error, NotANumber):
        return NOT_A_NUMBER
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and any(
        words in str(error) for words in _OUT_OF_MEMORY_PHRASES
    ):
        return OUT_OF_MEMORY
    return DEVICE_LOST if device_is_lost(error) else EXCEPTION


def error_in_one_line(error: BaseException) -> str:
    """Describe an error in one line, with its type where the text alone would not be clear."""
    trouble = describe_disk_problem(error)
    if trouble is not None:
        return trouble
    text = str(error).strip()
    line = text.splitlines()[0] if text else ""
    if isinstance(error, NotANumber) and line:
        return line
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def first_message_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def traceback_tail(error: BaseException) -> list[str]:
    """Return the end of the traceback, for the log."""
    text = "".join(traceback.format_exception(error))
    return text.rstrip().splitlines()[-_TRACE_LINES:]


def device_is_lost(error: BaseException) -> bool:
    """Return whether the CUDA context is unusable from now on, so that only a new process helps."""
    if type(error).__name__ == "AcceleratorError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "CUDA error" in text or "device-side assert" in text or "CUBLAS_STATUS" in text
    )
