"""The one family of exceptions that a user can cause; all else is a bug and shows its trace."""


class TunerError(Exception):
    """A message meant for the user: one line that says what is wrong and, where it can, what to do.

    `exit_code` is what a command that meets it exits with: 2 where the input is wrong, 1 where the
    study failed, 3 where it has not finished.
    """

    exit_code = 2


class StudyFailed(TunerError):
    """The study stopped itself; the message names the cause."""

    exit_code = 1


class NotFinished(TunerError):
    """The session is paused or stopped, so what was asked for is not there yet."""

    exit_code = 3
