"""A session's data: read, divided and tokenized once, then taken from the session's cache."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tuner.errors import TunerError
from tuner.recipe.types import DataSection, Recipe
from tuner.training.files import digest, replaced_file, replaced_folder
from tuner.training.labels import check_class_count, class_numbers, label_texts, ordered_labels
from tuner.training.rows import Rows, checked_path, is_hub, read_rows
from tuner.training.split import Division, Indices, divide
from tuner.training.text_facts import TextFacts
from tuner.training.texts import TEXTS_FILE, write_texts
from tuner.training.tokens import Split, open_split, save_split, tokenize

_FORMAT = 2


class Facts(msgspec.Struct, frozen=True):
    """What is kept beside the arrays. `texts` tells by split which rows are odd."""

    labels: list[str]
    texts: dict[str, TextFacts]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Data:
    """The tokenized rows of a session; `key` identifies the content that they were made from."""

    key: str
    facts: Facts
    train: Split
    validation: Split

    def named_splits(self, section: DataSection) -> tuple[tuple[str, Split, str], ...]:
        """Each split by name, with the file that its row numbers are those of."""
        shared = not isinstance(section.validation, str)
        validation = section.train if shared else str(section.validation)
        return ("train", self.train, section.train), ("validation", self.validation, validation)


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows read and divided, not tokenized. `validation` is `train` where it is a share of it."""

    labels: tuple[str, ...]
    train: Rows
    validation: Rows
    train_classes: Indices
    validation_classes: Indices
    division: Division


def read_labelled(section: DataSection) -> LabelledRows:
    """Read train and validation and divide them. Raises TunerError for what a user can mend."""
    train = read_rows(section.train, "train", section)
    texts = label_texts(train.labels, train.names, _where("train", train))
    if not isinstance(section.validation, str):
        labels = ordered_labels(texts, train.names)
        check_class_count(labels, _where("train", train))
        classes = class_numbers(texts, labels, _where("train", train))
        return LabelledRows(labels, train, train, classes, classes, divide(classes, None, section))
    validation = read_rows(section.validation, "validation", section)
    more = label_texts(validation.labels, validation.names, _where("validation", validation))
    check_class_count(sorted(set(texts)), _where("train", train))
    labels = ordered_labels([*texts, *more], train.names)
    check_class_count(labels, _where("train", train))
    classes = class_numbers(texts, labels, _where("train", train))
    others = class_numbers(more, labels, _where("validation", validation))
    return LabelledRows(
        labels, train, validation, classes, others, divide(classes, others, section)
    )


def _where(key: str, rows: Rows) -> str:
    return f"data.{key}: {rows.source}"


def load_data(
    recipe: Recipe, tokenizer: Any, max_length: int, session: Path, seal: bool = True
) -> Data:
    """The session's data from session/cache, made there first where it is missing or damaged.

    Trainers that start together make it once: the others wait. With `seal`, data files that have
    changed since the session's first use of them are refused with TunerError.
    """
    digests = _digests(recipe.data)
    if seal:
        _refuse_changed(session / "cache" / "sources.json", digests)
    key = content_key(recipe.data, digests, tokenizer, max_length)
    folder = session / "cache" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "lock"):
        data = _opened(folder, key)
        if data is None:
            _fill(folder, recipe, tokenizer, max_length)
            data = _opened(folder, key)
            assert data is not None, f"{folder} was written and cannot be read"
        if seal:
            _remember(session / "cache" / "sources.json", digests)
    return data


def _digests(section: DataSection) -> dict[str, str]:
    """Each file by its content; a hub data set by its name, for it is read once a session."""
    sources = {"train": section.train}
    if isinstance(section.validation, str):
        sources["validation"] = section.validation
    return {
        source: "hub" if is_hub(source) else digest(checked_path(source, key, section))
        for key, source in sources.items()
    }


def _refuse_changed(path: Path, digests: dict[str, str]) -> None:
    if not path.exists():
        return
    for source, known in json.loads(path.read_text(encoding="utf-8")).items():
        if digests.get(source, known) != known:
            raise TunerError(
                f"data: {source} has changed since this session began, so its trials could not be "
                "compared; put the old file back, or start a new session"
            )


def _remember(path: Path, digests: dict[str, str]) -> None:
    if not path.exists():
        with replaced_file(path) as temporary:
            temporary.write_text(json.dumps(digests, indent=1), encoding="utf-8")


def content_key(
    section: DataSection, digests: dict[str, str], tokenizer: Any, max_length: int
) -> str:
    """A name for the content that the tokenized arrays follow from, 32 hexadecimal digits."""
    parts = [
        _FORMAT, digests, list(section.text), section.label, section.validation, section.holdout,
        section.split_seed, section.quotes, max_length,
        tokenizer_key(tokenizer),
    ]  # fmt: skip
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def tokenizer_key(tokenizer: Any) -> str:
    """A digest of all that decides how texts become wordpieces."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    whole = (
        backend.to_str()
        if backend is not None
        else json.dumps(sorted(tokenizer.get_vocab().items()))
    )
    head = f"{type(tokenizer).__name__} {tokenizer.model_input_names} {tokenizer.truncation_side} "
    return hashlib.blake2b((head + whole).encode(), digest_size=16).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _opened(folder: Path, key: str) -> Data | None:
    """The cached data, or None where it is missing or damaged (and then removed)."""
    if not folder.is_dir():
        return None
    try:
        facts = msgspec.json.decode((folder / "facts.json").read_bytes(), type=Facts)
        return Data(key, facts, open_split(folder, "train"), open_split(folder, "validation"))
    except (OSError, ValueError, EOFError):
        shutil.rmtree(folder)
        return None


def _fill(folder: Path, recipe: Recipe, tokenizer: Any, max_length: int) -> None:
    rows = read_labelled(recipe.data)
    division = rows.division
    train, train_facts = tokenize(
        tokenizer, rows.train.texts, rows.train_classes[division.train], division.train, max_length
    )
    validation, validation_facts = tokenize(
        tokenizer, rows.validation.texts, rows.validation_classes[division.validation],
        division.validation, max_length,
    )  # fmt: skip
    for split, source in ((train, rows.train), (validation, rows.validation)):
        if not len(split):
            raise TunerError(f"data: no row of {source.source} has a token: its texts are empty")
    facts = Facts(
        labels=list(rows.labels),
        texts={"train": train_facts, "validation": validation_facts},
        notes=_notes(rows),
    )
    # Before the folder, whose being there says that all is written.
    write_texts(
        folder.parent / TEXTS_FILE, rows.validation, rows.validation_classes, division.validation,
        recipe.data.text, rows.labels,
    )  # fmt: skip
    with replaced_folder(folder) as temporary:
        save_split(temporary, "train", train)
        save_split(temporary, "validation", validation)
        (temporary / "facts.json").write_bytes(msgspec.json.encode(facts))


def _notes(rows: LabelledRows) -> list[str]:
    lacking = sorted(set(rows.validation_classes.tolist()) - set(rows.train_classes.tolist()))
    return [f"no training row has the label {rows.labels[number]!r}" for number in lacking]


def remove_stale(folder: Path) -> None:
    """Remove what a process that was killed left half written in session/cache."""
    for path in folder.glob(".*"):
        pid = path.suffix.removeprefix(".")
        if pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
