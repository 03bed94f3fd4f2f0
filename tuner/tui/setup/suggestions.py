"""Completion of models and files while they are being typed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from textual.suggester import Suggester

KNOWN_MODELS = (
    "albert/albert-base-v2",
    "answerdotai/ModernBERT-base",
    "answerdotai/ModernBERT-large",
    "demo:model",
    "distilbert/distilbert-base-uncased",
    "distilbert/distilroberta-base",
    "FacebookAI/roberta-base",
    "FacebookAI/roberta-large",
    "FacebookAI/xlm-roberta-base",
    "google-bert/bert-base-cased",
    "google-bert/bert-base-uncased",
    "google-bert/bert-large-uncased",
    "google/electra-base-discriminator",
    "google/electra-large-discriminator",
    "google/electra-small-discriminator",
    "microsoft/deberta-v3-base",
    "microsoft/deberta-v3-large",
    "sentence-transformers/all-MiniLM-L6-v2",
)
DATA_ENDINGS = (".jsonl", ".csv", ".tsv", ".parquet")
ENTRIES_LOOKED_AT = 2000


class PathSuggester(Suggester):
    """Completes to the first known name that begins with what was typed, else to a path."""

    def __init__(
        self, folder: Path, *, known_names: Iterable[str] = (), endings: tuple[str, ...] = ()
    ) -> None:
        """Look relative paths up below `folder`; files need one of the endings."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._folder, self._known, self._endings = folder, tuple(known_names), endings

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole text, or None where nothing begins like this."""
        return complete_known_name(value, self._known) or complete_path(
            value, self._folder, self._endings
        )


def complete_known_name(value: str, known_names: Iterable[str]) -> str | None:
    """Return the first name with this beginning, ignoring case."""
    if not value:
        return None
    begins = [name for name in known_names if name.lower().startswith(value.lower())]
    return value + begins[0][len(value) :] if begins else None


def complete_path(value: str, folder: Path, endings: tuple[str, ...]) -> str | None:
    """Return the first folder (with a slash) or file whose path begins with what was typed."""
    parent, _, start = value.rpartition("/")
    if not value or value.startswith("hub:"):
        return None
    place = f"{parent}/" if parent or value.startswith("/") else "."
    for name, is_folder in _folder_entries(folder / os.path.expanduser(place)):
        if name.startswith(start) and (start or not name.startswith(".")):
            path = f"{parent}/{name}" if "/" in value else name
            if is_folder:
                return f"{path}/"
            if not endings or name.endswith(endings):
                return path
    return None


def _folder_entries(folder: Path) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder) as scanned:
            entries = [e for _, e in zip(range(ENTRIES_LOOKED_AT), scanned, strict=False)]
            return sorted((entry.name, entry.is_dir()) for entry in entries)
    except (OSError, ValueError):
        return []
