"""Paths as people write them and as the environment gives them, treated alike everywhere.

What cannot be a file name, or cannot stand in a recipe, is refused here with a TunerError.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.nearest import nearest_spelling, quote_value

_REMOVED = "the working folder has been removed: change to another one"
_REASONS = {
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.ELOOP: "its links form a loop",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "a folder, not a file",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "your quota of disk space is used up",
    errno.ENXIO: "a pipe that nobody reads from",
}


def resolve_user_path(written: str | Path, source: str, root: str | Path | None = None) -> Path:
    """Return the path that was meant: `~` is the home folder, relative paths are below `root`.

    `~name` is another user's home if there is such a user, else a file of that name. `source` is
    the option, key or variable it comes from, `root` the recipe's data.root. TunerError if no file
    can have this name.
    """
    text = str(written)
    if not text.strip():
        raise TunerError(f"{source}: is empty")
    if "\0" in text:
        raise TunerError(f"{source} {text}: a file name cannot contain NUL")
    path = _expand_home(require_utf8(text, source), source)
    return (
        path if path.is_absolute() or root is None else resolve_user_path(root, "data.root") / path
    )


def require_utf8(text: str, source: str) -> str:
    """Return the text; TunerError if it holds bytes that are not UTF-8.

    Recipes, logs and the messages between processes are UTF-8, and torch's libraries cannot open
    other names.
    """
    if is_valid_utf8(text):
        return text
    raise TunerError(f"{source} {text}: not UTF-8, which tuner needs: rename it, or use another")


def is_valid_utf8(text: str) -> bool:
    """Tell whether Python had to keep no byte of a file name as a surrogate."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _expand_home(text: str, source: str) -> Path:
    if not text.startswith("~"):
        return Path(text)
    name, _, path_below_home = text[1:].partition("/")
    home = _home_of_user(name) if name else find_home_folder()
    if home is None and not name:
        raise TunerError(f"{source} {text}: there is no home folder (HOME is not set)")
    return Path(text) if home is None else Path(require_utf8(str(home), "HOME")) / path_below_home


def _home_of_user(user: str) -> Path | None:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return None


def find_home_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return HOME, else what the system has for this user; None for one without a home."""
    if environment.get("HOME"):
        return Path(environment["HOME"])
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def xdg_folder(variable: str, default: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of an XDG variable, else `default` below the home folder.

    As the standard demands, a relative path in the variable is ignored. Without a home it is a
    folder that does not exist, which readers and writers of settings put up with.
    """
    configured = Path(environment.get(variable) or "")
    return (
        configured
        if configured.is_absolute()
        else (find_home_folder(environment) or Path("/nonexistent")) / default
    )


def find_working_folder() -> Path:
    """Return the working folder; TunerError if it was removed, or if no recipe can name it."""
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise TunerError(_REMOVED) from None
    require_utf8(str(folder), "the working folder")
    return folder


def resolve_absolute_path(path: Path) -> Path:
    """Return the path from the root, links followed; TunerError without a working folder."""
    try:
        return Path(os.path.realpath(path))
    except FileNotFoundError:
        raise TunerError(_REMOVED) from None


def is_unused_path(path: Path) -> bool:
    """Tell whether something could have this name and nothing has, not even a broken link."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def describe_os_error(error: OSError) -> str:
    """Say in a few words what the system refuses."""
    known_reason = _REASONS.get(error.errno or 0)
    return known_reason or (error.strerror or str(error) or type(error).__name__).lower()


def why_file_is_unreadable(path: Path) -> str | None:
    """Say in a few words why a file cannot be read; None if it can. Never blocks."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return (
            _describe_missing_path(path)
            if error.errno == errno.ENOENT
            else describe_os_error(error)
        )
    if stat.S_ISDIR(mode):
        return "a folder, not a file"
    if not stat.S_ISREG(mode):
        return "a pipe or a device, not a file"
    return None if os.access(path, os.R_OK) else "permission denied"


def why_folder_is_unreadable(path: Path) -> str | None:
    """Say in a few words why a folder cannot be looked into; None if it can."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return (
            _describe_missing_path(path, "folder")
            if error.errno == errno.ENOENT
            else describe_os_error(error)
        )
    if not stat.S_ISDIR(mode):
        return "not a folder"
    return None if os.access(path, os.R_OK | os.X_OK) else "permission denied"


def near_path_hint(written: str, path: Path, is_candidate: Callable[[Path], bool]) -> str:
    """Return `; did you mean "data/train.csv"?` where the folder of `path` has a similar name.

    It is written as the user did, relative or not, so that it can be used as it stands.
    """
    if why_folder_is_unreadable(path.parent) is not None:
        return ""
    names = sorted(entry.name for entry in path.parent.iterdir() if is_candidate(entry))
    near = nearest_spelling(path.name, names)
    if near is None:
        return ""
    return f"; did you mean {quote_value(os.path.join(os.path.dirname(written), near))}?"


def _describe_missing_path(path: Path, what: str = "file") -> str:
    return "a broken link" if path.is_symlink() else f"no such {what}"
