"""A session's folder: where everything about one tuning job lies."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner import __version__
from tuner.errors import TunerError
from tuner.session.events import SCHEMA, SessionCreated
from tuner.session.lock import lock_holder
from tuner.session.writer import EventWriter

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_LONGEST_NAME = 100


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
        """trials/0012 for trial 12."""
        return self.trials_folder / f"{number:04d}"


def check_name(name: str) -> str:
    """The name itself; raises TunerError where it cannot be a session's."""
    if len(name) > _LONGEST_NAME:
        raise TunerError(f"session name: {len(name)} characters, {_LONGEST_NAME} are allowed")
    if not _NAME.fullmatch(name):
        raise TunerError(
            f"session name {name!r}: only letters, digits, '-', '_' and '.' are allowed, "
            f"and no '.' at the start{_suggestion(name)}"
        )
    return name


def create_session(root: Path, name: str, recipe_text: str) -> Session:
    """A new session below `root` with this recipe; raises TunerError where the name is taken."""
    check_name(name)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    session = Session(root / name)
    try:
        session.path.mkdir(mode=0o700)
    except FileExistsError:
        raise TunerError(
            f"session {name!r} exists already in {root}: choose another name"
        ) from None
    write_private(session.recipe_path, recipe_text)
    write_private(session.commands_path, "")
    with EventWriter(session.events_path) as writer:
        writer.append(SessionCreated(schema=SCHEMA, name=name, tuner=__version__))
        writer.sync()
    return session


def open_session(root: Path, name: str) -> Session:
    """The session of that name; raises TunerError, with the nearest name, where there is none."""
    check_name(name)
    session = Session(root / name)
    if not _is_session(session.path):
        names = [other.name for other in list_sessions(root)]
        raise TunerError(f"no session {name!r} in {root}{_nearest(name, names)}")
    _refuse_outside(session, root)
    return session


def list_sessions(root: Path) -> list[Session]:
    """All sessions below `root`, by name; [] where the folder does not exist."""
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    inside = [name for name in names if _NAME.fullmatch(name) and not (root / name).is_symlink()]
    return [Session(root / name) for name in inside if _is_session(root / name)]


def delete_session(session: Session) -> None:
    """Remove the folder with all that is in it; raises TunerError while a worker is at it."""
    holder = lock_holder(session.lock_path)
    if holder is not None:
        raise TunerError(
            f"session {session.name!r} is running (pid {holder}): stop it before deleting it"
        )
    shutil.rmtree(session.path)


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once, readable by the user alone."""
    draft = path.with_name(f"{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    _sync_entries(path.parent)


def _sync_entries(folder: Path) -> None:
    """Wait until it is on the disk which file has which name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_session(path: Path) -> bool:
    return (path / "events.jsonl").is_file() or (path / "recipe.toml").is_file()


def _refuse_outside(session: Session, root: Path) -> None:
    if session.path.resolve().parent != root.resolve():
        raise TunerError(f"session {session.name!r} leads out of {root}: not opened")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return "; see `tuner list`" if names else "; make one with `tuner new`"


def _suggestion(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")
    return f"; {cleaned!r} would do" if cleaned else ""
