"""What data.train, data.validation and data.test name: a file, or a split of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.user_paths import (
    near_path_hint,
    resolve_user_path,
    why_file_is_unreadable,
    why_folder_is_unreadable,
)

HUB = "hub:"
_SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True, slots=True)
class HubSource:
    """A split of a data set: of the hub, or of `folder` where the name is that of one."""

    name: str
    config: str | None
    split: str
    folder: Path | None


def is_hub_source(source: str) -> bool:
    """Return whether a source names a data set by hub:NAME[:CONFIG]:SPLIT rather than a file."""
    return source.startswith(HUB)


def parse_hub_source(source: str, where: str, root: str | None) -> HubSource:
    """Parse hub:NAME[:CONFIG]:SPLIT; a NAME may be a folder, relative to `root`.

    Raises TunerError for other forms, and for what looks like a folder and is not one.
    """
    parts = source.removeprefix(HUB).split(":")
    for length in (len(parts) - 1, len(parts) - 2):
        name = ":".join(parts[:length])
        folder = resolve_user_path(name, where, root) if name.strip() else None
        if folder is not None and why_folder_is_unreadable(folder) is None:
            config = parts[-2] if length < len(parts) - 1 else None
            return HubSource(name, config, parts[-1], folder.resolve())
    if len(parts) not in (2, 3) or not all(parts):
        raise TunerError(f"{where}: {source}: write hub:NAME:SPLIT or hub:NAME:CONFIG:SPLIT")
    if parts[0].startswith(("/", "./", "../", "~")):
        folder = resolve_user_path(parts[0], where, root)
        raise TunerError(f"{where}: {folder}: {why_folder_is_unreadable(folder)}")
    return HubSource(parts[0], parts[1] if len(parts) == 3 else None, parts[-1], None)


def find_data_file(source: str, key: str, root: str | None) -> Path:
    """Return the path of an existing data file, or raise TunerError with a near name."""
    path = resolve_user_path(source, f"data.{key}", root)
    trouble = why_file_is_unreadable(path)
    if trouble is not None and why_folder_is_unreadable(path) is None:
        raise TunerError(f"data.{key}: {path}: {trouble}; {folder_advice(path, source)}")
    if trouble is not None:
        folder_trouble = why_folder_is_unreadable(path.parent)
        hint = f"; {path.parent}: {folder_trouble}" if folder_trouble else ""
        hint = hint or near_path_hint(source, path, Path.is_file)
        raise TunerError(f"data.{key}: {path}: {trouble}{hint}")
    return path


def is_saved_folder(folder: Path) -> bool:
    """Return whether `datasets`' save_to_disk wrote a folder."""
    return any((folder / name).is_file() for name in _SAVED)


def splits_of_folder(folder: Path) -> list[str]:
    """List the splits that save_to_disk wrote; none where it wrote a data set without splits."""
    return sorted(p.name for p in folder.iterdir() if (p / "state.json").is_file())


def folder_advice(folder: Path, written: str) -> str:
    """Say how to name a split in a folder, or that a file is expected."""
    if not is_saved_folder(folder):
        return f"name a file in it, or hub:{written}:SPLIT for a data set of several files"
    splits = splits_of_folder(folder) or ["train"]
    return "write " + " or ".join(f"hub:{written}:{split}" for split in splits)
