"""A session's folder: where everything about one tuning job lies."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner import __version__
from tuner.errors import TunerError
from tuner.recipe.nearest import nearest_spelling
from tuner.recipe.user_paths import describe_os_error, is_unused_path, require_utf8
from tuner.session.events import SCHEMA, SessionCreated
from tuner.session.lock import lock_holder_pid
from tuner.session.staging import staging_folder, sync_folder_entries
from tuner.session.writer import EventWriter

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_LONGEST_NAME = 100
_NAME_TAKEN_ERRORS = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Session:
    """The paths inside one session's folder. Nothing is read or made by it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe_path(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def commands_path(self) -> Path:
        return self.path / "commands.jsonl"

    @property
    def database_path(self) -> Path:
        return self.path / "study.db"

    @property
    def lock_path(self) -> Path:
        return self.path / "worker.lock"

    @property
    def log_path(self) -> Path:
        return self.path / "worker.log"

    @property
    def best_folder(self) -> Path:
        return self.path / "best"

    @property
    def best_json(self) -> Path:
        return self.path / "best.json"

    @property
    def cache_folder(self) -> Path:
        return self.path / "cache"

    @property
    def trials_folder(self) -> Path:
        return self.path / "trials"

    def trial_folder(self, number: int) -> Path:
        """Return trials/0012 for trial 12."""
        return self.trials_folder / f"{number:04d}"


def check_session_name(name: str) -> str:
    """Return the name; raises TunerError where no session can have it."""
    if len(name) > _LONGEST_NAME:
        raise TunerError(f"session name: {len(name)} characters, {_LONGEST_NAME} are allowed")
    if not _NAME.fullmatch(name):
        raise TunerError(
            f"session name {name!r}: only letters, digits, '-', '_' and '.' are allowed, "
            f"and no '.' at the start{_suggest_valid_name(name)}"
        )
    return name


def check_new_session_name(name: str) -> str:
    """Check a name for a new session, which must not look like an option of a command."""
    if name.startswith("-"):
        raise TunerError(
            f"session name {name!r}: '-' at the start would be taken for an option"
            f"{_suggest_valid_name(name)}"
        )
    return check_session_name(name)


def unused_session_name(root: Path, name: str) -> str:
    """Return `name`, else NAME-2, NAME-3, …: the first that nothing in `root` has."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in names if is_unused_path(root / candidate))


def create_session(root: Path, name: str, recipe_text: str) -> Session:
    """Create a session below `root` with this recipe, as a whole or not at all.

    Raises TunerError where the name is taken, or where nothing can be written.
    """
    check_new_session_name(name)
    require_utf8(recipe_text, "the recipe")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with staging_folder(root, name) as draft:
            _write_first_files(Session(draft), name, recipe_text)
            _rename_to_final_name(draft, root / name)
    except OSError as error:
        raise TunerError(
            f"cannot create a session in {root}: {describe_os_error(error)}"
        ) from error
    return Session(root / name)


def _write_first_files(session: Session, name: str, recipe_text: str) -> None:
    write_private_file(session.recipe_path, recipe_text)
    write_private_file(session.commands_path, "")
    with EventWriter(session.events_path) as writer:
        writer.append_event(SessionCreated(schema=SCHEMA, name=name, tuner=__version__))
        writer.sync_to_disk()


def _rename_to_final_name(draft: Path, path: Path) -> None:
    """Rename the finished folder. An empty folder of that name is replaced, nothing else."""
    try:
        draft.rename(path)
    except OSError as error:
        if error.errno not in _NAME_TAKEN_ERRORS:
            raise
        raise TunerError(
            f"session {path.name!r} already exists in {path.parent}: choose another name"
        ) from None
    sync_folder_entries(path.parent)


def find_session(root: Path, name: str) -> Session:
    """Return the session of that name; TunerError, with the nearest name, where there is none."""
    check_session_name(name)
    session = Session(root / name)
    if not _is_session_folder(session.path):
        names = [session_beside.name for session_beside in list_sessions(root)]
        raise TunerError(f"no session {name!r} in {root}{_nearest_name_hint(name, names)}")
    _refuse_session_outside_root(session, root)
    return session


def list_sessions(root: Path) -> list[Session]:
    """List all sessions below `root` by name; [] where the folder does not exist."""
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    inside = [name for name in names if _NAME.fullmatch(name) and not (root / name).is_symlink()]
    return [Session(root / name) for name in inside if _is_session_folder(root / name)]


def delete_session(session: Session) -> None:
    """Delete the folder with all its files; TunerError while a worker is running."""
    holder = lock_holder_pid(session.lock_path)
    if holder is not None:
        raise TunerError(
            f"session {session.name!r} is running (pid {holder}): pause it before deleting it"
        )
    shutil.rmtree(session.path)


def write_private_file(path: Path, text: str) -> None:
    """Replace a file's content atomically, readable by the user alone."""
    draft = path.with_name(f"{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    sync_folder_entries(path.parent)


def _is_session_folder(path: Path) -> bool:
    return (path / "events.jsonl").is_file() or (path / "recipe.toml").is_file()


def _refuse_session_outside_root(session: Session, root: Path) -> None:
    if session.path.resolve().parent != root.resolve():
        raise TunerError(f"session {session.name!r} leads out of {root}: not opened")


def _nearest_name_hint(name: str, names: Sequence[str]) -> str:
    near = nearest_spelling(name, names)
    if near:
        return f"; did you mean {near!r}?"
    return "; see `tuner list`" if names else "; create one with `tuner new`"


def _suggest_valid_name(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")
    return f"; try {cleaned!r}" if cleaned else ""
