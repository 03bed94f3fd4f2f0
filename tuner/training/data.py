"""A session's data: read, divided and tokenized once, then taken from the session's cache."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tuner.errors import TunerError
from tuner.recipe.load import section_to_dict
from tuner.recipe.types import DataSection, Recipe
from tuner.training.decisions import decision_line
from tuner.training.files import atomic_file_write, atomic_folder_write, file_digest
from tuner.training.labels import (
    UNLABELLED,
    LabelScheme,
    decide_labels,
    labels_as_texts,
    refuse_missing,
)
from tuner.training.rows import Rows, read_source_rows
from tuner.training.sources import find_data_file, is_hub_source
from tuner.training.split import Division, Indices, divide_rows
from tuner.training.text_facts import TextFacts
from tuner.training.texts_for_display import TEXTS_FILE, write_validation_texts
from tuner.training.tokens import TokenizedSplit, map_split_arrays, save_split_arrays, tokenize_rows

_FORMAT = 2
"""Of what reading, labels and division make of the same files; another one is another cache."""
_READER = "tuner:reader"
_NOT_READING = ("train", "test", "root")


class DatasetFacts(msgspec.Struct, frozen=True):
    """What is cached beside the arrays. `texts` says for each split which rows are odd."""

    labels: list[str]
    texts: dict[str, TextFacts] = {}
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class SessionData:
    """The tokenized rows of a session; `key` identifies the content that they were made from."""

    key: str
    facts: DatasetFacts
    train: TokenizedSplit
    validation: TokenizedSplit

    def splits_with_sources(
        self, section: DataSection
    ) -> tuple[tuple[str, TokenizedSplit, str], ...]:
        """Return (name, split, file) for each split; row numbers count in that file."""
        shared = not isinstance(section.validation, str)
        validation = section.train if shared else str(section.validation)
        return ("train", self.train, section.train), ("validation", self.validation, validation)


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows read and divided, not tokenized. `validation` is `train` where it is a share of it.

    Classes are `UNLABELLED` in rows that are left out.
    """

    scheme: LabelScheme
    train: Rows
    validation: Rows
    train_classes: Indices
    validation_classes: Indices
    division: Division

    @property
    def labels(self) -> tuple[str, ...]:
        return self.scheme.labels

    def reading_decisions(self) -> list[str]:
        """Say how the files were read and labels understood, and which keys overrule that."""
        files = [self.train] if self.validation is self.train else [self.train, self.validation]
        lines = [decision_line(rows.source, rows.decisions) for rows in files if rows.decisions]
        return [*lines, *self.scheme.decisions, *self._describe_unlabelled_rows()]

    def _describe_unlabelled_rows(self) -> Iterator[str]:
        for name, classes in (
            ("train", self.train_classes),
            ("validation", self.validation_classes),
        ):
            count = int(np.sum(classes == UNLABELLED))
            if count and (name == "train" or self.validation is not self.train):
                yield f"{count} {name} rows without a label are left out (data.unlabelled)"


def read_labelled_rows(section: DataSection) -> LabelledRows:
    """Read train and validation and divide them. Raises TunerError for what a user can fix."""
    train = read_source_rows(section.train, "train", section)
    separate = isinstance(section.validation, str)
    validation = (
        read_source_rows(str(section.validation), "validation", section) if separate else train
    )
    where = _error_location("train", train)
    train_labels, validation_labels = (
        _checked_label_texts(train, train, "train", section),
        (_checked_label_texts(validation, train, "validation", section) if separate else []),
    )
    scheme = decide_labels(train_labels, validation_labels, section, train.names, where)
    train_classes = scheme.class_numbers(train_labels, where)
    if not separate:
        division = divide_rows(train_classes, None, section)
        return LabelledRows(scheme, train, train, train_classes, train_classes, division)
    validation_classes = scheme.class_numbers(
        validation_labels, _error_location("validation", validation)
    )
    return LabelledRows(
        scheme,
        train,
        validation,
        train_classes,
        validation_classes,
        divide_rows(train_classes, validation_classes, section),
    )


def _checked_label_texts(rows: Rows, train: Rows, key: str, section: DataSection) -> list[str]:
    """Return a file's labels as texts; numbers go by its class names, or by those of train."""
    texts = labels_as_texts(rows.labels, rows.names or train.names, _error_location(key, rows))
    refuse_missing(texts, _error_location(key, rows), section.unlabelled or ())
    return texts


def _error_location(key: str, rows: Rows) -> str:
    return f"data.{key}: {rows.source}"


def load_session_data(
    recipe: Recipe,
    tokenizer: Any,
    max_length: int,
    session: Path,
    pin_sources: bool = True,
    unadapted_key: str | None = None,
) -> SessionData:
    """Load the session's data from session/cache; read and tokenize it first where that is missing.

    Trainers that start together do this once: the others wait. With `pin_sources`, data files that
    have changed since the session's first use of them are refused with TunerError. `unadapted_key`
    is the `tokenizer_key` from before the tokenizer was adapted to its model, which older versions
    used.
    """
    digests = _source_digests(recipe.data)
    cache = session / "cache"
    if pin_sources:
        _refuse_changed_sources(cache / "sources.json", digests)
    key = content_key(recipe.data, digests, tokenizer, max_length)
    cache.mkdir(parents=True, exist_ok=True)
    with _exclusive_lock(cache / "lock"):
        data = _open_cached_data(cache / key, key) or _open_older_cache(
            cache, recipe.data, digests, unadapted_key or tokenizer_key(tokenizer), max_length
        )
        if data is None:
            _write_cached_data(cache / key, recipe, tokenizer, max_length)
            data = _open_cached_data(cache / key, key)
            assert data is not None, f"{cache / key} was written and cannot be read"
        if pin_sources:
            _record_sources(cache / "sources.json", digests)
    return data


def _open_older_cache(
    cache: Path, section: DataSection, digests: dict[str, str], unadapted_key: str, max_length: int
) -> SessionData | None:
    """Open what the version that the session began with read, so that its trials stay comparable.

    None where this version began it. Raises TunerError where the older one's rows are lost.
    """
    sources = cache / "sources.json"
    if not sources.exists() or json.loads(sources.read_bytes()).get(_READER, 1) == _FORMAT:
        return None
    for key in older_content_keys(section, digests, unadapted_key, max_length):
        data = _open_cached_data(cache / key, key)
        if data is not None:
            texts = {"train": TextFacts(), "validation": TextFacts()}
            return replace(data, facts=msgspec.structs.replace(data.facts, texts=texts))
    raise TunerError(
        "data: this session began with an older version of tuner, which divided the rows "
        "differently, and its cache is gone, so new trials could not be compared with the old "
        "ones; start a new session"
    )


def older_content_keys(
    section: DataSection, digests: dict[str, str], unadapted_key: str, max_length: int
) -> list[str]:
    """Return what `content_key` was before formats were written beside the digests."""
    return [
        _hash_key_parts([
            1, digests, list(section.text), section.label, section.validation, section.holdout,
            sealed, section.split_seed, section.quotes, max_length, unadapted_key,
        ])
        for sealed in (False, True)
    ]  # fmt: skip


def _source_digests(section: DataSection) -> dict[str, str]:
    """Hash each file's content; a hub data set goes by its name, for it is read once a session."""
    sources = {"train": section.train}
    if isinstance(section.validation, str):
        sources["validation"] = section.validation
    return {
        source: "hub"
        if is_hub_source(source)
        else file_digest(find_data_file(source, key, section.root))
        for key, source in sources.items()
    }


def _refuse_changed_sources(path: Path, digests: dict[str, str]) -> None:
    if not path.exists():
        return
    for source, recorded in json.loads(path.read_text(encoding="utf-8")).items():
        if digests.get(source, recorded) != recorded:
            raise TunerError(
                f"data: {source} has changed since this session began, so its trials could not be "
                "compared; put the old file back, or start a new session"
            )


def _record_sources(path: Path, digests: dict[str, str]) -> None:
    if not path.exists():
        with atomic_file_write(path) as temporary:
            temporary.write_text(
                json.dumps({**digests, _READER: _FORMAT}, indent=1), encoding="utf-8"
            )


def content_key(
    section: DataSection, digests: dict[str, str], tokenizer: Any, max_length: int
) -> str:
    """Hash everything that the tokenized arrays depend on, to 32 hexadecimal digits."""
    reading = {k: v for k, v in section_to_dict(section).items() if k not in _NOT_READING}
    return _hash_key_parts([_FORMAT, digests, reading, max_length, tokenizer_key(tokenizer)])


def _hash_key_parts(parts: list[Any]) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def tokenizer_key(tokenizer: Any) -> str:
    """Hash everything that decides how texts become tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    whole = (
        backend.to_str()
        if backend is not None
        else json.dumps(sorted(tokenizer.get_vocab().items()))
    )
    head = f"{type(tokenizer).__name__} {tokenizer.model_input_names} {tokenizer.truncation_side} "
    return hashlib.blake2b((head + whole).encode(), digest_size=16).hexdigest()


@contextmanager
def _exclusive_lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _open_cached_data(folder: Path, key: str) -> SessionData | None:
    """Open the cached data; None where it is missing or damaged (and then removed)."""
    if not folder.is_dir():
        return None
    try:
        facts = msgspec.json.decode((folder / "facts.json").read_bytes(), type=DatasetFacts)
        return SessionData(
            key, facts, map_split_arrays(folder, "train"), map_split_arrays(folder, "validation")
        )
    except (OSError, ValueError, EOFError):
        shutil.rmtree(folder)
        return None


def _write_cached_data(folder: Path, recipe: Recipe, tokenizer: Any, max_length: int) -> None:
    rows = read_labelled_rows(recipe.data)
    division = rows.division
    train, train_facts = tokenize_rows(
        tokenizer, rows.train.texts, rows.train_classes[division.train], division.train, max_length,
        rows.train.source,
    )  # fmt: skip
    validation, validation_facts = tokenize_rows(
        tokenizer, rows.validation.texts, rows.validation_classes[division.validation],
        division.validation, max_length, rows.validation.source,
    )  # fmt: skip
    for split, source in ((train, rows.train), (validation, rows.validation)):
        if not len(split):
            raise TunerError(f"data: no row of {source.source} has a token: its texts are empty")
    facts = DatasetFacts(
        labels=list(rows.labels),
        texts={"train": train_facts, "validation": validation_facts},
        notes=_notes_on_rows(rows),
    )
    # Before the folder, whose being there says that all is written.
    write_validation_texts(
        folder.parent / TEXTS_FILE, rows.validation, rows.validation_classes, division.validation,
        recipe.data.text, rows.labels,
    )  # fmt: skip
    with atomic_folder_write(folder) as temporary:
        save_split_arrays(temporary, "train", train)
        save_split_arrays(temporary, "validation", validation)
        (temporary / "facts.json").write_bytes(msgspec.json.encode(facts))


def _notes_on_rows(rows: LabelledRows) -> list[str]:
    lacking = sorted(
        set(rows.validation_classes.tolist()) - set(rows.train_classes.tolist()) - {UNLABELLED}
    )
    unseen = [f"no training row has the label {rows.labels[number]!r}" for number in lacking]
    return [*rows.reading_decisions(), *unseen]


def remove_stale_files(folder: Path) -> None:
    """Remove what a killed process left half written in session/cache."""
    for path in folder.glob(".*"):
        pid = path.suffix.removeprefix(".")
        if pid.isdigit() and int(pid) != os.getpid() and not _process_exists(int(pid)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
